from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import DateTimeField, F

from elements.models import Instance
from elements.models.statements import Change, Given, GivenMoment, Statement
from tests import builders

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 18, 14, 2, 5, 123456, tzinfo=UTC)


def listed():
    return Instance.objects.filter(element=Given("element"), gone_at__isnull=True).order_by("display_name")


def test_each_question_is_answered_for_its_own_values():
    first, second = builders.element(name="First"), builders.element(name="Second")
    builders.instance(first, "a"), builders.instance(second, "b"), builders.instance(second, "c")
    statement = Statement(listed)

    found = [[row.display_name for row in statement.rows(element=each.pk)] for each in (first, second, first)]

    assert found == [["a"], ["b", "c"], ["a"]]


def test_the_text_is_composed_once_and_the_database_is_asked_each_time(django_assert_num_queries):
    element, made = builders.element(), []
    statement = Statement(lambda: made.append(1) or listed())

    with django_assert_num_queries(2):
        before = statement.rows(element=element.pk)
        later = statement.rows(element=element.pk)
    builders.instance(element, "new")

    assert not before and not later
    assert [row.display_name for row in statement.rows(element=element.pk)] == ["new"]
    assert len(made) == 1


def test_rows_come_as_the_queryset_says():
    element = builders.element()
    row = builders.instance(element, "a", tags={"env": "prod"}, launched_at=NOW)
    shown = Instance.objects.filter(element=Given("element")).values_list(
        "display_name", "tags", "launched_at", named=True
    )
    joined = Instance.objects.filter(element=Given("element")).select_related("element").defer("tags")

    ((name, tags, launched_at),) = Statement(lambda: shown).rows(element=element.pk)
    (model,) = Statement(lambda: joined).rows(element=element.pk)

    assert (name, tags, launched_at) == ("a", {"Name": "a", "env": "prod"}, NOW)
    assert model == row and model.element.name == element.name
    assert model.get_deferred_fields() >= {"tags"}


@pytest.mark.parametrize(("microseconds", "names"), [(-1, ["a"]), (0, ["a"]), (1, [])])
def test_a_moment_is_compared_to_the_microsecond(microseconds, names):
    element = builders.element()
    builders.instance(element, "a", launched_at=NOW)
    since = Given("since", DateTimeField)
    statement = Statement(lambda: listed().filter(launched_at__gte=since))

    found = statement.rows(element=element.pk, since=NOW + timedelta(microseconds=microseconds))

    assert [row.display_name for row in found] == names


def test_a_text_with_signs_of_the_database_is_a_value():
    element = builders.element()
    builders.instance(element, "100 % ' of %s")
    name = Given("name", type(Instance._meta.get_field("display_name")))

    found = Statement(lambda: listed().filter(display_name=name)).rows(element=element.pk, name="100 % ' of %s")

    assert len(found) == 1


def test_a_value_that_is_missing_is_a_mistake_and_asks_nothing(django_assert_num_queries):
    statement = Statement(listed)

    with django_assert_num_queries(0), pytest.raises(KeyError, match="element"):
        statement.rows()


@pytest.mark.parametrize("empty", [lambda: listed().none(), lambda: Instance.objects.filter(pk__in=[])])
def test_what_can_have_no_rows_asks_nothing(django_assert_num_queries, empty):
    with django_assert_num_queries(0):
        assert Statement(empty).rows(element=1) == []


def test_a_thread_asks_through_its_own_connection(django_assert_num_queries):
    statement, asked = Statement(listed), []
    statement.rows(element=1)

    def ask():
        with connection.execute_wrapper(lambda execute, *rest: asked.append(rest) or execute(*rest)):
            statement.rows(element=1)
        connection.close()

    with django_assert_num_queries(0), ThreadPoolExecutor(1) as threads:
        threads.submit(ask).result()

    assert len(asked) == 1


def test_rows_come_in_steps_too(django_assert_num_queries):
    element, other = builders.element(name="First"), builders.element(name="Second")
    for name in "abc":
        builders.instance(element, name)
    builders.instance(other, "d")
    statement = Statement(listed)

    with django_assert_num_queries(2):
        found = [[row.display_name for row in statement.each(2, element=each.pk)] for each in (element, other)]

    assert found == [["a", "b", "c"], ["d"]]


def test_a_change_is_composed_once_and_made_each_time_with_its_own_values(django_assert_num_queries):
    first, second, made = builders.element(name="First"), builders.element(name="Second"), []
    builders.instance(first, "a"), builders.instance(second, "b"), builders.instance(second, "c")

    def make():
        made.append(1)
        to = {
            "launched_at": Given("at", DateTimeField),
            "revision": F("revision") + Given("more"),
            "architecture": "fixed",
        }
        return Instance.objects.filter(element=Given("element")), to

    change = Change(make)
    with django_assert_num_queries(3):
        changed = [
            change.run(element=first.pk, at=NOW, more=2),
            change.run(element=second.pk, at=None, more=3),
            change.run(element=0, at=NOW, more=9),
        ]

    rows = Instance.objects.order_by("display_name").values_list(
        "display_name", "launched_at", "revision", "architecture"
    )
    assert changed == [1, 2, 0]
    assert list(rows) == [("a", NOW, 2, "fixed"), ("b", None, 3, "fixed"), ("c", None, 3, "fixed")]
    assert len(made) == 1


@pytest.mark.parametrize(("microseconds", "names"), [(-1, []), (0, ["a"]), (1, ["a"])])
def test_a_time_before_or_after_a_moment_is_reckoned_for_each_question(microseconds, names):
    element, earlier = builders.element(), timedelta(minutes=5)
    builders.instance(element, "a", launched_at=NOW - earlier)
    now = GivenMoment("now")
    statement = Statement(
        lambda: listed().filter(launched_at__gte=now + earlier - 3 * earlier, launched_at__lte=now - earlier)
    )

    found = statement.rows(element=element.pk, now=NOW + timedelta(microseconds=microseconds))

    assert [row.display_name for row in found] == names
