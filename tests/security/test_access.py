"""An element that groups are named for is not there for anybody else: on no page, in no count, in no token."""

import re
import uuid
from datetime import timedelta
from importlib import import_module
from itertools import zip_longest
from statistics import median
from time import process_time
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import connection
from django.db.models import ProtectedError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from elements.models import (
    Action,
    Activity,
    CallBudget,
    Change,
    DebugRecord,
    Element,
    Instance,
    Poll,
    ScheduledEvent,
    WallScreen,
)
from elements.models.access import hidden_from
from elements.usecases import removal, set_up
from tests import builders

pytestmark = pytest.mark.django_db

# Whatever is said of the hidden element holds this.
PLANTED = "zanzibar"
HIDDEN_ACCOUNT = "999988887777"
TIMES = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?|\d\d:\d\d:\d\d|\b\d+(?:\xa0s\b| s ago)"
)
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


def populated(name, *, event_in_h=17, **fields):
    """Make an element of which there is something to say on every page."""
    now = timezone.now() - timedelta(hours=3)
    element = builders.element(name=name, **fields)
    running, stopped = (
        builders.instance(element, f"{name}-{word}", checks=("ok", "impaired", "ok"), **more)
        for word, more in (("encoder", {"tags": {"Owner": f"{name}-owner"}}), ("archive", {"state": "stopped"}))
    )
    about = {"element": element, "instance": running, "instance_id_text": running.instance_id}
    ScheduledEvent.objects.create(
        **about,
        event_id=f"{name}-event",
        code="system-reboot",
        description=f"{name} is rebooted",
        not_before=now + timedelta(hours=3 + event_in_h, minutes=30),
        not_before_deadline=now + timedelta(days=9),
        first_seen_at=now,
    )
    Action.objects.create(
        **about | {"instance": stopped, "instance_id_text": stopped.instance_id},
        instance_name=stopped.display_name,
        batch=uuid.uuid4(),
        verb="start",
        status="failed",
        requested_by=f"{name}-asker",
        requested_at=now,
        expires_at=now,
        settled_at=now,
        message=f"{name} has no capacity.",
        request_id=f"{name}-request",
    )
    Change.objects.create(
        element=element, instance_id_text=running.instance_id, kind="state", at=now, before="stopped", after="running"
    )
    record = {"service": "ec2", "operation": "StartInstances", "caller": f"{name}-1", "outcome": "ok"}
    DebugRecord.objects.create(element=element, at=now, **record)
    Activity.objects.note(by=f"{name}-asker", kind="action", text=f"Start of {name}", now=now, element=element)
    return builders.polled(element)


@pytest.fixture
def hidden(db):
    """Return an element that only the group `inner` sees, beside one that everybody sees."""
    now = timezone.now()
    populated("Frankfurt", account_id="111122223333")
    element = populated(PLANTED, event_in_h=5, region="af-south-1", account_id=HIDDEN_ACCOUNT)
    Poll.objects.filter(element=element).update(failures=9, failure_text=f"{PLANTED} refused", refused=True)
    CallBudget.objects.create(
        account=HIDDEN_ACCOUNT,
        region="af-south-1",
        kind="describe",
        tokens=0,
        at=now.timestamp(),
        lowered_to=0.1,
        lowered_at=now.timestamp(),
    )
    set_up.show_to(element, [Group.objects.create(name="inner")], by=f"{PLANTED}-maria", now=now)
    return element


def signed_in(name, group, *more):
    user = builders.user(name, group)
    user.groups.add(*Group.objects.filter(name__in=more))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def outsider(hidden):
    return signed_in("otto", "administrators")


@pytest.fixture
def insider(hidden):
    return signed_in("ina", "viewers", "inner")


@pytest.fixture
def root(hidden):
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="only-for-tests-1"))
    return client


def screen_of(name, address="foyer"):
    _, token = WallScreen.objects.add(address, by=User.objects.get(username=name), now=timezone.now())
    return reverse("elements:wall_of_screen", args=[token])


SHARED = {
    "overview": reverse("elements:overview"),
    "overview, filtered": f"{reverse('elements:overview')}?q=a&show=failing",
    "wall": reverse("elements:wall"),
    "find an element": f"{reverse('elements:find')}?q={PLANTED}",
    "find an account": f"{reverse('elements:find')}?q={HIDDEN_ACCOUNT}",
    "find an instance": f"{reverse('elements:find')}?q=encoder",
    "find everything": reverse("elements:find"),
    "activity": reverse("elements:activity"),
    "activity of it": f"{reverse('elements:activity')}?element={PLANTED}",
    "activity about it": f"{reverse('elements:activity')}?q={PLANTED}",
    "activity of who asked": f"{reverse('elements:activity')}?user={PLANTED}-asker",
    "wall screens": reverse("elements:wall_screens"),
    "another element": reverse("elements:instances", args=["frankfurt"]),
    "admin": "/admin/",
    "admin's list": "/admin/elements/element/",
    "admin's list, searched": f"/admin/elements/element/?q={PLANTED}",
    "a new element": "/admin/elements/element/add/",
    "sign-in": f"/login/?next=/e/{PLANTED}/instances/",
}


def shown(client, address, **headers):
    """Return status and body without times and form tokens."""
    answer = client.get(address, headers=headers)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, TIMES.sub("", CSRF.sub("", body.decode()))


@pytest.mark.parametrize("fragment", ["", "live", "find", "dialog"])
def test_no_page_depends_on_an_element_that_its_reader_must_not_see(outsider, hidden, fragment):
    """The element is there at the first look and gone at the second: not a letter differs, tokens included."""
    pages = {"screen": screen_of("otto"), **SHARED}
    headers = {"X-Fragment": fragment} if fragment else {}
    with_it = {name: shown(outsider, page, **headers) for name, page in pages.items()}

    removal.remove(hidden, by=f"{PLANTED}-maria", now=timezone.now())
    without_it = {name: shown(outsider, page, **headers) for name, page in pages.items()}

    for name, (status, body) in with_it.items():
        assert status in (200, 302), name
        then_status, then = without_it[name]
        assert status == then_status, name
        assert [pair for pair in zip_longest(body.split("\n"), then.split("\n")) if pair[0] != pair[1]] == [], name


def _own(element):
    """Return what there is to see of the element itself."""
    slug, instance = element.slug, element.instances.order_by("pk").first()
    names = ("general", "instances", "instances_export", "instances_selection", "configuration", "debug", "events")
    pages = {name: reverse(f"elements:{name}", args=[slug]) for name in names}
    confirm = f"{reverse('elements:action_confirm', args=[slug])}?action=stop&id={instance.instance_id}"
    move = reverse("elements:event_reschedule", args=[slug, element.scheduled_events.get().pk])
    one = reverse("elements:instance", args=[slug, instance.instance_id])
    gone = f"{pages['instances']}?q=-state:pending"
    return {**pages, "confirm": confirm, "move": move, "instance": one, "filtered": gone}


@pytest.mark.parametrize("fragment", ["", "live", "find", "dialog"])
def test_nothing_tells_a_removed_element_whose_rows_are_still_there_from_one_without(root, hidden, fragment):
    """From the first moment: whatever is left to remove then is on no page, and not a letter is."""
    own = _own(hidden)
    pages = {"screen": screen_of("root"), **SHARED, **own}
    headers = {"X-Fragment": fragment} if fragment else {}

    removal.remove(hidden, by="maria", now=timezone.now(), patience_s=0)
    rows = Instance.objects.filter(element=hidden.pk).count()
    first = {name: shown(root, page, **headers) for name, page in pages.items()}
    removal.go_on([hidden.pk])
    last = {name: shown(root, page, **headers) for name, page in pages.items()}

    assert (rows, Instance.objects.filter(element=hidden.pk).count()) == (2, 0)
    assert {name for name in own if first[name][0] != 404} == set()
    told_of = {name for name, (_, body) in first.items() if PLANTED in body}
    assert all("activity" in name or "find" in name or "search" in name or name == "sign-in" for name in told_of)
    assert {name for name in pages if first[name] != last[name]} == set()


def without_wait(answer):
    """Leave out why there is nothing yet."""
    return answer[0], re.sub(r"The element was (saved|moved) .*?</p>", "", answer[1])


@pytest.mark.parametrize("fragment", ["", "live", "find", "dialog"])
def test_nothing_tells_a_moved_element_whose_rows_are_still_there_from_one_without(root, hidden, fragment):
    """From the first moment: nothing of its former place is shown as of the new one."""
    pages = {"screen": screen_of("root"), **SHARED, **_own(hidden)}
    headers = {"X-Fragment": fragment} if fragment else {}
    started = timezone.now()

    set_up.change(hidden, {"region": "us-east-1"}, None, by="maria", now=started, patience_s=0)
    rows = Instance.objects.filter(element=hidden.pk).count()
    first = {name: shown(root, page, **headers) for name, page in pages.items()}
    removal.go_on([hidden.pk])
    last = {name: shown(root, page, **headers) for name, page in pages.items()}

    assert (rows, Instance.objects.filter(element=hidden.pk).count()) == (2, 0)
    assert first["instance"][0] == first["move"][0] == 404
    for name in ("instances", "instances_export", "instances_selection", "confirm", "events", "wall", "overview"):
        assert f"{PLANTED}-encoder" not in first[name][1], name
        assert f"{PLANTED} is rebooted" not in first[name][1], name
    # each form that asks whether to stop something has a key of its own
    assert {name for name in pages if without_wait(first[name]) != without_wait(last[name])} <= {"confirm"}
    told = {name for name, (_, body) in first.items() if "What it held in its former region or account" in body}
    assert told
    assert not any("What it held in its former region or account" in body for _, body in last.values())


def test_what_only_some_saw_is_for_superusers_as_soon_as_it_is_removed(hidden, insider, root):
    removal.remove(hidden, by="maria", now=timezone.now(), patience_s=0)

    assert PLANTED not in shown(insider, SHARED["activity"])[1]
    assert PLANTED in shown(root, SHARED["activity"])[1]


def test_what_is_hidden_takes_no_place_from_what_is_seen(outsider, hidden):
    """Lists that end after so many lines are filled with what their reader may see."""
    for number in range(60):
        builders.instance(hidden, f"encoder-{number}", instance_id=f"i-{number:08x}")
    now = timezone.now()
    about = {"element": hidden, "kind": "state", "at": now, "before": "running", "after": "stopped"}
    Change.objects.bulk_create([Change(**about, instance_id_text=f"i-{number:08x}") for number in range(700)])

    found = outsider.get(f"{reverse('elements:find')}?q=encoder", headers={"X-Fragment": "find"}).content.decode()
    overview = outsider.get("/").content.decode()

    assert "1 result" in found
    assert "Frankfurt-encoder" in found
    assert "Frankfurt-encoder" in overview.partition('data-live-part="latest"')[2]


def test_the_sign_in_names_no_element_that_is_hidden_from_whom_it_remembers(insider, hidden):
    builders.user("otto", "viewers")
    said = []
    for name in ("otto", "ina"):
        client = Client()
        client.post("/login/", {"username": name, "password": "only-for-tests-1"})
        del client.cookies["sessionid"]
        html = client.get("/login/", {"next": f"/e/{PLANTED}/debug/"}).content.decode()
        said.append(f"Debug of <bdi>{PLANTED}</bdi>" in html)

    assert said == [False, True]


def test_the_figures_of_the_machinery_leave_it_out(outsider, hidden):
    page = outsider.get(reverse("elements:system")).content.decode()

    assert "af-south-1" not in page
    assert "9999" not in page
    assert PLANTED not in page


def test_an_answer_that_nothing_changed_does_not_tell_what_changes_there(outsider, hidden):
    for name in ("overview", "wall"):
        address = reverse(f"elements:{name}")
        token = re.search(r'data-revision="([^"]+)"', outsider.get(address).content.decode())[1]
        Poll.objects.filter(element=hidden).update(revision=99, attempted_at=timezone.now(), counts={"failing": 7})

        answer = outsider.get(address, {"since": token}, headers={"X-Fragment": "live"})

        assert answer.status_code == 204, name


def test_whoever_is_in_a_named_group_sees_it_everywhere_and_superusers_do(insider, root):
    for client in (insider, root):
        for name in ("overview", "wall", "find an element", "activity", "another element"):
            assert PLANTED in shown(client, SHARED[name])[1], name
        assert client.get(f"/e/{PLANTED}/instances/").status_code == 200


def test_readers_in_turn_see_what_is_theirs_and_a_group_that_is_left_counts_at_the_next_page(insider, outsider, root):
    address = reverse("elements:overview")
    for client, sees in [(insider, True), (outsider, False), (root, True)] * 2:
        assert (PLANTED in client.get(address).content.decode()) == sees

    User.objects.get(username="ina").groups.remove(Group.objects.get(name="inner"))

    assert PLANTED not in insider.get(address).content.decode()


def test_what_may_be_done_there_still_comes_from_the_rights_of_ones_groups(insider, hidden):
    assert insider.post(f"/e/{PLANTED}/poll/").status_code == 403

    User.objects.get(username="ina").groups.add(Group.objects.get(name="operators"))

    assert insider.post(f"/e/{PLANTED}/poll/").status_code == 302


def test_a_named_group_without_rights_shows_nothing(hidden):
    assert signed_in("gast", "inner").get(f"/e/{PLANTED}/instances/").status_code == 403


def test_an_element_without_named_groups_is_seen_as_before(hidden):
    set_up.show_to(hidden, [], by="maria", now=timezone.now())

    assert signed_in("vera", "viewers").get(f"/e/{PLANTED}/instances/").status_code == 200


def test_several_groups_may_see_one_element_and_one_of_them_is_enough(hidden):
    other = Group.objects.create(name="other")
    set_up.show_to(hidden, [other, Group.objects.get(name="inner")], by="maria", now=timezone.now())

    signed_in("bo", "viewers", "inner", "other")

    assert signed_in("olaf", "viewers", "other").get(f"/e/{PLANTED}/instances/").status_code == 200
    assert Element.objects.visible_to(User.objects.get(username="bo")).count() == 2


def test_switched_off_and_unknown_people_see_nothing_that_is_kept_for_some(hidden, root):
    off = User.objects.get(username="root")
    off.is_active = False

    assert [each["element"] for each in hidden_from(off)] == [hidden.pk]
    assert [each["element"] for each in hidden_from(AnonymousUser())] == [hidden.pk]


PAGES_OF_ELEMENT = [
    "general",
    "general_test",
    "instances",
    "instances_export",
    "instances_selection",
    "instances_settings",
    "action_confirm",
    "action_submit",
    "configuration",
    "naming_preview",
    "debug",
    "events",
    "events_display_key",
    "poll_now",
]


def with_queries(ask, address):
    with CaptureQueriesContext(connection) as asked:
        answer = ask(address)
    statements = [re.sub(r"\d+|'[^']*'", "", each["sql"]) for each in asked]
    return answer.status_code, CSRF.sub("", answer.content.decode()), statements


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("page", PAGES_OF_ELEMENT)
def test_a_hidden_element_answers_like_one_that_does_not_exist(outsider, page, method):
    """Same status, same body, same statements to the database: so it takes as long, too."""
    ask = getattr(outsider, method)

    there = with_queries(ask, reverse(f"elements:{page}", args=[PLANTED]))
    nowhere = with_queries(ask, reverse(f"elements:{page}", args=["nowhere"]))

    assert there == nowhere
    assert there[0] == 404


@pytest.mark.parametrize("rest", ["instances/{0}/", "events/{1}/reschedule/", "debug/export.csv", "debug/export.json"])
def test_its_objects_answer_like_objects_that_do_not_exist(outsider, hidden, rest):
    rest = rest.format(hidden.instances.first().instance_id, hidden.scheduled_events.get().pk)

    there, nowhere = (with_queries(outsider.get, f"/e/{slug}/{rest}") for slug in (PLANTED, "nowhere"))

    assert there == nowhere
    assert there[0] == 404


def test_its_objects_are_not_found_through_an_element_that_is_seen(outsider, hidden):
    hidden_instance, event = hidden.instances.first(), hidden.scheduled_events.get()
    hidden.instances.filter(pk=hidden_instance.pk).update(instance_id="i-hidden")

    assert outsider.get("/e/frankfurt/instances/i-hidden/").status_code == 404
    assert outsider.get(f"/e/frankfurt/events/{event.pk}/reschedule/").status_code == 404
    assert outsider.post(f"/e/frankfurt/events/{event.pk}/reschedule/").status_code == 404


@pytest.mark.once
def test_a_hidden_element_answers_about_as_fast_as_one_that_does_not_exist(outsider):
    took = {PLANTED: [], "nowhere": []}
    for _ in range(30):
        for slug, times in took.items():
            began = process_time()
            outsider.get(f"/e/{slug}/instances/")
            times.append(process_time() - began)

    there, nowhere = (min(times) + median(times) for times in took.values())

    assert 0.5 < there / nowhere < 2


def test_the_admin_site_has_no_page_of_it(outsider, hidden):
    for page in ("change/", "delete/", "history/"):
        for method in ("get", "post"):
            there, nowhere = (
                with_queries(getattr(outsider, method), f"/admin/elements/element/{pk}/{page}")
                for pk in (hidden.pk, hidden.pk + 1000)
            )
            assert there == nowhere, page
    for action in ("pause_polling", "test_connection", "delete_selected"):
        outsider.post("/admin/elements/element/", {"action": action, "_selected_action": hidden.pk, "post": "yes"})

    assert Element.objects.filter(pk=hidden.pk, paused=False, last_test={}).exists()


def test_it_is_hidden_with_one_more_condition_and_no_more_statements(hidden):
    everybody, few = signed_in("eva", "viewers", "inner"), signed_in("fred", "viewers")

    for page in (reverse("elements:instances", args=["frankfurt"]), "/", "/wall/", "/find/?q=encoder", "/activity/"):
        counts = []
        for client in (everybody, few):
            with CaptureQueriesContext(connection) as asked:
                client.get(page)
            counts.append(len(asked))
        assert counts[0] == counts[1], page
    with CaptureQueriesContext(connection) as asked:
        few.get(reverse("elements:instances", args=["frankfurt"]))
    assert len(asked) <= 6


def test_a_screen_shows_what_its_maker_may_see_at_that_moment(outsider, insider, hidden):
    User.objects.get(username="ina").groups.add(Group.objects.get(name="administrators"))
    his, hers = screen_of("otto", "his"), screen_of("ina", "hers")
    seen = [PLANTED in shown(Client(), address)[1] for address in (his, hers)]

    User.objects.get(username="ina").groups.remove(Group.objects.get(name="inner"))

    assert seen == [False, True]
    assert PLANTED not in shown(Client(), hers)[1]


@pytest.mark.parametrize("ending", ["switched off", "removed", "without rights"])
def test_a_screen_whose_maker_may_see_nothing_is_not_found(outsider, ending):
    address = screen_of("otto")
    maker = User.objects.get(username="otto")
    if ending == "removed":
        maker.delete()
    elif ending == "switched off":
        User.objects.filter(pk=maker.pk).update(is_active=False)
    else:
        maker.groups.clear()

    gone, wrong = Client().get(address), Client().get("/wall/nonsense/")

    assert (gone.status_code, gone.content) == (404, wrong.content)


def test_a_screen_of_a_removed_maker_is_listed_with_that(outsider, root):
    screen_of("otto")
    User.objects.get(username="otto").delete()

    assert "removed: shows nothing" in root.get(reverse("elements:wall_screens")).content.decode()


def test_screens_of_before_are_their_makers_after_the_upgrade(outsider):
    for name, maker in (("foyer", "otto"), ("gallery", "somebody long gone")):
        WallScreen.objects.create(name=name, token_hash=name, created_at=timezone.now(), created_by=maker)

    import_module("elements.migrations.0014_element_access").find_makers(apps, SimpleNamespace(connection=connection))

    makers = [screen.maker and screen.maker.username for screen in WallScreen.objects.order_by("name")]
    assert makers == ["otto", None]


def test_who_sees_it_is_noted_with_before_and_after(hidden):
    note = Activity.objects.get(element=hidden, kind="setting")

    assert note.changes == {"Seen By": ["everybody", "inner"]}


def test_what_is_known_of_a_removed_element_stays_with_superusers(hidden, insider, root):
    removal.remove(hidden, by="maria", now=timezone.now())

    assert PLANTED not in shown(insider, SHARED["activity"])[1]
    assert PLANTED in shown(root, SHARED["activity"])[1]


def test_what_is_known_of_a_removed_element_that_everybody_saw_stays_for_everybody(insider):
    removal.remove(Element.objects.get(name="Frankfurt"), by="maria", now=timezone.now())

    assert "Start of Frankfurt" in shown(insider, SHARED["activity"])[1]


def test_a_group_that_is_named_cannot_be_removed_for_that_would_open_the_element(hidden, root):
    group = Group.objects.get(name="inner")

    root.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    root.post("/admin/auth/group/", {"action": "delete_selected", "_selected_action": group.pk, "post": "yes"})

    with pytest.raises(ProtectedError):
        group.delete()
    assert Element.objects.get(pk=hidden.pk).groups.get() == group


def form(element, **more):
    return {
        "name": element.name,
        "region": element.region,
        "endpoint_url": element.endpoint_url,
        "sts_endpoint_url": element.sts_endpoint_url,
        "account_id": element.account_id,
        "interval_s": 30,
        **more,
    }


def test_an_administrator_says_in_the_admin_site_who_sees_an_element(outsider, hidden):
    element, own = Element.objects.get(name="Frankfurt"), Group.objects.get(name="administrators")
    page = f"/admin/elements/element/{element.pk}/change/"

    outsider.post(page, form(element, seen_by=[own.pk]))
    html = outsider.get(page).content.decode()

    assert list(element.groups.all()) == [own]
    assert f'<option value="{own.pk}" selected>administrators</option>' in html
    assert signed_in("vera", "viewers").get("/e/frankfurt/instances/").status_code == 404


def test_an_administrator_does_not_lose_sight_of_an_element_by_a_slip(outsider, hidden):
    element = Element.objects.get(name="Frankfurt")
    inner = Group.objects.get(name="inner")

    html = outsider.post(f"/admin/elements/element/{element.pk}/change/", form(element, seen_by=[inner.pk]))

    assert "you would not see this element any more" in html.content.decode()
    assert not element.groups.exists()


def test_a_form_that_was_open_meanwhile_does_not_open_the_element_again(root, hidden):
    page, inner = f"/admin/elements/element/{hidden.pk}/change/", Group.objects.get(name="inner")
    hidden.groups.clear()
    assert 'name="initial-seen_by"' not in root.get(page).content.decode()

    hidden.groups.add(inner)
    root.post(page, form(hidden, name="Renamed"))
    kept = list(hidden.groups.all())
    root.post(page, form(hidden, name="Renamed", **{"initial-seen_by": [inner.pk]}))

    assert kept == [inner]
    assert not hidden.groups.exists()


def test_a_new_element_is_kept_for_its_groups_from_the_start(root, hidden):
    wanted = form(Element(name="New", region="eu-west-1"), seen_by=[Group.objects.get(name="inner").pk])

    root.post("/admin/elements/element/add/", wanted)

    assert [group.name for group in Element.objects.get(name="New").groups.all()] == ["inner"]
