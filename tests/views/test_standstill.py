"""Every page says that workers or clock stand still, so that nobody takes an old screen for a live one."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from elements.models import WallScreen, WorkerBeat
from tests import builders

pytestmark = pytest.mark.django_db
PAGES = ("general", "instances", "configuration", "events", "debug")


def beat(**seconds_ago):
    for queue, seconds in seconds_ago.items():
        WorkerBeat.objects.stamp(queue, "worker-1", timezone.now() - timedelta(seconds=seconds))


def banner(client, address, **headers):
    """Return the banner of a page in words, "" when its place is empty; the place must be there."""
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200
    html = answer.content.decode()
    assert html.count('data-live-part="standstill"') == 1
    part = html.partition('data-live-part="standstill">')[2]
    if part.lstrip().startswith("</div>"):
        return ""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part)).replace("\u00a0", " ").strip()


@pytest.fixture
def element():
    row = builders.element()
    builders.instance(row, "encoder")
    return builders.polled(row)


def test_nothing_is_said_while_all_work_and_while_there_is_nothing_to_be_old(viewer, element):
    beat(clock=12, default=20, ops=59)
    assert banner(viewer, "/") == ""

    WorkerBeat.objects.all().delete()
    assert banner(viewer, "/") == ""

    beat(clock=600, default=600, ops=600)
    element.delete()
    assert banner(viewer, "/") == ""


def test_every_page_says_it_whole_and_as_a_fragment(viewer, operator, administrator, element):
    beat(clock=300, default=305, ops=310)
    slug = element.slug
    _, token = WallScreen.objects.add("foyer", by=User.objects.get(username="maria"), now=timezone.now())
    addresses = [
        "/",
        reverse("elements:wall"),
        reverse("elements:find"),
        reverse("elements:instance", args=[slug, element.instances.get().instance_id]),
        *(reverse(f"elements:{page}", args=[slug]) for page in PAGES),
    ]
    for address in addresses:
        for headers in ({}, {"X-Fragment": "live"}):
            text = banner(viewer, address, **headers)
            assert text.startswith("Workers and clock silent since "), address
            assert "( 5 min ago )" in text
            assert "Nothing is polled: what you see is old and gets older. Tell an administrator." in text

    assert "System says what to do." in banner(administrator, reverse("elements:activity"))
    assert "Nothing is polled" in banner(Client(), reverse("elements:wall_of_screen", args=[token]))


@pytest.mark.parametrize(
    ("beats", "who", "effect"),
    [
        ({"clock": 5, "default": 70, "ops": 5}, "Workers that poll silent since", "Nothing is polled"),
        ({"clock": 5, "default": 5, "ops": 70}, "Workers that send actions silent since", "are not sent"),
        ({"clock": 70, "default": 5, "ops": 5}, "Clock silent since", "once a minute at best"),
        (
            {"default": 5, "ops": 5},
            "Clock silent: no sign of life yet, none for a day, or the clock was wrong",
            "once a minute at best",
        ),
    ],
)
def test_it_says_who_is_silent_and_what_that_means(viewer, element, beats, who, effect):
    beat(**beats)

    text = banner(viewer, "/")

    assert text.startswith(who)
    assert effect in text


def test_a_beat_of_a_clock_that_was_wrong_proves_nothing_and_hides_nobody_who_works(viewer, element):
    beat(clock=-3600, default=-3600, ops=-3600)
    assert banner(viewer, "/").startswith("Workers and clock silent: no sign of life yet")

    WorkerBeat.objects.stamp("default", "worker-2", timezone.now())
    assert banner(viewer, "/").startswith("Workers that send actions and clock silent")

    beat(clock=5, ops=-100)
    assert banner(viewer, "/") == ""


@pytest.mark.parametrize("name", ["overview", "wall"])
def test_a_page_that_is_open_learns_of_the_silence_and_of_its_end(viewer, element, name):
    address = reverse(f"elements:{name}")
    ask = lambda since: viewer.get(address, {"since": since}, headers={"X-Fragment": "live"})  # noqa: E731
    beat(clock=1, default=1, ops=1)
    working = viewer.get(address).context["live_token"]
    assert ask(working).status_code == 204

    beat(default=61)
    silent = ask(working)
    assert silent.status_code == 200
    assert b"Workers that poll silent" in silent.content
    assert ask(silent.context["live_token"]).status_code == 204

    beat(default=1)
    assert ask(silent.context["live_token"]).status_code == 200


def test_it_costs_no_statement(viewer, element, django_assert_num_queries):
    beat(clock=1, default=1, ops=1)
    with django_assert_num_queries(5) as working:
        viewer.get(f"/e/{element.slug}/instances/")

    beat(default=500)
    with django_assert_num_queries(len(working)):
        viewer.get(f"/e/{element.slug}/instances/")
