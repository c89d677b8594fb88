import pytest
from django.db import connection

from elements.models import Element
from elements.usecases import database_size
from tests import builders

pytestmark = pytest.mark.django_db


def measured():
    return database_size.measure(list(Element.objects.all()))


def test_engine_size_and_retention_are_told_in_two_statements(django_assert_num_queries):
    builders.element(gone_retention_days=3)
    builders.element(name="Other", slug="other", gone_retention_days=30)
    elements = list(Element.objects.all())

    with django_assert_num_queries(2):
        found = database_size.measure(elements)

    assert found.engine == {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
    assert found.size_bytes > 10_000
    kept = {table.name: table.kept.replace("\u00a0", " ") for table in found.tables}
    assert kept["Instances"] == "3 to 30 days once gone"
    assert kept["Debug records"] == "7 days, at most 50 000 for each element"


@pytest.mark.once  # PostgreSQL estimates
def test_rows_beyond_the_cap_are_not_counted(monkeypatch):
    element = builders.element()
    for name in ("one", "two", "three"):
        builders.instance(element, name)
    assert (measured().tables[0].rows, measured().tables[0].how) == (3, "")

    monkeypatch.setattr(database_size, "COUNTED", 2)
    element.instances.order_by("pk")[1].delete()
    builders.instance(element, "four", instance_id="i-0000000000000000f")

    assert (measured().tables[0].rows, measured().tables[0].how) == (4, "at most")


@pytest.mark.services  # SQLite counts
def test_postgresql_is_believed_only_once_it_has_estimated():
    builders.instance(builders.element(), "one")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE elements_instance")

    assert (measured().tables[0].rows, measured().tables[0].how) == (1, "about")
