"""The demo's elements in the database."""

import pytest

from elements.models import Element
from simulator.demo import seed
from simulator.demo_world import ELEMENTS, FRANKFURT, TOKYO

pytestmark = pytest.mark.django_db


def rows() -> list[tuple[object, ...]]:
    fields = ("pk", "name", "slug", "region", "endpoint_url", "sts_endpoint_url", "paused", "keys_stored_at")
    return list(Element.objects.order_by("pk").values_list(*fields))


def test_all_elements_of_the_demo_are_made() -> None:
    seed("http://127.0.0.1:1234")

    assert {row[1] for row in rows()} == {element.name for element in ELEMENTS}
    assert Element.objects.get(name=TOKYO.name).paused
    stored = Element.objects.with_keys().get(name=FRANKFURT.name)
    assert (stored.access_key_id, stored.secret_access_key) == (FRANKFURT.access_key_id, FRANKFURT.secret_access_key)
    assert stored.endpoint_url == stored.sts_endpoint_url == "http://127.0.0.1:1234"


def test_a_second_start_changes_nothing() -> None:
    seed("http://127.0.0.1:1234")
    before = rows()
    Element.objects.filter(name=FRANKFURT.name).update(interval_s=77)

    seed("http://127.0.0.1:1234")

    assert rows() == before
    assert Element.objects.get(name=FRANKFURT.name).interval_s == 77


def test_another_port_reaches_the_stored_elements() -> None:
    seed("http://127.0.0.1:1234")

    seed("http://127.0.0.1:5678")

    assert {row[4] for row in rows()} == {"http://127.0.0.1:5678"}
