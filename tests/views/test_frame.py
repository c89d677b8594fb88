"""The frame of an element's pages: head, tabs, title, roles, the list of keys, the policy of what a page may load."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from elements.models import Poll
from tests import builders

pytestmark = pytest.mark.django_db
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGES = ("general", "instances", "configuration", "debug", "events")


@pytest.fixture
def element():
    row = builders.element(name="Frankfurt – Playout", account_id="482109375516")
    builders.instance(row, "encoder-1")
    return builders.polled(row)


def html(client, path="/e/frankfurt-playout/instances/"):
    return client.get(path).content.decode()


def words(text):
    return " ".join(re.sub(r"<[^>]+>", " ", text).replace("\u00a0", " ").split())


def part(text, name):
    return re.search(rf'<(\w+)[^>]*data-live-part="{name}".*?</\1>', text, re.DOTALL)[0]


@pytest.mark.parametrize("page", PAGES)
def test_each_page_of_an_element_says_where_one_is(viewer, element, page):
    text = html(viewer, f"/e/frankfurt-playout/{page}/")

    assert f"<title>{page.capitalize()}, Frankfurt – Playout – ec2mon</title>" in text
    assert "<h1><bdi>Frankfurt – Playout</bdi></h1>" in text
    head = words(text[text.index('<header class="head">') :].partition("</header>")[0])
    assert "eu-central-1 Europe (Frankfurt) account 4821 0937 5516" in head
    assert re.search(r"Live\. AWS data \d+ s old", head)
    assert 'data-pause aria-pressed="false"' in text
    current = re.search(r'<a [^>]*aria-current="page"[^>]*>(\w+)', part(text, "tabs"))
    assert current[1] == page.capitalize()


def test_the_tabs_stand_in_their_order_with_their_counts(viewer, element):
    Poll.objects.update(counts={"total": 1240, "events": 2})

    assert words(part(html(viewer), "tabs")) == "General Instances 1 240 Configuration Debug Events 2"


@pytest.mark.parametrize(("hours", "is_amber"), [(47, True), (49, False)])
def test_events_turn_amber_when_one_starts_within_48_h(viewer, element, hours, is_amber):
    at = timezone.now() + timedelta(hours=hours)
    Poll.objects.update(counts={"total": 1, "events": 1, "next_event_at": at.isoformat()})

    assert ("count--warn" in part(html(viewer), "tabs")) == is_amber


def test_general_carries_the_octagon_while_not_connected_and_the_data_looks_old(viewer, element):
    assert "#c-fail" not in part(html(viewer), "tabs")
    Poll.objects.update(refused=True, failed_since=timezone.now())

    text = html(viewer)

    assert "not connected" in words(part(text, "tabs")) and "#c-fail" in part(text, "tabs")
    assert 'class="livebar is-lost"' in text
    assert "Live." not in text
    assert text.index("<title>(1) Instances") < text.index("</title>")


@pytest.mark.parametrize(("client_name", "acts"), [("viewer", False), ("operator", True), ("administrator", True)])
def test_who_may_not_act_finds_no_control_in_the_frame(request, element, client_name, acts):
    text = html(request.getfixturevalue(client_name))

    for control in ("Poll now", 'id="poll-now"', "Stop the selected rows", "data-bulk", 'data-act="'):
        assert (control in text) == acts, control


@pytest.mark.parametrize(("client_name", "sets_up"), [("viewer", False), ("operator", False), ("administrator", True)])
def test_only_administrators_find_the_way_to_the_set_up(request, element, client_name, sets_up):
    assert html(request.getfixturevalue(client_name)).count("Set up elements") == (2 if sets_up else 0)


def test_a_banner_is_a_condition_and_cannot_be_dismissed(viewer, element):
    Poll.objects.update(refused=True, failed_since=timezone.now())

    banner = part(html(viewer), "connection")

    assert 'role="alert"' in banner
    assert "<button" not in banner


def test_the_list_of_keys_names_every_key_and_the_switch_that_turns_them_off(operator, element):
    dialog = re.search(r'<dialog class="dlg" id="dlg-keys".*?</dialog>', html(operator), re.DOTALL)[0]

    keys = re.findall(r"<kbd>([^<]+)</kbd>", dialog)
    assert {"Ctrl", "K", "/", "j", "k", "x", "Enter", "s", "a", "p", "u", *"gogicde", "Esc"} <= set(keys)
    assert "Single-key shortcuts are on" in dialog and "data-keys-on checked" in dialog


def test_what_only_the_script_can_do_is_not_offered_without_it(operator, element):
    top = re.search(r"<header class=\"top\">.*?</header>", html(operator), re.DOTALL)[0]

    buttons = [tag for tag in re.findall(r"<button[^>]*>", top) if "popovertarget" not in tag and "submit" not in tag]
    assert len(buttons) == 2
    assert [tag for tag in buttons if "js-only" not in tag] == []
    assert re.search(r"<noscript><span[^>]*>\d\d:\d\d:\d\d UTC</span></noscript>", top)


def test_the_frame_has_one_polite_region_and_a_way_past_itself(viewer, element):
    text = html(viewer)

    assert text.count('aria-live="polite"') == 1
    assert '<div class="vh" id="say" role="status" aria-live="polite"></div>' in text
    assert text.index('<a class="skip" href="#main">') < text.index("<header")


@pytest.mark.parametrize("path", ["/", "/wall/", "/e/frankfurt-playout/instances/", "/nowhere/", "/login/", "/healthz"])
def test_every_answer_carries_the_policy_of_what_may_be_loaded(viewer, element, path):
    assert viewer.get(path).headers["Content-Security-Policy"] == POLICY
    assert Client().get(path).headers["Content-Security-Policy"] == POLICY
