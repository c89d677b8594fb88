"""What the polls and the actions of an element leave in its history."""

import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import Action, Change, Element, Instance, Poll, ScheduledEvent
from elements.usecases import removal
from elements.usecases.change_instance_state import perform, request
from elements.usecases.follow_actions import follow
from elements.usecases.prune import prune
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db
DAY = 86_400


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


def ask(element, verb):
    ids = list(element.instances.values_list("instance_id", flat=True))
    element = Element.objects.with_poll().get(pk=element.pk)
    asked = request(element, verb, ids, batch=uuid.uuid4(), by="maria", now=timezone.now())
    perform(element, [action.pk for action in asked.actions], clock=timezone.now)
    return Action.objects.get(pk=asked.actions[0].pk)


def steps():
    return list(Change.objects.order_by("id").values_list("kind", "before", "after", "by"))


def test_the_first_read_is_the_beginning_and_an_unchanged_one_writes_nothing(aws, element):
    aws.add_instances(count=3)

    poll(element)
    poll(element)

    assert steps() == []


def test_an_instance_that_comes_later_is_new_also_when_there_was_none_before(aws, element):
    poll(element)
    (instance_id,) = aws.add_instances()

    poll(element)

    change = Change.objects.get()
    assert (change.kind, change.instance_id_text, change.after) == ("new", instance_id, "running")


def test_a_stop_elsewhere_is_nobodys_and_keeps_awss_reason(element, row):
    row.stop()

    poll(element)

    change = Change.objects.get()
    assert (change.kind, change.before, change.after, change.by, change.action) == (
        "state",
        "running",
        "stopped",
        "",
        None,
    )
    assert change.reason_code == "Client.UserInitiatedShutdown"
    assert "User initiated" in change.reason


def test_a_stop_that_was_asked_for_here_carries_its_action_at_each_step(aws, element, row):
    aws.set(delay_s=1)
    action = ask(element, "stop")
    aws.set(delay_s=0)
    row.stop()

    follow(element, now=action.answered_at + timedelta(seconds=5))

    assert Action.objects.get().status == "confirmed"
    assert steps() == [("state", "running", "stopping", "maria"), ("state", "stopping", "stopped", "maria")]
    assert set(Change.objects.values_list("action", flat=True)) == {action.pk}


def test_a_stop_here_that_only_a_poll_saw_is_still_its_askers(element, row):
    action = ask(element, "stop")

    poll(element)

    assert {change.action for change in Change.objects.all()} == {action}


def test_a_start_that_aws_takes_back_is_its_askers_from_the_start_to_the_fall(aws, element):
    aws.add_instances(names=["encrypted"], state="stopped", kms_denied=True)
    poll(element)
    aws.set(delay_s=0.2)
    ask(element, "start")

    give_up = time.monotonic() + 10
    while Action.objects.open().exists() and time.monotonic() < give_up:
        follow(element, now=timezone.now())

    assert steps() == [("state", "stopped", "pending", "maria"), ("state", "pending", "stopped", "maria")]
    assert Change.objects.get(after="stopped").reason_code == "Client.InternalError"


def test_a_refused_stop_explains_nothing(aws, element, row):
    row.protect()
    ask(element, "stop")
    row.protect(False)
    row.stop()

    poll(element)

    assert Action.objects.get().status == "refused"
    assert steps() == [("state", "running", "stopped", "")]


def test_a_check_that_fails_and_passes_again_is_noted_with_which_one(aws, element, row):
    row.fail_check("instance")
    poll(element)
    row.pass_checks()
    poll(element)

    assert steps() == [("check", "ok", "impaired", ""), ("check", "impaired", "ok", "")]
    assert set(Change.objects.values_list("what", flat=True)) == {"instance_status"}


def test_a_failing_check_ends_with_a_stop_that_was_asked_for_here(aws, element, row):
    row.fail_check("system")
    poll(element)

    ask(element, "stop")

    assert ("check", "impaired", "", "") in steps()


def test_a_scheduled_event_is_announced_moved_by_whom_and_completed_once_each(element, row):
    row.schedule_event("instance-reboot", in_s=DAY, deadline_s=9 * DAY)
    poll(element)
    old = ScheduledEvent.objects.get().not_before
    wanted = old + timedelta(days=1)
    ScheduledEvent.objects.update(requested_start_at=wanted, requested_by="olga", requested_at=timezone.now())
    row.events[0].not_before = wanted
    poll(element)
    row.events[0].complete()
    poll(element)
    row.events.clear()
    poll(element)

    moved = Change.objects.order_by("id")[1]
    assert steps() == [
        ("event", "", "scheduled", ""),
        ("event", "scheduled", "scheduled", "olga"),
        ("event", "scheduled", "completed", ""),
    ]
    assert (moved.from_at, moved.to_at, moved.what) == (old, wanted, "instance-reboot")


def test_a_move_by_aws_is_nobodys_and_an_event_it_stops_listing_is_cleared(element, row):
    row.schedule_event("system-reboot", in_s=DAY)
    poll(element)
    row.events[0].not_before += timedelta(hours=3)
    poll(element)
    row.events.clear()
    poll(element)

    assert steps()[1:] == [("event", "scheduled", "scheduled", ""), ("event", "scheduled", "cleared", "")]


def test_an_instance_that_goes_and_comes_back_leaves_both(aws, element, row):
    aws.add_instances(names=["other"])
    row.vanish()
    poll(element)
    aws.world.instances[row.raw.instance_id] = row.raw
    poll(element)

    assert [step[:3] for step in steps() if step[0] != "new"] == [
        ("gone", "running", "gone"),
        ("back", "gone", "running"),
    ]


def test_after_aws_was_silent_one_gap_is_noted_for_the_element(aws, element, row):
    aws.add_instances(count=2)
    began = timezone.now()
    poll(element, began)
    aws.fault("error", "DescribeInstances", code="AuthFailure", status=401, times=1)
    failed = poll_once(element.pk, caller="poll", now=began + timedelta(minutes=1))

    poll(element, began + timedelta(minutes=42))
    poll(element, began + timedelta(minutes=42, seconds=30))

    gap = Change.objects.get(kind="gap")
    assert not failed.ok
    assert (gap.instance_id_text, gap.from_at, gap.to_at) == ("", began, began + timedelta(minutes=42))


def test_a_read_that_is_as_late_as_connected_allows_leaves_no_gap(element, row):
    began = timezone.now()
    poll(element, began)

    poll(element, began + timedelta(seconds=2 * element.interval_s + 5))

    assert not Change.objects.filter(kind="gap").exists()


def test_a_poll_whose_transaction_fails_leaves_nothing_in_the_history(element, row, monkeypatch):
    row.stop()
    monkeypatch.setattr(Poll.objects, "release", _fail)

    poll_once(element.pk, caller="poll", now=timezone.now())

    assert (steps(), Instance.objects.get().state) == ([], "running")


def _fail(*arguments, **options):
    raise RuntimeError


def test_many_new_instances_are_noted_in_few_statements(aws, element, django_assert_max_num_queries):
    aws.add_instances(count=1)
    poll(element)
    aws.add_instances(count=1200)

    with django_assert_max_num_queries(150) as queries:
        poll(element)

    inserts = [q for q in queries.captured_queries if q["sql"].startswith('INSERT INTO "elements_change"')]
    assert Change.objects.filter(kind="new").count() == 1200
    assert len(inserts) <= 40  # on a busy machine steps are shorter


def test_a_tag_on_all_instances_reads_and_notes_no_history(aws, element, row, django_assert_max_num_queries):
    row.tags["Name"] = "renamed"

    with django_assert_max_num_queries(60) as queries:
        poll(element)

    assert not [q for q in queries.captured_queries if "elements_change" in q["sql"]]
    assert Instance.objects.get().display_name == "renamed"


def test_history_is_kept_for_its_retention_and_no_longer(element):
    now = timezone.now()
    Element.objects.update(history_retention_days=30)
    for days in (31, 29):
        Change.objects.create(element=element, kind="gap", at=now - timedelta(days=days))

    prune(now)

    assert [(now - change.at).days for change in Change.objects.all()] == [29]


def test_history_outlives_the_action_that_it_names(element, row):
    action = ask(element, "stop")

    action.delete()

    change = Change.objects.first()
    assert (change.action, change.by) == (None, "maria")


def test_another_region_begins_a_history_of_its_own(element, row):
    row.stop()
    poll(element)

    removal.clear(element, timezone.now())
    removal.go_on([element.pk])

    assert steps() == []
