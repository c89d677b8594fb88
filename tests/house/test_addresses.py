"""Every address: closed to strangers, open to whom the table says, and changing nothing by being looked at."""

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from elements.models import Instance, ScheduledEvent, WallScreen
from tests import builders

pytestmark = pytest.mark.django_db

GROUPS = ("viewers", "operators", "administrators")
NOBODY = ""
INSTANCE_ID = "i-0123456789abcdef0"


@dataclass(frozen=True)
class Rule:
    """The least group that may look (get) and act (post); NOBODY: the method does not exist there."""

    get: str = NOBODY
    post: str = NOBODY


RULES = {
    "logout": Rule(post="viewers"),
    "password_change": Rule(get="viewers", post="viewers"),
    "password_change_done": Rule(get="viewers"),
    "sessions_end": Rule(post="viewers"),
    "elements:overview": Rule(get="viewers"),
    "elements:activity": Rule(get="viewers"),
    "elements:find": Rule(get="viewers"),
    "elements:wall": Rule(get="viewers"),
    "elements:wall_screens": Rule(get="administrators", post="administrators"),
    "elements:wall_screen_revoke": Rule(post="administrators"),
    "elements:system": Rule(get="administrators"),
    "elements:settings": Rule(post="viewers"),
    "elements:general": Rule(get="viewers", post="administrators"),
    "elements:general_test": Rule(post="operators"),
    "elements:instances": Rule(get="viewers"),
    "elements:instances_export": Rule(get="viewers"),
    "elements:instances_selection": Rule(get="operators"),
    "elements:instances_settings": Rule(post="viewers"),
    "elements:instance": Rule(get="viewers"),
    "elements:action_confirm": Rule(get="operators", post="operators"),
    "elements:action_submit": Rule(post="operators"),
    "elements:configuration": Rule(get="viewers", post="administrators"),
    "elements:naming_preview": Rule(get="viewers"),
    "elements:debug": Rule(get="viewers"),
    "elements:debug_export": Rule(get="viewers"),
    "elements:events": Rule(get="viewers"),
    "elements:event_reschedule": Rule(get="operators", post="operators"),
    "elements:events_display_key": Rule(post="administrators"),
    "elements:poll_now": Rule(post="operators"),
}
PUBLIC = {"healthz", "readyz", "metrics", "login", "elements:wall_of_screen"}


def named(resolver, namespace=""):
    """Yield the names of all addresses outside the admin site."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from named(pattern, f"{pattern.namespace}:" if pattern.namespace else namespace)
        else:
            yield f"{namespace}{pattern.name}"


@pytest.fixture
def addresses():
    """Return an address of something that exists for every rule."""
    element = builders.element()
    now = timezone.now()
    instance = Instance.objects.create(
        element=element,
        instance_id=INSTANCE_ID,
        display_name="encoder",
        state="running",
        digest="x",
        first_seen_at=now,
        observed_at=now,
    )
    event = ScheduledEvent.objects.create(
        element=element,
        instance=instance,
        instance_id_text=INSTANCE_ID,
        event_id="instance-event-1",
        code="system-reboot",
        not_before=now + timedelta(days=2),
        not_before_deadline=now + timedelta(days=9),
        first_seen_at=now,
    )
    parts = {"slug": element.slug, "instance_id": INSTANCE_ID, "pk": event.pk, "kind": "csv"}
    takes = {
        "elements:instance": ("slug", "instance_id"),
        "elements:event_reschedule": ("slug", "pk"),
        "elements:debug_export": ("slug", "kind"),
        "elements:wall_screen_revoke": (),
    }
    flat = {
        "logout",
        "password_change",
        "password_change_done",
        "sessions_end",
        "elements:overview",
        "elements:activity",
        "elements:settings",
        "elements:find",
        "elements:system",
        "elements:wall",
        "elements:wall_screens",
    }
    arguments = {name: {part: parts[part] for part in takes.get(name, ("slug",))} for name in RULES}
    arguments["elements:wall_screen_revoke"] = {
        "pk": WallScreen.objects.add("foyer", by=builders.user("foyer"), now=now)[0].pk
    }
    return {name: reverse(name, kwargs={} if name in flat else arguments[name]) for name in RULES}


def signed_in(group):
    client = Client(raise_request_exception=True)
    client.force_login(builders.user(f"of-{group}", group))
    return client


def test_every_address_has_a_rule():
    assert set(named(get_resolver())) == RULES.keys() | PUBLIC


def test_a_stranger_is_sent_to_the_sign_in_whatever_is_asked_for(addresses):
    for address in addresses.values():
        for ask in (Client().get, Client().post):
            answer = ask(address)
            assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/login/"), address


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_each_address_is_open_to_its_group_and_those_above_it(addresses, group, name, method):
    least = getattr(RULES[name], method)
    may_use = least != NOBODY and GROUPS.index(group) >= GROUPS.index(least)

    status = getattr(signed_in(group), method)(addresses[name]).status_code

    if least == NOBODY:
        assert status in (403, 405)
    elif may_use:
        assert status not in (403, 405)
        assert status < 500
    else:
        assert status == 403


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if not (rule.get and rule.post)])
def test_a_method_that_an_address_does_not_have_is_refused_even_to_administrators(addresses, name):
    method = "post" if RULES[name].get else "get"

    assert getattr(signed_in("administrators"), method)(addresses[name]).status_code == 405


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.post])
def test_a_form_of_another_site_is_refused(addresses, name):
    client = Client(enforce_csrf_checks=True)
    client.force_login(builders.user("maria", "administrators"))

    assert client.post(addresses[name]).status_code == 403


@pytest.mark.parametrize("name", [name for name in RULES if name.startswith("elements:")])
def test_an_element_that_is_not_there_is_not_found(addresses, name):
    client = signed_in("administrators")
    address = addresses[name].replace("/e/frankfurt/", "/e/atlantis/")
    if address == addresses[name]:
        return

    statuses = {client.get(address).status_code, client.post(address).status_code}

    assert statuses <= {404, 405}
    assert 404 in statuses


def test_somebody_of_no_group_sees_nothing(addresses):
    client = signed_in("")

    seen = {name: client.get(address).status_code for name, address in addresses.items() if RULES[name].get}

    own = {"password_change", "password_change_done"}
    assert {name: status for name, status in seen.items() if name not in own and status != 403} == {}


def test_the_admin_site_is_closed_to_all_but_administrators(addresses):
    for address in ("/admin/", "/admin/elements/element/", "/admin/elements/element/add/", "/admin/django_q/schedule/"):
        assert Client().get(address).status_code == 302
        for group in ("viewers", "operators"):
            client = Client()
            client.force_login(builders.user(f"{group}{address}", group))
            assert client.get(address).status_code in (302, 403, 404), address
