"""The demo's elements in the database."""

import pytest
from django.contrib.auth.models import User

from elements.models import Element
from simulator.demo import PEOPLE, add_people, look_once_at_paused, seed
from simulator.demo_world import ELEMENTS, FRANKFURT, TOKYO, build
from simulator.server import Simulator

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


def test_the_demo_has_one_person_of_each_group() -> None:
    add_people()
    add_people()

    groups = dict(User.objects.values_list("username", "groups__name"))
    assert groups == {"admin": "administrators", "operator": "operators", "viewer": "viewers"}
    assert all(User.objects.get(username=person.name).check_password(person.password) for person in PEOPLE)
    assert [user.username for user in User.objects.filter(is_superuser=True)] == ["admin"]


def test_a_changed_password_of_the_demo_stays() -> None:
    add_people()
    User.objects.filter(username="viewer").update(password="changed")

    add_people()

    assert User.objects.get(username="viewer").password == "changed"


def test_the_paused_element_is_read_once_and_stays_paused(aws: Simulator) -> None:
    build(aws)
    seed(aws.url)

    look_once_at_paused()
    look_once_at_paused()

    tokyo = Element.objects.get(name=TOKYO.name)
    assert tokyo.paused
    assert tokyo.instances.count() == 6
    assert len(aws.journal("DescribeInstances")) == 1
