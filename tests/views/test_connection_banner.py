"""The banner of every page of an element: what is wrong with the connection, since when, why, and what follows."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import Element, Poll
from tests import builders

pytestmark = pytest.mark.django_db
PAGES = ("general", "instances", "configuration", "debug", "events")


@pytest.fixture
def element():
    row = builders.element(interval_s=30)
    builders.instance(row, "encoder-1")
    row.store_keys(access_key_id="AKIA1", secret_access_key="x", session_token="", by="test", now=timezone.now())
    return builders.polled(row)


def banner(client, page="instances"):
    """Return what the page says where its banner stands, "" without one."""
    html = client.get(f"/e/frankfurt/{page}/").content.decode()
    part = html.partition('data-live-part="connection">')[2].partition('<div class="stack" data-live-part')[0]
    text = re.sub(r"<[^>]+>", "", part[: part.rindex("</p></div>")] if 'class="banner' in part else "")
    return " ".join(text.replace("\u00a0", " ").split())


def since(**ago):
    return timezone.now() - timedelta(**ago)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_late_says_how_old_it_is_what_was_expected_and_why(viewer, element, page):
    Poll.objects.update(succeeded_at=since(seconds=94), throttled=True, failure_code="RequestLimitExceeded")

    said = banner(viewer, page)

    assert "AWS data is 1 min old, expected every 30 s" in said
    assert "AWS is throttling requests (RequestLimitExceeded). Polling continues with longer gaps" in said


def test_late_without_a_failure_is_a_matter_of_the_workers(viewer, element):
    Poll.objects.update(succeeded_at=since(seconds=94))

    assert "The last poll takes longer than usual, or no worker was free for it." in banner(viewer)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_connected_says_since_when_what_is_shown_why_and_when_it_is_tried_again(viewer, element, page):
    at, due_at = since(minutes=42, seconds=5), timezone.now() + timedelta(seconds=18.9)
    failed = {"failures": 43, "failed_since": at, "failure_text": "No answer within 10 s.", "due_at": due_at}
    Poll.objects.update(succeeded_at=at, **failed)

    said = banner(viewer, page)

    assert f"Not connected since {at:%Y-%m-%d %H:%M:%S} UTC (42 min)." in said
    assert "You are looking at the last known state, 42 min old." in said
    assert "No answer within 10 s. Start and Stop are off until the connection is back." in said
    assert "43 tries so far; next in 18 s." in said


def test_without_workers_nobody_is_to_blame_but_them(viewer, element):
    Poll.objects.update(succeeded_at=since(hours=1))

    assert "No worker has polled this element. Check that the ec2mon workers are running." in banner(viewer)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_paused_says_since_when_by_whom_and_how_old_it_is(viewer, element, page):
    at = since(days=2, hours=3, minutes=5)
    Element.objects.update(paused=True, paused_at=at, paused_by="j.ortiz")
    Poll.objects.update(succeeded_at=at)

    said = banner(viewer, page)

    assert f"Polling of this element is paused since {at:%Y-%m-%d %H:%M} UTC" in said
    assert "By j.ortiz. What you see is 2 d 3 h old." in said


def test_all_is_well_without_a_banner(viewer, element):
    assert banner(viewer) == ""
