import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from elements.models import Action, Activity, DebugRecord, Element, Instance, Poll
from elements.usecases import prune
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def element(aws):
    return builders.element(aws)


def record(element, at):
    return DebugRecord.objects.create(
        element=element, at=at, operation="DescribeInstances", caller="poll", outcome="ok"
    )


def test_gone_instances_are_kept_for_their_retention_and_no_longer(element):
    now = timezone.now()
    for n, days in enumerate((6, 8)):
        Instance.objects.create(
            element=element,
            instance_id=f"i-{n}",
            state="stopped",
            first_seen_at=now,
            observed_at=now,
            gone_at=now - timedelta(days=days),
        )

    prune.prune(now)

    assert [instance.instance_id for instance in Instance.objects.all()] == ["i-0"]


def test_debug_records_are_kept_by_age(element):
    now = timezone.now()
    kept = record(element, now - timedelta(days=6))
    record(element, now - timedelta(days=8))

    prune.prune(now)

    assert list(DebugRecord.objects.all()) == [kept]


def test_debug_records_are_kept_by_number(element):
    element.debug_max_rows = 3
    element.save()
    now = timezone.now()
    rows = [record(element, now) for _ in range(5)]

    prune.prune(now)

    assert set(DebugRecord.objects.all()) == set(rows[2:])


def test_much_to_prune_goes_in_steps(element, monkeypatch):
    monkeypatch.setattr(prune, "STEP", 2)
    now = timezone.now()
    for _ in range(7):
        record(element, now - timedelta(days=30))

    prune.prune(now)

    assert not DebugRecord.objects.exists()


def test_an_open_action_is_never_pruned_and_keeps_no_other_from_it(element, monkeypatch):
    monkeypatch.setattr(prune, "STEP", 1)
    old = timezone.now() - timedelta(days=400)
    fields = {
        "element": element,
        "verb": "stop",
        "requested_by": "maria",
        "requested_at": old,
        "expires_at": old,
    }
    Action.objects.create(**fields, batch=uuid.uuid4(), instance_id_text="i-1", status="accepted")
    Action.objects.create(**fields, batch=uuid.uuid4(), instance_id_text="i-2", status="confirmed", settled_at=old)

    prune.prune(timezone.now())

    assert [action.instance_id_text for action in Action.objects.all()] == ["i-1"]


@pytest.mark.parametrize(("kept", "left"), [(0, 0), (1, 1), (5, 5), (6, 5), (50_000, 5)])
def test_exactly_so_many_debug_records_are_kept(element, kept, left):
    Element.objects.filter(pk=element.pk).update(debug_max_rows=kept)
    rows = [record(element, timezone.now()).pk for _ in range(5)]

    prune.prune(timezone.now())

    assert list(element.debug_records.newest().values_list("pk", flat=True)) == rows[::-1][:left]


def test_each_element_is_pruned_by_its_own_numbers(aws):
    now = timezone.now()
    few, many = builders.element(aws, debug_max_rows=1), builders.element(aws, name="Ireland", debug_max_rows=9)
    for _ in range(3):
        record(few, now)
        record(many, now)

    prune.prune(now)

    assert (few.debug_records.count(), many.debug_records.count()) == (1, 3)


def test_ended_scheduled_events_are_kept_for_their_retention_and_no_longer(element):
    now = timezone.now()
    for event_id, days in (("kept", 29), ("old", 31), ("listed", None)):
        element.scheduled_events.create(
            instance_id_text="i-1",
            event_id=event_id,
            code="instance-reboot",
            first_seen_at=now,
            cleared_at=None if days is None else now - timedelta(days=days),
        )

    prune.prune(now)

    assert set(element.scheduled_events.values_list("event_id", flat=True)) == {"kept", "listed"}


def test_settled_actions_are_kept_for_90_days_and_activity_for_a_year(element):
    now = timezone.now()
    for days in (89, 91):
        at = now - timedelta(days=days)
        fields = {"requested_by": "maria", "requested_at": at, "expires_at": at, "settled_at": at, "verb": "stop"}
        element.actions.create(**fields, batch=uuid.uuid4(), instance_id_text=f"i-{days}", status="confirmed")
    for days in (365, 367):
        Activity.objects.note(by="maria", kind="setting", text=str(days), now=now - timedelta(days=days))

    prune.prune(now)

    assert [action.instance_id_text for action in Action.objects.all()] == ["i-89"]
    assert [entry.text for entry in Activity.objects.all()] == ["365"]


def test_sessions_that_have_ended_are_removed(db):
    now = timezone.now()
    for key, hours in (("ended", -1), ("valid", 1)):
        Session.objects.create(session_key=key, session_data="x", expire_date=now + timedelta(hours=hours))

    prune.prune(now)

    assert [session.session_key for session in Session.objects.all()] == ["valid"]


def test_a_run_ends_in_time_and_the_next_one_goes_on(element, monkeypatch):
    monkeypatch.setattr(prune, "STEP", 2)
    now = timezone.now()
    for _ in range(9):
        record(element, now - timedelta(days=30))
    seconds = iter(range(1000))

    prune.prune(now, clock=lambda: next(seconds) * prune.RUN_S / 4)
    left = DebugRecord.objects.count()
    for _ in range(40):
        prune.prune(now, clock=lambda: next(seconds) * prune.RUN_S / 4)

    assert left > 0
    assert DebugRecord.objects.count() == 0


def test_a_backlog_of_one_element_keeps_no_other_waiting(aws, monkeypatch):
    monkeypatch.setattr(prune, "STEP", 5)
    now = timezone.now()
    elements = [builders.element(aws, name=f"E{number}") for number in range(50)]
    old = now - timedelta(days=30)
    DebugRecord.objects.bulk_create(
        DebugRecord(element=row, at=old, operation="DescribeInstances", caller="poll", outcome="ok")
        for row in elements
        for _ in range(1000 if row is elements[0] else 2)
    )
    steps = iter(range(10_000))

    prune.prune(now, clock=lambda: prune.RUN_S * next(steps) / 270)

    assert not DebugRecord.objects.exclude(element=elements[0]).exists()
    assert DebugRecord.objects.filter(element=elements[0]).exists()


def test_pruning_with_nothing_to_prune_writes_nothing(element, django_assert_max_num_queries):
    record(element, timezone.now())
    Poll.objects.update(succeeded_at=timezone.now())

    with django_assert_max_num_queries(12) as queries:
        prune.prune(timezone.now())

    assert not [query for query in queries.captured_queries if not query["sql"].startswith("SELECT")]
