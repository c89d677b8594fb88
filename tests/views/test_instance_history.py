"""The state bar and Activity of an instance's page."""

import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import Action, Change, Element, Poll
from elements.usecases.change_instance_state import perform, request
from elements.usecases.follow_actions import follow
from elements.usecases.run_polls import poll_once
from tests import builders
from tests.views.test_instance import show, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def element(aws):
    return builders.element(aws, aws.add_keys())


@pytest.fixture
def row(aws, element):
    (instance_id,) = aws.add_instances(names=["enc"])
    poll(element)
    return aws.instance(instance_id)


def poll(element, now=None):
    assert poll_once(element.pk, caller="poll", now=now or timezone.now()).ok


def page(client, element, row, query=""):
    return client.get(f"/e/{element.slug}/instances/{row.raw.instance_id}/{query}")


def activity(response):
    """Return the texts of Activity, newest first."""
    panel = response.content.decode().partition('id="act-h"')[2].partition("</section>")[0]
    entries = re.findall(r"<li>.*?<div>(.*?)</div>", panel, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", entry).replace("\u00a0", " ").split()) for entry in entries]


def paints(response):
    return re.findall(r'<rect class="(l-\w+)" x="', response.content.decode().partition('class="life"')[2])


def add(element, row, *, kind="state", **fields):
    at = timezone.now() - fields.pop("ago")
    return Change.objects.create(
        element=element,
        instance_id_text="" if kind == "gap" else row.raw.instance_id,
        kind=kind,
        at=at,
        **fields,
    )


def test_a_stop_elsewhere_is_told_with_its_reason_in_words_and_its_time(viewer, element, row):
    row.stop()
    poll(element)
    at = Change.objects.get().at

    newest = activity(page(viewer, element, row))[0]

    assert newest.startswith("Stopped, not by ec2mon Somebody asked AWS for it, for example in the AWS console.")
    assert "AWS reason: Client.UserInitiatedShutdown" in newest
    assert newest.endswith(f"{at:%Y-%m-%d %H:%M:%S} UTC")


def test_a_stop_that_was_asked_for_here_is_told_once(viewer, element, row):
    element = Element.objects.with_poll().get(pk=element.pk)
    asked = request(element, "stop", [row.raw.instance_id], batch=uuid.uuid4(), by="maria", now=timezone.now())
    perform(element, [action.pk for action in asked.actions], clock=timezone.now)
    follow(element, now=timezone.now() + timedelta(seconds=5))

    told = activity(page(viewer, element, row))

    assert Change.objects.count() >= 1
    assert len(told) == 2
    assert told[0].startswith("Stopped by maria accepted in")
    assert "stopped after" in told[0]
    assert told[1].startswith("First seen by ec2mon")


def test_a_stop_seen_after_its_action_was_given_up_is_told_beside_it(viewer, element, row):
    now = timezone.now()
    action = Action.objects.create(
        element=element,
        instance_id_text=row.raw.instance_id,
        batch=uuid.uuid4(),
        verb="stop",
        status="unknown",
        requested_by="maria",
        requested_at=now,
        expires_at=now,
        settled_at=now,
    )
    add(element, row, ago=timedelta(), before="running", after="stopped", by="maria", action=action)

    told = " ".join(activity(page(viewer, element, row)))

    assert "Stopped, asked for by maria" in told
    assert "Outcome of stop unknown" in told


def test_the_way_to_a_state_is_told_only_until_it_is_reached(viewer, element, row):
    add(element, row, ago=timedelta(minutes=5), before="running", after="stopping")
    before = activity(page(viewer, element, row))
    add(element, row, ago=timedelta(minutes=4), before="stopping", after="stopped")

    after = activity(page(viewer, element, row))

    assert any(text.startswith("Stopping, not by ec2mon") for text in before)
    assert not any(text.startswith("Stopping") for text in after)


def test_checks_events_and_gaps_are_told_with_their_times(viewer, element, row):
    now = timezone.now()
    add(element, row, kind="check", ago=timedelta(hours=3), before="ok", after="impaired", what="instance_status")
    add(
        element,
        row,
        kind="event",
        ago=timedelta(hours=2),
        before="scheduled",
        after="scheduled",
        what="system-reboot",
        by="<olga>",
        from_at=now,
        to_at=now + timedelta(days=1),
    )
    add(element, row, kind="gap", ago=-timedelta(minutes=1), from_at=now - timedelta(minutes=41), to_at=now)

    response = page(viewer, element, row)
    told = activity(response)

    assert [text for text in told if text.startswith("Instance status check failed")]
    assert [text for text in told if text.startswith(f"Host reboot moved by &lt;olga&gt; From {now:%Y-%m-%d %H:%M}")]
    assert told[0].startswith("Not observed for 41 min From")
    assert "<olga>" not in response.content.decode()


def test_gaps_from_before_the_instance_was_seen_are_not_its_own(viewer, element, row):
    now = timezone.now()
    add(element, row, kind="gap", ago=timedelta(days=1), from_at=now - timedelta(days=2), to_at=now - timedelta(days=1))

    assert not [text for text in activity(page(viewer, element, row)) if "Not observed" in text]


def test_a_new_instance_is_not_told_twice(aws, viewer, element, row):
    (instance_id,) = aws.add_instances(names=["later"])
    poll(element)

    told = activity(show(viewer, element, instance_id))

    assert len(told) == 1
    assert told[0].startswith("New, first listed by AWS as running")


def test_nothing_of_another_instance_is_told(aws, viewer, element, row):
    (other,) = aws.add_instances(names=["other"])
    poll(element)
    aws.instance(other).stop()
    poll(element)

    assert len(activity(page(viewer, element, row))) == 1
    assert paints(page(viewer, element, row)) == ["l-run", "l-gap"]


def test_the_bar_and_its_sentence_show_the_same(viewer, element, row):
    element.instances.update(first_seen_at=timezone.now() - timedelta(days=30))
    add(element, row, ago=timedelta(days=3), before="running", after="stopped")
    add(element, row, ago=timedelta(days=2), before="stopped", after="running")
    add(element, row, kind="check", ago=timedelta(days=1), before="ok", after="impaired", what="system_status")
    element.instances.update(system_status="impaired")

    response = page(viewer, element, row)

    assert paints(response) == ["l-run", "l-run", "l-stop", "l-bad"]
    assert "Running for most of the last 7 days. Stopped from " in response.content.decode()
    assert "System status check failing since " in response.content.decode()
    assert "style=" not in response.content.decode()


def test_while_aws_is_silent_the_end_of_the_bar_is_not_observed(viewer, element, row):
    element.instances.update(first_seen_at=timezone.now() - timedelta(days=30))
    Poll.objects.update(succeeded_at=timezone.now() - timedelta(hours=5))

    response = page(viewer, element, row)

    assert paints(response) == ["l-run", "l-gap"]
    assert "Not observed since " in response.content.decode()


def test_older_entries_are_a_link_away_and_wild_numbers_are_clamped(viewer, element, row):
    element.instances.update(first_seen_at=timezone.now() - timedelta(days=30))
    for number in range(60):
        add(element, row, ago=timedelta(hours=number), before="stopped", after="running")

    first = page(viewer, element, row)

    assert len(activity(first)) == 25
    assert "?entries=100#act-h" in first.content.decode()
    assert len(activity(page(viewer, element, row, "?entries=100"))) == 61
    for wild in ("-1", "0", "x", "%00", "9" * 500, "%F0%9F%8E%AC"):
        assert len(activity(page(viewer, element, row, f"?entries={wild}"))) == 25


def test_a_change_without_a_new_row_sends_the_page_again(viewer, element, row):
    token = re.search(r'data-revision="([^"]+)"', page(viewer, element, row).content.decode()).group(1)
    add(element, row, kind="gap", ago=timedelta(), from_at=timezone.now(), to_at=timezone.now())

    answer = viewer.get(
        f"/e/{element.slug}/instances/{row.raw.instance_id}/?since={token}", headers={"X-Fragment": "live"}
    )

    assert answer.status_code == 200


def test_the_history_of_a_gone_instance_is_kept_as_long_as_either_allows(aws, viewer, element, row):
    aws.add_instances(names=["other"])
    row.vanish()
    poll(element)
    Element.objects.update(gone_retention_days=30, history_retention_days=3)
    until = element.instances.get(instance_id=row.raw.instance_id).gone_at + timedelta(days=3)

    response = page(viewer, element, row)

    assert f"History is kept until {until:%Y-%m-%d %H:%M}" in words(response)
    assert activity(response)[0].startswith("No longer listed by AWS It was running before")


def test_a_long_history_costs_the_same_queries(viewer, element, row, django_assert_num_queries):
    for number in range(300):
        add(element, row, ago=timedelta(minutes=number), before="stopped", after="running")

    with django_assert_num_queries(10):
        page(viewer, element, row)
