import itertools
import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from elements.domain import strides
from elements.models import Action, Activity, Change, DebugRecord, Element, Instance, InstanceDescription, Poll
from elements.usecases import backlogs, prune, steps
from tests import builders

pytestmark = pytest.mark.django_db

QUIET = {"operation": "DescribeInstances", "caller": "poll", "outcome": "ok"}


@pytest.fixture
def element(aws):
    return builders.element(aws)


def record(element, at):
    return DebugRecord.objects.create(element=element, at=at, **QUIET)


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


@pytest.fixture
def steps_of(monkeypatch):
    """Let every step take so many rows, whatever it costs."""

    def fix(size):
        monkeypatch.setattr(steps, "Stride", lambda **_: strides.Stride(first=size, least=size, most=size))

    return fix


def ticking(steps):
    """Return a clock by which a run has time for about so many steps, each of which looks at it three times."""
    looks = itertools.count()
    return lambda: prune.RUN_S * next(looks) / (3 * steps)


def backlog(rows_of_each, *, since):
    """Store records of elements, the first of each 14 days ago, or so many days as its name is given."""
    now = timezone.now()
    DebugRecord.objects.bulk_create(
        DebugRecord(element=element, at=now - timedelta(days=since.get(element.name, 14), seconds=-number), **QUIET)
        for element, rows in rows_of_each.items()
        for number in range(rows)
    )


def left(element):
    return element.debug_records.count()


def test_much_to_prune_goes_in_steps(element, steps_of):
    steps_of(2)
    now = timezone.now()
    for _ in range(7):
        record(element, now - timedelta(days=30))

    with CaptureQueriesContext(connection) as queries:
        removed = prune.prune(now)

    assert (removed, left(element)) == (7, 0)
    assert len([query for query in queries if query["sql"].startswith("DELETE")]) == 4


def test_an_open_action_is_never_pruned_and_keeps_no_other_from_it(element, steps_of):
    steps_of(1)
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


def test_a_run_ends_in_time_and_the_next_one_goes_on(element, steps_of):
    steps_of(2)
    backlog({element: 9}, since={})

    removed = prune.prune(timezone.now(), clock=ticking(steps=2))
    removed_later = sum(prune.prune(timezone.now(), clock=ticking(steps=2)) for _ in range(9))

    assert 0 < removed < 9
    assert removed + removed_later == 9


def test_a_run_has_time_for_twice_what_1000_elements_write_in_a_minute(aws, steps_of):
    """At the smallest size that steps of a quick machine settle at, and as slow as steps are meant to be."""
    steps_of(200)
    written = 1_000 * 2 * 2
    elements = [builders.element(aws, name=f"E{number}") for number in range(100)]
    backlog(dict.fromkeys(elements, 2 * written // 100), since={})
    looks = itertools.count()

    removed = prune.prune(timezone.now(), clock=lambda: strides.AIM_S * next(looks))

    assert removed == 2 * written
    assert next(looks) * strides.AIM_S < prune.RUN_S


def test_the_most_overdue_goes_first(aws, steps_of, monkeypatch):
    monkeypatch.setattr(prune, "TOGETHER", 1)
    steps_of(3)
    elements = [builders.element(aws, name=name) for name in ("late", "latest", "later")]
    backlog(dict.fromkeys(elements, 3), since={"late": 8, "later": 9, "latest": 10})
    gone = []

    for _ in elements:
        prune.prune(timezone.now(), clock=ticking(steps=1))
        gone += [element.name for element in elements if element.name not in gone and not left(element)]

    assert gone == ["latest", "later", "late"]


def test_a_backlog_of_one_element_keeps_no_other_waiting(aws, steps_of):
    steps_of(100)
    elements = [builders.element(aws, name=f"E{number}") for number in range(50)]
    backlog({element: 2 if number else 1000 for number, element in enumerate(elements)}, since={"E0": 300})

    prune.prune(timezone.now(), clock=ticking(steps=3))

    assert not DebugRecord.objects.exclude(element=elements[0]).exists()
    assert left(elements[0]) > 0


def test_a_backlog_of_one_kind_keeps_no_other_waiting(element, steps_of):
    steps_of(10)
    now = timezone.now()
    backlog({element: 1000}, since={"Frankfurt": 300})
    Session.objects.create(session_key="ended", session_data="x", expire_date=now - timedelta(hours=1))
    Activity.objects.note(by="maria", kind="setting", text="old", now=now - timedelta(days=367))

    prune.prune(now, clock=ticking(steps=8))

    assert (Session.objects.count(), Activity.objects.count()) == (0, 0)
    assert left(element) > 0


@pytest.mark.parametrize("elements", [1, 40])
def test_what_is_to_go_is_found_with_as_few_statements_whatever_the_number_of_elements(aws, elements):
    backlog({builders.element(aws, name=f"E{number}"): 2 for number in range(elements)}, since={})

    with CaptureQueriesContext(connection) as queries:
        prune.prune(timezone.now())

    assert not DebugRecord.objects.exists()
    assert len([query for query in queries if "SELECT" in query["sql"]]) <= 12


def test_pruning_with_nothing_to_prune_writes_nothing(element, django_assert_max_num_queries):
    record(element, timezone.now())
    Poll.objects.update(succeeded_at=timezone.now())

    with django_assert_max_num_queries(8) as queries:
        prune.prune(timezone.now())

    assert not [query for query in queries.captured_queries if not query["sql"].startswith("SELECT")]


def test_of_many_elements_those_are_counted_that_had_many_records_lately(aws, monkeypatch):
    monkeypatch.setattr(backlogs, "EASY", 10)
    busy, idle = (builders.element(aws, name=name, debug_max_rows=100) for name in ("busy", "idle"))
    backlog({idle: 105}, since={"idle": 0})
    monkeypatch.setattr(backlogs, "_LATELY", 105)
    backlog({busy: 105}, since={"busy": 0})

    found = backlogs.by_number(chance=lambda: 0.5)
    found_some_day = backlogs.by_number(chance=lambda: 0.0)

    assert [each.element_id for each in found] == [busy.pk]
    assert {each.element_id for each in found_some_day} == {busy.pk, idle.pk}


def test_with_a_gone_instance_goes_its_description_and_what_names_it_stays(element):
    old = timezone.now() - timedelta(days=8)
    instance = builders.instance(element, "web", gone=True)
    Instance.objects.update(gone_at=old)
    InstanceDescription.objects.create(instance=instance, xml=b"x")
    fields = {"requested_by": "maria", "requested_at": old, "expires_at": old, "settled_at": old, "verb": "stop"}
    action = element.actions.create(
        **fields, batch=uuid.uuid4(), instance_id_text="i-1", status="confirmed", instance=instance
    )
    event = element.scheduled_events.create(
        instance_id_text="i-1", event_id="e", code="instance-reboot", first_seen_at=old, instance=instance
    )

    prune.prune(timezone.now())

    action.refresh_from_db()
    event.refresh_from_db()
    assert (Instance.objects.count(), InstanceDescription.objects.count()) == (0, 0)
    assert (action.instance, event.instance) == (None, None)


def test_an_instance_that_came_back_meanwhile_stays(element):
    instance = builders.instance(element, "web")

    prune._remove_instances([instance.pk])

    assert Instance.objects.count() == 1


def test_history_outlives_the_action_that_it_tells_of(element):
    now, old = timezone.now(), timezone.now() - timedelta(days=91)
    fields = {"requested_by": "maria", "requested_at": old, "expires_at": old, "settled_at": old, "verb": "stop"}
    action = element.actions.create(**fields, batch=uuid.uuid4(), instance_id_text="i-1", status="confirmed")
    change = Change.objects.create(element=element, kind="state", at=now, action=action)

    prune.prune(now)

    change.refresh_from_db()
    assert (change.action, Action.objects.count()) == (None, 0)
