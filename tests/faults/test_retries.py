"""What a poll gets over by itself, how often it asks meanwhile, and polls that take longer than their interval."""

import threading
from collections.abc import Sequence

import pytest
from django.db import connection
from django.utils import timezone

from elements.domain.connections import CONNECTED, LATE
from elements.models import Instance, Poll, ScheduledEvent
from elements.usecases.run_polls import claim_batches
from tests.faults.scene import LATE_S, Scene, pass_time

pytestmark = pytest.mark.django_db

LISTING, STATUS = "DescribeInstances", "DescribeInstanceStatus"
# Kind, operation, how it strikes, and how many requests it costs more.
PASSING: Sequence[tuple[str, str, dict, int]] = [
    ("internal", LISTING, {"times": 2}, 2),
    ("unavailable", STATUS, {"times": 2}, 2),
    ("reset", LISTING, {"times": 2}, 2),
    ("short", LISTING, {"times": 2}, 2),
    ("short", STATUS, {"times": 2}, 2),
    ("expired-token", LISTING, {"times": 1, "page": 2}, 2),
    ("expired-token", STATUS, {"times": 1, "page": 3}, 3),
    ("empty-page", LISTING, {"times": 2}, 2),
    ("empty-page", STATUS, {"times": 1, "page": 2}, 1),
    ("omit", LISTING, {"page": 1}, 4),
    ("omit", STATUS, {"page": 1}, 4),
]


@pytest.mark.parametrize(("kind", "action", "how", "more"), PASSING, ids=lambda value: str(value))
def test_a_passing_fault_costs_a_few_requests_and_nobody_notices(scene, kind, action, how, more):
    before = scene.rows()
    scene.aws.set(page_size=2)
    scene.aws.fault(kind, action, **how)
    asked = len(scene.aws.journal())

    _, report = scene.next_poll()

    assert (report.ok, report.changed, report.gone, scene.connection) == (True, 0, 0, CONNECTED)
    assert len(scene.aws.journal()) - asked <= 6 + more
    assert scene.rows() == before
    scene.all_is_well()


def test_each_second_request_throttled_still_gives_whole_polls_within_the_budget(scene, brisk):
    before = scene.rows()
    scene.aws.fault("throttle", every=2)
    asked = len(scene.aws.journal())

    reports = [scene.next_poll()[1] for _ in range(5)]

    assert all(report.ok for report in reports)
    assert len(scene.aws.journal()) - asked <= 5 * 6
    assert scene.connection is LATE
    assert "AWS throttles requests of account" in scene.banner()
    assert scene.rows() == before
    assert all(0 <= wait <= 20 for wait in brisk)
    assert len(set(brisk)) > 1  # spread, so that elements do not ask again together
    scene.aws.clear_faults()
    assert scene.recover() <= 400
    scene.all_is_well()


def test_at_random_half_of_the_requests_throttled_no_row_is_lost_and_no_poll_stops(scene):
    before = scene.rows()
    scene.aws.fault("throttle", chance=0.5)

    for _ in range(12):
        asked = len(scene.aws.journal())
        scene.next_poll()
        assert len(scene.aws.journal()) - asked <= 6
        assert scene.rows() == before
        assert scene.due_in_s <= 300
    scene.aws.clear_faults()

    assert scene.recover() <= 600
    scene.all_is_well()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_poll_that_takes_longer_than_its_interval_is_not_stacked_and_says_so(scene: Scene):
    slow = scene.aws.fault("slow", LISTING, seconds=3)
    pass_time(31)
    running = threading.Thread(target=lambda: (scene.poll(), connection.close()))
    running.start()
    while not slow.hits:
        threading.Event().wait(0.01)
    claimed = []
    for _ in range(3):
        Poll.objects.update(due_at=timezone.now())
        claimed += claim_batches(timezone.now())
    running.join()

    Poll.objects.update(duration_ms=45_000)
    pass_time(31 + LATE_S)

    assert claimed == []
    assert len(scene.aws.journal(LISTING)) == 2
    assert "A poll takes 45.0 s, longer than the interval of 30 s." in scene.banner()
    assert [batch.element_ids for batch in claim_batches(timezone.now())] == [[scene.pk]]


def test_an_event_that_is_moved_completed_or_withdrawn_is_kept_as_such(scene, ledger):
    handle = scene.aws.instance(scene.ids[0])
    handle.schedule_event("instance-stop")
    scene.next_poll()
    moved, stays = handle.events
    scene.aws.world.move_event(moved, stays.not_before)
    stays.complete()
    scene.next_poll()
    page, shown = scene.page("events"), ScheduledEvent.objects.get(event_id=moved.event_id).not_before
    withdrawn = handle.events.pop(0)
    scene.next_poll()

    assert "Completed" in page
    assert shown == stays.not_before
    assert ScheduledEvent.objects.get(event_id=withdrawn.event_id).cleared_at is not None
    assert "Cleared" in scene.page("events")
    assert Instance.objects.gone().count() == 0
    ledger.fault("an event that changes", 3)
