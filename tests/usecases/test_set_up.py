"""Adding, changing and removing elements, and what has to happen with it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import Action, Activity, DebugRecord, Element, Instance, Poll, ScheduledEvent
from elements.models.polls import LeaseLost
from elements.usecases import set_up
from elements.usecases.connect import Credentials
from elements.usecases.identify import note_account
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db

PLANTED = "planted-secret-never-to-be-seen"
KEYS = Credentials("AKIANEWNEWNEW", PLANTED)


def polled(aws, **instances):
    ids = aws.add_instances(**{"count": 2, **instances})
    element = builders.element(aws, aws.add_keys())
    poll_once(element.pk, caller="poll", now=timezone.now())
    element.refresh_from_db()
    return element, ids


def test_adding_notes_what_was_set_and_no_key():
    wanted = set_up.SetUp("Paris", "eu-west-3", interval_s=60, paused=True)

    element = set_up.add(wanted, KEYS, by="maria", now=timezone.now())

    notes = str(list(Activity.objects.values()))
    assert (element.slug, element.paused, element.has_keys) == ("paris", True, True)
    assert "eu-west-3" in notes
    assert PLANTED not in notes


def test_a_change_is_noted_with_the_old_value_and_the_new(aws):
    element = builders.element(aws)

    set_up.change(element, {"name": "Paris"}, None, by="maria", now=timezone.now())

    assert Activity.objects.get().changes == {"Name": ["Frankfurt", "Paris"]}
    assert Element.objects.get().slug == "frankfurt"


def test_what_does_not_change_is_not_noted(aws):
    element = builders.element(aws)

    set_up.change(element, {"name": element.name, "region": element.region}, None, by="maria", now=timezone.now())

    assert not Activity.objects.exists()


def test_new_keys_end_the_back_off_and_make_the_poll_due(aws):
    element = builders.element(aws)
    now = timezone.now()
    Poll.objects.update(due_at=now + timedelta(minutes=5), failures=9, refused=True, failed_since=now, failure_code="X")

    set_up.change(element, {}, KEYS, by="maria", now=now)

    poll = Poll.objects.get()
    assert (poll.due_at, poll.failures, poll.refused, poll.failed_since, poll.failure_code) == (now, 0, False, None, "")


def test_a_poll_under_way_with_the_old_keys_stores_nothing_more(aws):
    element = builders.element(aws)
    token = Poll.objects.lease(element.pk, now=timezone.now(), seconds=60)

    set_up.change(element, {}, KEYS, by="maria", now=timezone.now())

    with pytest.raises(LeaseLost):
        Poll.objects.release(element.pk, token, failures=1)


def test_an_answer_about_the_old_keys_does_not_vouch_for_the_new(aws):
    element = builders.element(aws, aws.add_keys())
    while_polling = Element.objects.get()
    set_up.change(element, {}, KEYS, by="maria", now=timezone.now())

    note_account(while_polling, "444455556666", "arn:old", timezone.now())

    assert Element.objects.get().identified_at is None
    assert Element.objects.get().account_id == ""


def test_another_region_clears_instances_events_and_what_the_poll_said(aws):
    element, ids = polled(aws)
    aws.instance(ids[0]).schedule_event()
    poll_once(element.pk, caller="poll", now=timezone.now())
    before = Poll.objects.get()
    records = DebugRecord.objects.count()

    set_up.change(element, {"region": "eu-west-1"}, KEYS, by="maria", now=timezone.now())

    poll = Poll.objects.get()
    assert (Instance.objects.count(), ScheduledEvent.objects.count()) == (0, 0)
    assert (poll.succeeded_at, poll.counts, poll.recent) == (None, {}, [])
    assert poll.revision > before.revision
    assert DebugRecord.objects.count() == records


def test_an_action_still_open_ends_with_the_move(aws):
    element, ids = polled(aws)
    now = timezone.now()
    Action.objects.create(
        element=element, instance_id_text=ids[0], batch="0" * 32, verb="stop", status="accepted",
        requested_by="olga", requested_at=now, expires_at=now,
    )  # fmt: skip

    set_up.change(element, {"region": "eu-west-1"}, KEYS, by="maria", now=now)

    action = Action.objects.get()
    assert (action.is_open, action.settled_at) == (False, now)
    assert "moved to another region" in action.message


def test_the_first_account_is_no_move(aws):
    aws.add_instances()
    element = builders.element(aws, aws.add_keys())

    assert not set_up.moves(element, {"account_id": "111122223333"})
