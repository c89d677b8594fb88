"""Every address that the resolver knows, asked by every kind of reader with every method: who_may.py has the rules."""

import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import models, transaction
from django.test import Client
from django.utils import timezone

from elements.models import Element, Instance, ScheduledEvent, WallScreen
from elements.usecases import set_up
from elements.usecases.run_polls import poll_once
from tests import builders
from tests.security.every_address import addresses, patterns
from tests.security.who_may import READERS, RULES

pytestmark = pytest.mark.django_db

PASSWORD = "only-for-tests-1"
GROUPS = {"outsider": "operators", "outside_admin": "administrators"}
REFUSED_EVERYWHERE = ("PUT", "PATCH", "DELETE", "TRACE")
# What may be sent again and is noted again: news are asked for, keys are stored anew, the old password is wrong by now.
ASKS_AGAIN = {"e/<slug:slug>/general/test/", "e/<slug:slug>/poll/", "e/<slug:slug>/general/", "password/"}
# Put into every form: what other forms and rows are made of.
EXTRA = {
    "is_superuser": "on",
    "is_staff": "on",
    "user_permissions": "1",
    "groups": "1",
    "user": "1",
    "username": "mallory",
    "password": "mallory",
    "pk": "2",
    "id_": "2",
    "element": "ireland",
    "element_id": "2",
    "slug": "mallory",
    "state": "terminated",
    "status": "confirmed",
    "stage": "completed",
    "requested_by": "mallory",
    "requested_at": "2001-01-01",
    "key_hint": "mallory",
    "keys_stored_by": "mallory",
    "account_arn": "mallory",
    "seen_account_id": "666666666666",
    "paused_by": "mallory",
    "naming_saved_at": "2001-01-01",
    "duplicate_names": "9",
    "created_by": "mallory",
    "maker": "1",
    "token": "mallory",
    "token_hash": "mallory",
    "secret": "mallory",
    "last_used_at": "2001-01-01",
    "revision": "99",
    "counts": "{}",
    "lease": "mallory",
}
# Fields of EXTRA that are a form's own.
OWN = {
    "login/": {"username", "password"},
    "admin/auth/user/add/": {"username"},
    "admin/auth/user/<path:object_id>/change/": {
        "username",
        "is_superuser",
        "is_staff",
        "user_permissions",
        "groups",
    },
}


@dataclass
class World:
    """Somebody of each kind, an address for each route, and the form that is right there."""

    aws: object
    clients: dict[str, Client]
    paths: dict[str, str]
    forms: dict[str, dict[str, object]]

    @contextmanager
    def afterwards_as_before(self, reader):
        """Take back what is done meanwhile, the cookies of the reader included."""
        client, block = self.clients[reader], transaction.atomic()
        cookies = client.cookies.copy()
        block._from_testcase = True  # like the transaction around each test: AWS may be asked within
        with block:
            yield
            transaction.set_rollback(True)
        client.cookies = cookies

    def look(self, reader, method, route):
        """Return the status of an answer."""
        client = self.clients[reader]
        cookies = client.cookies.copy()
        status = client.generic(method, self.paths[route]).status_code
        client.cookies = cookies
        return status

    def post(self, reader, route, **more):
        """Send the right form of an address, with more fields."""
        return self.clients[reader].post(self.paths[route], {**self.forms.get(route, {}), **more})


@pytest.fixture
def world(aws):
    aws.add_instances(names=["encoder-1", "encoder-2"])
    element, other = builders.element(aws, aws.add_keys()), builders.element(name="Ireland")
    poll_once(element.pk, caller="poll", now=timezone.now())
    instance = element.instances.order_by("pk").first()
    aws.instance(instance.instance_id).schedule_event("instance-reboot", in_s=172_800, deadline_s=800_000)
    poll_once(element.pk, caller="poll", now=timezone.now())
    inner, spare = (Group.objects.create(name=name) for name in ("inner", "spare"))
    clients = {reader: _client(reader, inner) for reader in READERS}
    set_up.show_to(element, [inner], by="maria", now=timezone.now())
    User.objects.filter(username="inactive").update(is_active=False)
    screen, token = WallScreen.objects.add("foyer", by=User.objects.get(username="administrator"), now=timezone.now())
    event, target = element.scheduled_events.get(), builders.user("target")
    parts = {"slug": element.slug, "instance_id": instance.instance_id, "token": token, "kind": "csv"}
    paths = {
        route: addresses({**parts, **_pks(route, screen, event, target, spare, element)})[route]
        for route, _ in patterns()
    }
    paths["e/<slug:slug>/actions/confirm/"] += f"?action=stop&id={instance.instance_id}"
    return World(aws, clients, paths, _forms(aws, element, other, instance, target))


def _client(reader, inner):
    client = Client(raise_request_exception=False)
    if reader == "nobody":
        return client
    if reader == "superuser":
        user = User.objects.create_superuser(reader, password=PASSWORD)
    else:
        user = builders.user(reader, GROUPS.get(reader, f"{reader}s" if reader in READERS[3:6] else ""))
        if reader in READERS[3:6]:
            user.groups.add(inner)
    client.force_login(user)
    return client


def _pks(route, screen, event, target, spare, element):
    row = target if "auth/user" in route else spare if "auth/group" in route else element
    pk = screen.pk if "screens" in route else event.pk
    return {"pk": str(pk), "object_id": str(row.pk), "id": str(row.pk), "url": "nowhere/"}


def _forms(aws, element, other, instance, target):
    keys, one = aws.add_keys(), instance.instance_id
    access = {"access_key_id": keys.access_key_id, "secret_access_key": keys.secret_access_key}
    where = {name: getattr(element, name) for name in ("region", "endpoint_url", "sts_endpoint_url", "account_id")}
    element_form = {"name": "Renamed", **where, "interval_s": 60}
    start = (timezone.now() + timedelta(days=5)).strftime("%Y-%m-%d %H:%M")
    dates = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "last_login_0": "", "last_login_1": ""}
    new = {"password1": "Blue-horse-staple-7", "password2": "Blue-horse-staple-7", "usable_password": "true"}
    elements, users, groups = "admin/elements/element/", "admin/auth/user/", "admin/auth/group/"
    return {
        "login/": {"username": "viewer", "password": PASSWORD},
        "password/": {
            "old_password": PASSWORD,
            "new_password1": "Blue-horse-staple-7",
            "new_password2": "Blue-horse-staple-7",
        },
        "settings/": {"theme": "dark", "density": "compact"},
        "wall/screens/": {"name": "Gallery"},
        "e/<slug:slug>/general/": {**where, **access},
        "e/<slug:slug>/instances/settings/": {"per_page": "500"},
        "e/<slug:slug>/actions/confirm/": {"action": "stop", "id": one},
        "e/<slug:slug>/actions/": {
            "action": "stop",
            "id": one,
            "seen": f"{one}:running",
            "confirm": "stop",
            "batch": str(uuid.uuid4()),
        },
        "e/<slug:slug>/configuration/": {"save": "naming", "naming_format": "x-{tag:Name}"},
        "e/<slug:slug>/events/<int:pk>/reschedule/": {"start": start, "seen": ""},
        "e/<slug:slug>/events/display-key/": {"display_key_format": "event"},
        elements: {"action": "pause_polling", "_selected_action": element.pk},
        f"{elements}add/": {**element_form, "name": "New"},
        f"{elements}<path:object_id>/delete/": {"post": "yes"},
        f"{elements}<path:object_id>/change/": element_form,
        users: {"action": "delete_selected", "_selected_action": target.pk, "post": "yes"},
        f"{users}add/": {"username": "new", **new},
        f"{users}<id>/password/": new,
        f"{users}<path:object_id>/delete/": {"post": "yes"},
        f"{users}<path:object_id>/change/": {"username": "target", "first_name": "Tilda", "is_active": "on", **dates},
        groups: {"action": "delete_selected", "_selected_action": Group.objects.get(name="spare").pk, "post": "yes"},
        f"{groups}add/": {"name": "new"},
        f"{groups}<path:object_id>/delete/": {"post": "yes"},
        f"{groups}<path:object_id>/change/": {"name": "renamed"},
    }


def stored(*, without=()):
    """Return what is stored, without times, random texts and numbers that only say in which order rows came."""
    rows = Counter()
    for model in [*apps.get_app_config("elements").get_models(), User, Group, User.groups.through]:
        if model.__name__ in without:
            continue
        names = [field.attname for field in model._meta.concrete_fields if not _is_volatile(model, field)]
        for row in model._default_manager.values_list(*names):
            rows[model.__name__, repr(row)] += 1
    return rows


def _is_volatile(model, field):
    moving = (
        "token_hash",
        "password",
        "counts",
        "recent",
        "last_test",
        "duration_ms",
        "revision",
        "lease",
        "request_id",
    )
    secret = field.name in ("access_key_id", "secret_access_key", "session_token", "changes")
    numbered = field.primary_key or (field.is_relation and model.__name__ != "ElementAccess")
    timed = isinstance(field, models.DateTimeField | models.UUIDField)
    return timed or numbered or secret or field.name in moving


# What every answer leaves behind, whoever asks: Debug records of what was asked of AWS, and times of polls.
TRACES = ("DebugRecord", "CallBudget", "CallTotal", "Poll")


def who_posts(route):
    """Return who may send the form of an address: an administrator where one may, else a superuser."""
    takes = [reader for reader in ("administrator", "superuser") if RULES[route].of("POST", reader) < 400]
    return "nobody" if route == "login/" else takes[0] if takes else ""


FORMS = {route: who_posts(route) for route in RULES if who_posts(route)}


def test_every_address_of_the_resolver_has_a_rule_and_every_rule_an_address():
    assert {route for route, _ in patterns()} == set(RULES)


def test_each_reader_gets_at_each_address_what_the_rules_say_and_looking_changes_nothing(world):
    before, asked, wrong, number = stored(), len(world.aws.journal()), [], 0
    for route, rule in RULES.items():
        for reader in READERS:
            for method in ("GET", "HEAD"):
                number += 1
                status = world.look(reader, method, route)
                if status != rule.of("GET", reader):
                    wrong.append((route, reader, method, status))

    print(f"{len(RULES)} addresses x {len(READERS)} readers x 2 methods: {number} answers")
    assert wrong == []
    assert stored() == before
    assert len(world.aws.journal()) == asked


def test_each_reader_may_send_the_forms_that_the_rules_say(world):
    wrong, number = [], 0
    for route, rule in RULES.items():
        for reader in READERS:
            number += 1
            with world.afterwards_as_before(reader):
                status = world.post(reader, route).status_code
            if status != rule.of("POST", reader):
                wrong.append((route, reader, status))

    print(f"{len(RULES)} addresses x {len(READERS)} readers x POST: {number} answers")
    assert wrong == []


@pytest.mark.once
def test_no_address_takes_another_method_or_a_form_without_its_token(world):
    wrong, number = [], 0
    for client in world.clients.values():
        client.handler.enforce_csrf_checks = True
    for route in RULES:
        for reader in READERS:
            asked = {method: world.look(reader, method, route) for method in (*REFUSED_EVERYWHERE, "OPTIONS")}
            with world.afterwards_as_before(reader):
                asked["POST"] = world.post(reader, route).status_code
            number += len(asked)
            refused = {asked[method] for method in REFUSED_EVERYWHERE} == {405}
            if not refused or asked["POST"] != 403 or asked["OPTIONS"] not in (200, 302, 403, 404, 405):
                wrong.append((route, reader, asked))

    print(f"{len(RULES)} addresses x {len(READERS)} readers x {len(REFUSED_EVERYWHERE) + 2} methods: {number} answers")
    assert wrong == []


def test_what_a_form_does_not_ask_for_changes_nothing(world):
    wrong, number = [], 0
    for route, reader in FORMS.items():
        own = {*OWN.get(route, ()), *world.forms.get(route, {})}
        extra = {name: value for name, value in EXTRA.items() if name not in own}
        results = []
        for more in ({}, extra):
            with world.afterwards_as_before(reader):
                status = world.post(reader, route, **more).status_code
                results.append((status, stored(without=TRACES)))
        number += len(extra)
        if results[0] != results[1] or "mallory" in repr(results[1]):
            wrong.append((route, results[0][0], results[1][0], results[1][1] - results[0][1]))

    print(f"{number} fields added to {len(FORMS)} forms")
    assert wrong == []


def test_a_form_that_is_sent_again_does_nothing_twice(world):
    wrong = []
    for route, reader in FORMS.items():
        notes_again = route in ASKS_AGAIN or route.startswith("admin/auth/")
        without = (*TRACES, "Activity") if notes_again else TRACES
        with world.afterwards_as_before(reader):
            world.post(reader, route)
            once = stored(without=without), acts(world)
            world.post(reader, route)
            if (stored(without=without), acts(world)) != once:
                wrong.append(route)

    print(f"{len(FORMS)} forms sent twice")
    assert wrong == []
    assert acts(world) == ["StopInstances", "ModifyInstanceEventStartTime"]


def acts(world):
    """Return what AWS was asked to change."""
    calls = world.aws.journal()
    return [each.action for each in calls if each.status == 200 and not each.action.startswith(("Describe", "Get"))]


def test_what_belongs_to_another_element_is_not_found_through_this_one(world):
    other = Element.objects.get(name="Ireland")
    theirs = builders.instance(other, "theirs", instance_id="i-0bbbbbbbbbbbbbbbb")
    now = timezone.now()
    event = ScheduledEvent.objects.create(
        element=other, instance=theirs, instance_id_text=theirs.instance_id, event_id="e", code="x", first_seen_at=now
    )
    asked = [
        ("get", f"/e/frankfurt/instances/{theirs.instance_id}/"),
        ("get", f"/e/frankfurt/events/{event.pk}/reschedule/"),
        ("post", f"/e/frankfurt/events/{event.pk}/reschedule/"),
        ("post", "/e/frankfurt/actions/?"),
        ("post", f"/wall/screens/{WallScreen.objects.get().pk + 1}/revoke/"),
        ("get", "/e/frankfurt/debug/export.exe"),
    ]

    for reader in ("operator", "administrator", "superuser"):
        statuses = {address: getattr(world.clients[reader], method)(address).status_code for method, address in asked}
        may_revoke = reader != "operator"
        assert {status for address, status in statuses.items() if may_revoke or "revoke" not in address} == {404}


def test_an_action_on_instances_of_another_element_is_one_on_instances_that_are_not_there(world):
    theirs = builders.instance(Element.objects.get(name="Ireland"), "theirs", instance_id="i-0bbbbbbbbbbbbbbbb")
    bodies = []
    for instance_id in (theirs.instance_id, "i-0cccccccccccccccc"):
        form = {"action": "stop", "id": instance_id, "seen": f"{instance_id}:running", "batch": str(uuid.uuid4())}
        answer = world.clients["operator"].post("/e/frankfurt/actions/", form)
        bodies.append((answer.status_code, instance_id in answer.content.decode(), len(answer.content)))

    assert bodies[0] == bodies[1]
    assert bodies[0][1] is False
    assert acts(world) == []
    assert Instance.objects.get(pk=theirs.pk).actions.count() == 0
