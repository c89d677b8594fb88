from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import Element, Instance, Poll, ScheduledEvent
from elements.usecases import prune
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db
DAY = 86_400


@pytest.fixture
def element(aws):
    (instance_id,) = aws.add_instances(names=["playout"])
    aws.instance(instance_id).schedule_event("instance-reboot", in_s=DAY, deadline_s=3 * DAY)
    row = builders.element(aws, aws.add_keys())
    poll(row)
    return row


@pytest.fixture
def announced(aws, element):
    return aws.instance(ScheduledEvent.objects.get().instance_id_text).events


def poll(element):
    assert poll_once(element.pk, caller="poll", now=timezone.now()).ok


def asked(**ago):
    """Note that somebody asked for a start in two days, some time ago."""
    start = timezone.now().replace(microsecond=0) + timedelta(days=2)
    values = {"requested_start_at": start, "requested_by": "olga", "requested_at": timezone.now() - timedelta(**ago)}
    ScheduledEvent.objects.update(**values)
    return start


def test_an_event_carries_the_name_that_its_instance_has_now(element):
    Element.objects.update(naming_format="{tag:Name}-{short_id}")

    poll(element)

    event = ScheduledEvent.objects.get()
    assert event.instance_name == Instance.objects.get().display_name != "playout"
    assert event.instance == Instance.objects.get()


def test_the_poll_that_learns_of_an_event_or_its_end_counts_the_instances_with_one(element, announced):
    before = Poll.objects.get().counts["with_events"]

    announced.clear()
    poll(element)

    assert (before, Poll.objects.get().counts["with_events"]) == (1, 0)


def test_an_unchanged_event_is_not_written_again(element, django_assert_max_num_queries):
    with django_assert_max_num_queries(60) as queries:
        poll(element)

    assert not [
        q
        for q in queries.captured_queries
        if q["sql"].startswith(('UPDATE "elements_scheduledevent"', "INS")) and "scheduledevent" in q["sql"]
    ]


def test_events_are_stored_with_a_fixed_number_of_reads(element, announced, aws, django_assert_max_num_queries):
    instance = aws.instance(ScheduledEvent.objects.get().instance_id_text)
    for _ in range(30):
        instance.schedule_event("system-reboot", in_s=2 * DAY)

    with django_assert_max_num_queries(100) as queries:
        poll(element)

    reads = [q for q in queries.captured_queries if q["sql"].startswith("SELECT")]
    assert ScheduledEvent.objects.count() == 31
    assert len(reads) < 25


def test_a_request_is_answered_when_aws_shows_its_start(element, announced):
    announced[0].not_before = asked(minutes=1)

    poll(element)

    event = ScheduledEvent.objects.get()
    assert (event.requested_start_at, event.requested_by, event.requested_at) == (None, "", None)


def test_a_request_stays_while_aws_shows_the_old_start_or_that_of_an_earlier_request(element, announced):
    start = asked(minutes=1)
    poll(element)
    assert ScheduledEvent.objects.get().requested_start_at == start

    announced[0].not_before += timedelta(hours=1)
    poll(element)

    assert ScheduledEvent.objects.get().requested_start_at == start


def test_a_request_that_is_long_overdue_is_dropped_when_aws_moves_the_event_otherwise(element, announced):
    asked(minutes=11)
    announced[0].not_before += timedelta(hours=1)

    poll(element)

    assert ScheduledEvent.objects.get().requested_start_at is None


@pytest.mark.parametrize("ending", ["complete", "vanish"])
def test_a_request_ends_with_its_event(element, announced, ending):
    asked(minutes=1)
    if ending == "complete":
        announced[0].complete()
    else:
        announced.clear()

    poll(element)

    assert ScheduledEvent.objects.get().requested_start_at is None


def test_a_completed_event_is_kept_while_aws_lists_it_and_its_retention_begins_when_it_stops(element, announced):
    announced[0].complete()
    poll(element)
    years = timezone.now() + timedelta(days=900)

    prune.prune(years)
    assert ScheduledEvent.objects.get().stage == "completed"

    announced.clear()
    poll(element)
    cleared_at = ScheduledEvent.objects.get().cleared_at
    prune.prune(cleared_at + timedelta(days=29))
    assert ScheduledEvent.objects.exists()
    prune.prune(cleared_at + timedelta(days=31))
    assert not ScheduledEvent.objects.exists()


def test_an_event_that_aws_lists_again_is_active_again(element, announced):
    kept = announced.copy()
    announced.clear()
    poll(element)
    assert not ScheduledEvent.objects.active().exists()

    announced.extend(kept)
    poll(element)

    assert ScheduledEvent.objects.active().exists()


def test_an_event_outlives_its_pruned_instance_and_keeps_its_name(element, aws):
    aws.vanish(Instance.objects.get().instance_id)
    poll(element)
    Instance.objects.all().delete()

    event = ScheduledEvent.objects.get()
    assert (event.instance, event.instance_name) == (None, "playout")
    poll(element)


def test_when_only_the_status_read_fails_no_event_is_called_cleared(element, aws):
    aws.fault("throttle", "DescribeInstanceStatus")

    poll_once(element.pk, caller="poll", now=timezone.now())

    assert ScheduledEvent.objects.active().count() == 1
