"""Write the scheduled events AWS listed; keep those it no longer lists as cleared."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from elements.domain.history import CLEARED, Difference, EventFacts, event_difference
from elements.domain.rescheduling import is_overdue
from elements.domain.scheduled_events import read_description
from elements.domain.snapshots import ScheduledEventSnapshot, StatusSnapshot
from elements.models import Change, Element, ScheduledEvent
from elements.models.scheduled_events import NOTHING_REQUESTED

_COPIED = ("code", "not_before", "not_after", "not_before_deadline")


def store_scheduled_events(
    element: Element,
    instance_ids: Sequence[str],
    statuses: Iterable[StatusSnapshot],
    *,
    is_unchanged: Callable[[str], bool],
    now: datetime,
) -> list[str]:
    """Write what differs of some instances and return the IDs of those that it concerns.

    With the instances that are unchanged `statuses` make a complete read: an event that is missing is marked cleared.
    Call it inside a transaction, after the instances were stored.
    """
    seen = {(e.instance_id, e.event_id): e for status in statuses for e in status.events}
    rows = element.scheduled_events.filter(instance_id_text__in=instance_ids)
    known = {(row.instance_id_text, row.event_id): row for row in rows}
    instances = _instances(element, instance_ids)
    touched, found, new = list[str](), list[Difference](), list[ScheduledEvent]()
    for key, event in seen.items():
        row = known.get(key)
        found += _differences(event, row, now)
        values = {**_values(event, row, now), **instances.get(event.instance_id, {})}
        if row is None:
            new.append(_new(element, event, values, now))
        if row is None or _save(row, values):
            touched.append(event.instance_id)
    for row in (row for key, row in known.items() if key not in seen and row.cleared_at is None):
        if is_unchanged(row.instance_id_text):
            tie = instances.get(row.instance_id_text, {})
            is_tied_anew = tie.get("instance_id", row.instance_id) != row.instance_id
            if _save(row, tie) and is_tied_anew:
                touched.append(row.instance_id_text)
        else:
            found += _cleared(row, now)
            _save(row, {"cleared_at": now, **NOTHING_REQUESTED})
            touched.append(row.instance_id_text)
    ScheduledEvent.objects.bulk_create(new)
    Change.objects.add(element, found)
    return touched


def _differences(event: ScheduledEventSnapshot, row: ScheduledEvent | None, now: datetime) -> list[Difference]:
    """Return what became of an event; call it before its row is written, which forgets who asked for a move."""
    this = Difference(event.instance_id, "event", now, what=event.code[:60], event_id=event.event_id)
    after = EventFacts(read_description(event.description).stage, event.not_before)
    if row is None:
        before, asked_by = None, ""
    else:
        before = EventFacts(CLEARED if row.ending == "Cleared" else row.stage, row.not_before)
        asked_by = row.requested_by if event.not_before == row.requested_start_at else ""
    found = event_difference(this, before, after, asked_by=asked_by)
    return [found] if found else []


def _cleared(row: ScheduledEvent, now: datetime) -> list[Difference]:
    """Return that AWS no longer lists an event; one that was over before says nothing new by that."""
    this = Difference(row.instance_id_text, "event", now, what=row.code, event_id=row.event_id)
    before, after = EventFacts(row.stage, row.not_before), EventFacts(CLEARED, row.not_before)
    found = event_difference(this, before, after, asked_by="") if row.stage == "scheduled" else None
    return [found] if found else []


def _instances(element: Element, instance_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the columns that tie an event to its instance, by instance ID."""
    rows = element.instances.filter(instance_id__in=instance_ids).values_list("instance_id", "pk", "display_name")
    return {instance_id: {"instance_id": pk, "instance_name": name} for instance_id, pk, name in rows}


def _new(element: Element, event: ScheduledEventSnapshot, values: Mapping[str, Any], now: datetime) -> ScheduledEvent:
    key = {"instance_id_text": event.instance_id, "event_id": event.event_id}
    return ScheduledEvent(element=element, first_seen_at=now, **key, **values)


def _save(row: ScheduledEvent, values: Mapping[str, Any]) -> bool:
    """Save what differs and tell whether anything did."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=changed)
    return bool(changed)


def _values(event: ScheduledEventSnapshot, row: ScheduledEvent | None, now: datetime) -> dict[str, Any]:
    description = read_description(event.description)
    values: dict[str, Any] = {name: getattr(event, name) for name in _COPIED}
    values.update(description=description.text, stage=description.stage, cleared_at=None)
    over = description.stage != "scheduled"
    values["ended_at"] = ((row and row.ended_at) or now) if over else None
    if row is not None and row.requested_at and (over or _answers(event, row, now)):
        values.update(NOTHING_REQUESTED)
    return values


def _answers(event: ScheduledEventSnapshot, row: ScheduledEvent, now: datetime) -> bool:
    """Tell whether AWS shows the start that was asked for, or by now quite another one."""
    if event.not_before == row.requested_start_at:
        return True
    return event.not_before != row.not_before and is_overdue(row.requested_at, now)
