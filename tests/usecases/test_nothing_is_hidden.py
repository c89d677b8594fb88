"""What equal digests, old news, half-written reads and wrong clocks must never hide."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from elements.aws.ec2 import Ec2Gateway
from elements.domain.snapshots import InstanceSnapshot, Page, StatusSnapshot
from elements.models import Element, Instance, Poll, ScheduledEvent
from elements.usecases import follow_actions
from elements.usecases.reading import Reading
from elements.usecases.run_polls import claim_batches, poll_once
from elements.usecases.store_reading import Storing
from elements.usecases.store_snapshots import Moment, Seen, store_rows
from tests import builders
from tests.usecases.test_follow_actions import ask, element

pytestmark = pytest.mark.django_db

__all__ = ["element"]


def poll(row, now=None):
    return poll_once(row.pk, caller="poll", now=now or timezone.now())


def test_a_name_that_a_look_at_an_action_saw_first_is_shown_from_the_next_poll_on(aws, element):
    action = ask(element)
    aws.instance(action.instance_id_text).tags["Name"] = "renamed"
    follow_actions.follow(element, now=timezone.now())

    report = poll(element)

    assert report.ok
    assert Instance.objects.get().display_name == "renamed"


def test_old_news_about_an_instance_that_changed_since_is_left_out_and_the_poll_is_good(aws, element):
    now = timezone.now()
    aws.instance(Instance.objects.get().instance_id).tags["Team"] = "sport"
    Instance.objects.update(observed_at=now + timedelta(seconds=1), state="stopping")

    report = poll(element, now)

    assert (report.ok, report.error) == (True, "")
    assert Instance.objects.get().state == "stopping"


def test_an_event_that_came_with_a_status_listing_that_broke_off_is_stored_by_the_next_poll(aws):
    element = builders.element(aws, aws.add_keys())
    aws.add_instances(count=1)
    poll(element)
    new, *_ = aws.add_instances(count=1001)
    aws.instance(new).schedule_event("system-reboot")
    broken = aws.fault("internal", "DescribeInstanceStatus", page=2)
    assert not poll(element).ok
    broken.clear()

    poll(element)

    assert ScheduledEvent.objects.filter(instance_id_text=new, cleared_at=None).exists()


def test_what_a_poll_wrote_before_it_was_cut_off_hides_no_event_and_is_counted(aws, monkeypatch):
    element = builders.element(aws, aws.add_keys())
    ids = aws.add_instances(count=300)
    poll(element)
    for each in ids:
        aws.instance(each).schedule_event("system-reboot")
    with monkeypatch.context() as cut_off:
        cut_off.setattr(Storing, "_finish", lambda *args: 1 / 0)
        assert not poll(element).ok

    poll(element)

    assert ScheduledEvent.objects.filter(cleared_at=None).count() == 300
    assert Poll.objects.get().counts["events"] == 300


def test_rows_of_a_time_when_the_clock_was_ahead_are_read_like_others(aws, element):
    Instance.objects.update(observed_at=timezone.now() + timedelta(hours=1))
    aws.instance(Instance.objects.get().instance_id).state = "stopped"

    poll(element)

    assert Instance.objects.get().state == "stopped"


def test_an_instance_that_vanished_while_the_clock_was_ahead_is_marked_gone(aws, element):
    Instance.objects.update(observed_at=timezone.now() + timedelta(hours=1))
    aws.vanish(Instance.objects.get().instance_id)

    poll(element)

    assert Instance.objects.gone().exists()


@pytest.mark.parametrize("left", ["nothing", "queued_at", "leased_until"])
@pytest.mark.parametrize("instances", [10, 50_000])
def test_a_clock_that_was_ahead_stops_no_poll(left, instances):
    element = builders.element(interval_s=30)
    now = timezone.now()
    ahead = now + timedelta(hours=1)
    marks = {} if left == "nothing" else {left: ahead, "lease": "of-one-that-died"}
    Poll.objects.update(started_at=ahead, due_at=ahead + timedelta(seconds=30), counts={"total": instances}, **marks)

    assert [batch.element_ids for batch in claim_batches(now)] == [[element.pk]]
    assert Poll.objects.lease(element.pk, now=now, seconds=15, interval_s=30, queued=True)
    assert Poll.objects.get().due_at == now + timedelta(seconds=30)


def test_an_event_of_an_instance_that_is_gone_ends_although_its_listing_lags_behind(aws, monkeypatch):
    element = builders.element(aws, aws.add_keys())
    _, goes = aws.add_instances(count=2)
    aws.instance(goes).schedule_event("system-reboot")
    poll(element)
    with monkeypatch.context() as lag:
        lag.setattr(Ec2Gateway, "read_all", _without(goes, Ec2Gateway.read_all))
        poll(element)
    aws.vanish(goes)

    poll(element)

    assert Instance.objects.gone().get().instance_id == goes
    assert ScheduledEvent.objects.get().cleared_at is not None


def _without(instance_id, read_all):
    """Return a reading of both listings that finds an instance in that of statuses only."""

    def read(*args):
        for kind, page in read_all(*args):
            seen = [each for each in page.seen if kind == "statuses" or each.instance_id != instance_id]
            unchanged = [each for each in page.unchanged if kind == "statuses" or each != instance_id]
            yield kind, replace(page, seen=seen, unchanged=unchanged)

    return read


def test_an_instance_that_a_look_brings_back_has_its_events_again(aws, element):
    (instance_id,) = Instance.objects.values_list("instance_id", flat=True)
    aws.instance(instance_id).schedule_event("system-reboot")
    poll(element)
    action, raw = ask(element, "reboot"), aws.world.instances.pop(instance_id)
    poll(element)
    assert ScheduledEvent.objects.get().cleared_at is not None
    aws.world.instances[instance_id] = raw
    follow_actions.follow(element, now=timezone.now())
    assert not Instance.objects.gone().exists(), action

    poll(element)

    assert ScheduledEvent.objects.get().cleared_at is None


def test_a_long_read_that_began_while_reads_lag_does_not_show_the_state_before_as_the_last(aws, element):
    action, row = ask(element), Instance.objects.get()
    lagging = InstanceSnapshot(row.instance_id, "running", raw_digest=b"as before")
    began, stored = action.answered_at + timedelta(seconds=1), action.answered_at + timedelta(seconds=90)

    with transaction.atomic():
        store_rows(element, [Seen(row.instance_id, lagging)], Moment(began, stored))

    assert Instance.objects.get().state == row.state != lagging.state


def test_what_was_written_before_a_format_was_saved_is_counted_with_the_rest(aws, monkeypatch):
    element = builders.element(aws, aws.add_keys())
    ids = aws.add_instances(count=300)
    poll(element)
    for each in ids:
        aws.instance(each).state = "stopped"
    note = Storing._note_unfinished

    def save_the_same_names(storing, row):
        note(storing, row)
        Element.objects.update(naming_format="{name|instance_id}")

    monkeypatch.setattr(Storing, "_note_unfinished", save_the_same_names)

    report = poll(element)

    assert report.changed == 300
    assert Poll.objects.get().counts["stopped"] == 300


def test_of_an_instance_that_is_listed_twice_the_later_page_counts(element):
    row = Instance.objects.get()
    as_known, other = [row.instance_id], InstanceSnapshot(row.instance_id, "stopped", raw_digest=b"other")
    with closing(Reading(element, anew=False)) as reading:
        reading.begin()

        reading.note_instances(Page(True, [], [other]))
        reading.note_instances(Page(False, as_known, []))
        reading.note_statuses(Page(True, [], [StatusSnapshot(row.instance_id, "impaired")]))
        reading.note_statuses(Page(False, as_known, []))

        assert [*reading.instances(None), *reading.statuses()] == []
        assert reading.is_status_unchanged(row.instance_id)
