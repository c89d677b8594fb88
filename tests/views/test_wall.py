"""The Wall, for those signed in and for a screen."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from elements.models import Activity, Change, Instance, Poll, ScheduledEvent, WallScreen
from elements.tables import wall
from elements.views import wall as views
from tests import builders

pytestmark = pytest.mark.django_db
URL = reverse("elements:wall")
SCREENS = reverse("elements:wall_screens")


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).replace("\u00a0", " ")


def card(html, element):
    found = re.search(
        rf'<section class="wall__el ([^"]*)" data-live-part="element-{element.pk}">(.*?)</section>', html, re.DOTALL
    )
    return found[1], found[2]


def ago(element, seconds, **values):
    Poll.objects.filter(element=element).update(succeeded_at=timezone.now() - timedelta(seconds=seconds), **values)


def show(client, url=URL, **headers):
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def frankfurt(db):
    element = builders.element()
    builders.instance(element, "encoder-1")
    builders.instance(element, "encoder-2", checks=("ok", "impaired", "ok"))
    builders.instance(element, "archive", state="stopped")
    return builders.polled(element)


def changed(element, name, **fields):
    row = element.instances.get(display_name=name)
    values = {"kind": "state", "at": timezone.now(), "before": "running", "after": "stopped", **fields}
    return Change.objects.create(element=element, instance_id_text=row.instance_id, **values)


def address_of(name="foyer"):
    maria = User.objects.filter(username="maria").first() or builders.user("maria", "administrators")
    _, token = WallScreen.objects.add(name, by=maria, now=timezone.now())
    return reverse("elements:wall_of_screen", args=[token])


def test_each_instance_is_a_glyph_with_its_name_and_state(viewer, frankfurt):
    html = show(viewer)

    edge, inner = card(html, frankfurt)
    assert re.findall(r'<use href="#(s-[^"]+)"', inner) == ["s-running", "s-alert", "s-stopped"]
    assert "encoder-2: failing status checks" in text(inner)
    assert "archive: Stopped" in text(inner)
    assert "2 of 3 running" in text(inner)
    assert edge == "is-warn"


def test_an_instance_keeps_its_place_whatever_it_is_called_and_when_another_goes(viewer, frankfurt):
    Instance.objects.filter(display_name="encoder-1").update(gone_at=timezone.now())
    Instance.objects.filter(display_name="archive").update(display_name="a-new-name")

    _, inner = card(show(viewer), frankfurt)

    places = re.findall(r"<li( aria-hidden)?", inner)
    assert places == [" aria-hidden", "", ""]
    assert inner.index("encoder-2") < inner.index("a-new-name")


def test_a_place_left_long_ago_is_closed(viewer, frankfurt):
    Instance.objects.filter(display_name="encoder-1").update(gone_at=timezone.now() - timedelta(hours=25))

    assert card(show(viewer), frankfurt)[1].count("<li") == 2


@pytest.mark.parametrize(
    ("seconds", "values", "edge", "words"),
    [
        (2520, {"refused": True}, "is-bad is-stale", "Not connected. Shown as 42 min ago"),
        (94, {}, "is-warn", "Late. AWS data 1 min old"),
    ],
)
def test_old_data_looks_old_and_says_how_old_it_is(viewer, frankfurt, seconds, values, edge, words):
    ago(frankfurt, seconds, **values)

    shown, inner = card(show(viewer), frankfurt)

    assert shown == edge
    assert words in text(inner)


def test_a_paused_and_a_new_element_say_so(viewer, frankfurt):
    frankfurt.set_paused(True, by="maria", now=timezone.now())
    new = builders.element(name="Sydney")

    html = show(viewer)

    assert card(html, frankfurt)[0] == "is-stale"
    assert "Polling paused. Shown as" in text(card(html, frankfurt)[1])
    assert "Waiting for first poll" in text(card(html, new)[1])


def test_the_totals_are_those_of_all_elements(viewer, frankfurt):
    other = builders.element(name="Ireland")
    builders.instance(other, "relay")
    builders.polled(other)
    ago(other, 6, refused=True)

    words = text(show(viewer))

    assert "3 running" in words
    assert "1 failing checks" in words
    assert "1 element not connected 1 instance last known" in words
    assert "(2) Wall" in words


def test_a_scheduled_event_that_is_near_is_named(viewer, frankfurt):
    ScheduledEvent.objects.create(
        element=frankfurt,
        instance=Instance.objects.get(display_name="archive"),
        event_id="instance-event-1",
        code="instance-stop",
        not_before=timezone.now() + timedelta(minutes=41, seconds=30),
        first_seen_at=timezone.now(),
    )
    builders.polled(frankfurt)

    assert "Stop of archive in 41 min" in text(card(show(viewer), frankfurt)[1])


def test_a_large_element_is_a_bar_with_its_failing_instances_by_name(viewer, frankfurt, monkeypatch):
    monkeypatch.setattr(wall, "MOST_OF_ELEMENT", 2)

    _, inner = card(show(viewer), frankfurt)

    assert '<svg class="prop"' in inner
    assert 'class="cells"' not in inner
    assert "encoder-2 fails its status checks" in text(inner)
    assert "encoder-1" not in inner


def test_no_more_glyphs_are_drawn_than_a_browser_likes_and_the_smaller_elements_have_theirs(frankfurt, monkeypatch):
    monkeypatch.setattr(wall, "MOST_OF_ALL", 4)
    small = builders.element(name="Small")
    builders.instance(small, "one")
    small = builders.polled(small)
    tiny = builders.polled(builders.element(name="Tiny"))
    rows = [wall.Row(element, element.poll, element.connection(timezone.now())) for element in (frankfurt, small, tiny)]

    assert wall.with_glyphs(rows) == {frankfurt.pk, small.pk, tiny.pk}
    monkeypatch.setattr(wall, "MOST_OF_ALL", 3)
    assert wall.with_glyphs(rows) == {small.pk, tiny.pk}


def test_the_queries_are_the_same_for_one_element_and_for_many(viewer, frankfurt, django_assert_num_queries):
    ScheduledEvent.objects.create(
        element=frankfurt, event_id="e", code="instance-stop", not_before=timezone.now(), first_seen_at=timezone.now()
    )
    builders.polled(frankfurt)
    changed(frankfurt, "encoder-1")
    with django_assert_num_queries(8) as one:
        show(viewer)
    for number in range(8):
        element = builders.element(name=f"Element {number}")
        builders.instance(element, "a", checks=("impaired", "ok", "ok"))
        builders.polled(element)

    with django_assert_num_queries(len(one)):
        show(viewer)


def test_an_unchanged_wall_costs_no_query_over_rows(viewer, frankfurt, django_assert_max_num_queries):
    token = re.search(r'data-revision="([^"]+)"', show(viewer))[1]

    with django_assert_max_num_queries(5) as asked:
        answer = viewer.get(URL, {"since": token}, headers={"X-Fragment": "live"})

    assert answer.status_code == 204
    assert not any("elements_instance" in query["sql"] for query in asked.captured_queries)


def test_a_changed_wall_answers_with_its_parts_and_no_frame(viewer, frankfurt):
    token = re.search(r'data-revision="([^"]+)"', show(viewer))[1]
    Poll.objects.filter(element=frankfurt).update(revision=2)

    answer = viewer.get(URL, {"since": token}, headers={"X-Fragment": "live"})

    html = answer.content.decode()
    assert f'data-live-part="element-{frankfurt.pk}"' in html
    assert "<symbol" not in html
    assert token not in html


def test_only_the_cards_that_changed_are_sent(viewer, frankfurt):
    ireland = builders.polled(builders.element(name="Ireland"))
    token = re.search(r'data-revision="([^"]+)"', show(viewer))[1]
    Poll.objects.filter(element=ireland).update(revision=2)

    html = viewer.get(URL, {"since": token}, headers={"X-Fragment": "live"}).content.decode()

    assert re.findall(r'data-live-part="([\w-]+)"', html) == ["sum", "standstill", f"element-{ireland.pk}"]
    assert "2 running" in text(html)


@pytest.mark.parametrize("token", ["w", "x" * 7, "w" + "x" * 6, "w" + "x" * 600, "\x00"])
def test_whoever_asks_with_a_token_that_was_never_given_gets_every_card(viewer, frankfurt, token):
    answer = viewer.get(URL, {"since": token}, headers={"X-Fragment": "live"})

    assert f'data-live-part="element-{frankfurt.pk}"' in answer.content.decode()


def test_the_token_of_very_many_elements_fits_into_an_address(viewer, frankfurt, monkeypatch):
    monkeypatch.setattr(views, "MARKED_AT_MOST", 1)
    ireland = builders.polled(builders.element(name="Ireland"))
    token = re.search(r'data-revision="([^"]+)"', show(viewer))[1]
    unchanged = viewer.get(URL, {"since": token}, headers={"X-Fragment": "live"})
    Poll.objects.filter(element=ireland).update(revision=2)

    html = viewer.get(URL, {"since": token}, headers={"X-Fragment": "live"}).content.decode()

    assert (len(token), unchanged.status_code) == (17, 204)
    assert html.count('data-live-part="element-') == 2


def test_the_last_change_of_the_hour_stands_on_its_card(viewer, frankfurt):
    changed(frankfurt, "encoder-1", at=timezone.now() - timedelta(minutes=50), after="running", before="stopped")
    changed(frankfurt, "archive", at=timezone.now() - timedelta(minutes=4))
    quiet = builders.polled(builders.element(name="Ireland"))

    html = show(viewer)

    assert "Stopped, not by ec2mon: archive, 4 min ago" in text(card(html, frankfurt)[1])
    assert "ago" not in text(card(html, quiet)[1])
    Change.objects.update(at=timezone.now() - timedelta(minutes=61))
    assert "ago" not in text(card(show(viewer), frankfurt)[1])


def test_a_wall_names_nobody(frankfurt):
    changed(frankfurt, "archive", by="maria.k")

    html = show(Client(), address_of())

    assert "Stopped: archive" in text(html)
    assert "maria.k" not in html


def test_the_time_alone_makes_an_element_late(viewer, frankfurt):
    token = re.search(r'data-revision="([^"]+)"', show(viewer))[1]
    frankfurt.interval_s = 10
    frankfurt.save(update_fields=["interval_s"])
    ago(frankfurt, 40)

    assert viewer.get(URL, {"since": token}, headers={"X-Fragment": "live"}).status_code == 200


def test_the_wall_is_dark_unless_the_reader_or_the_address_says_otherwise(viewer, frankfurt):
    assert 'data-theme="dark"' in show(viewer)
    assert 'data-theme="light"' in show(viewer, f"{URL}?theme=light&tz=local")
    assert 'data-theme="dark"' in show(viewer, f"{URL}?theme=<script>&tz=%00")


def test_a_screen_shows_the_same_without_a_sign_in_and_leads_nowhere(frankfurt):
    answer = Client().get(address_of())

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "encoder-2: failing status checks" in text(html)
    assert "<a " not in html
    assert "<form" not in html
    assert "/login/" not in html
    assert frankfurt.slug not in html.replace('name="', "")
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer["X-Robots-Tag"]
    assert answer.cookies == {}


def test_a_screen_leads_nowhere_even_where_somebody_is_signed_in(administrator, frankfurt):
    assert "<a " not in show(administrator, address_of())


def test_a_screen_asks_what_changed_like_any_page(frankfurt):
    address = address_of()
    token = re.search(r'data-revision="([^"]+)"', show(Client(), address))[1]

    answer = Client().get(address, {"since": token}, headers={"X-Fragment": "live"})

    assert answer.status_code == 204
    assert answer["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("token", ["wrong", "x" * 43, "a" * 5000])
def test_a_wrong_address_is_not_found(frankfurt, token):
    address_of()

    assert Client().get(f"/wall/{token}/").status_code == 404


def test_a_screen_may_only_look(frankfurt):
    assert Client().post(address_of()).status_code == 405


def test_that_a_screen_was_used_is_kept_once_a_minute(frankfurt, django_assert_num_queries):
    address = address_of()
    show(Client(), address)
    first = WallScreen.objects.get().last_used_at

    show(Client(), address)

    assert first is not None
    assert WallScreen.objects.get().last_used_at == first
    WallScreen.objects.update(last_used_at=first - timedelta(seconds=61))
    show(Client(), address)
    assert WallScreen.objects.get().last_used_at >= first


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_screen_shows_the_wall_while_the_database_can_only_be_read(frankfurt):
    url = address_of()

    def full(execute, sql, *args):
        if sql.startswith("UPDATE"):
            raise OperationalError("database or disk is full")
        return execute(sql, *args)

    with connection.execute_wrapper(full):
        html = show(Client(), url)

    assert "Frankfurt" in html
    assert WallScreen.objects.get().last_used_at is None


def test_an_administrator_adds_a_screen_and_sees_its_address_once(administrator, frankfurt):
    html = administrator.post(SCREENS, {"name": "Foyer"}).content.decode()

    address = re.search(r'id="wall-address">http://testserver(/wall/[^<]+/)<', html)[1]
    token = address.split("/")[2]
    assert Client().get(address).status_code == 200
    assert token not in show(administrator, SCREENS)
    stored = repr(list(WallScreen.objects.values())) + repr(list(Activity.objects.values()))
    assert token not in stored
    assert len(WallScreen.objects.get().token_hash) == 64
    assert Activity.objects.filter(username="maria", text="Wall screen Foyer added").count() == 1


def test_revoking_ends_the_address_at_once_and_is_noted_once(administrator, frankfurt):
    address = address_of("Foyer")
    revoke = reverse("elements:wall_screen_revoke", args=[WallScreen.objects.get().pk])

    answer = administrator.post(revoke, follow=True)

    assert Client().get(address).status_code == 404
    assert "Screen Foyer revoked" in answer.content.decode()
    assert administrator.post(revoke).status_code == 404
    assert Activity.objects.filter(text="Wall screen Foyer revoked").count() == 1


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("Foyer", "There is a screen with this name already"),
        ("", "This field is required"),
        ("x" * 101, "at most 100 characters"),
        ("a\0b", "Null characters are not allowed"),
    ],
)
def test_a_name_that_cannot_be_is_said_at_the_field(administrator, name, error):
    address_of("Foyer")

    html = administrator.post(SCREENS, {"name": name}).content.decode()

    assert error in html
    assert WallScreen.objects.count() == 1


def test_only_administrators_see_the_way_to_the_screens(viewer, operator, administrator, frankfurt):
    assert [SCREENS in show(client) for client in (viewer, operator, administrator)] == [False, False, True]


def test_names_from_outside_stay_text(viewer):
    element = builders.element(name="<b>Frankfurt</b>")
    builders.instance(element, '"><script>alert(1)</script>')
    builders.polled(element)

    html = show(viewer)

    assert "<script>alert" not in html
    assert "<b>Frankfurt" not in html
