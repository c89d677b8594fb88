"""Write the scheduled events AWS listed; keep those it no longer lists as cleared."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from elements.domain.scheduled_events import read_description
from elements.domain.snapshots import ScheduledEventSnapshot, StatusSnapshot
from elements.models import Element, ScheduledEvent

_COPIED = ("code", "not_before", "not_after", "not_before_deadline")


def store_scheduled_events(element: Element, statuses: Iterable[StatusSnapshot], *, now: datetime) -> list[str]:
    """Write what differs and return the instance IDs concerned.

    `statuses` must be a complete read: an event that is missing is marked cleared. Call it inside a
    transaction, after the instances were stored.
    """
    seen = {(e.instance_id, e.event_id): e for status in statuses for e in status.events}
    known = {(row.instance_id_text, row.event_id): row for row in element.scheduled_events.all()}
    if not seen and not known:
        return []
    touched = [instance_id for key in seen if (instance_id := _store(element, seen[key], known.get(key), now))]
    for key, row in known.items():
        if key not in seen and row.cleared_at is None:
            row.cleared_at = now
            row.save(update_fields=["cleared_at"])
            touched.append(row.instance_id_text)
    return touched


def _store(element: Element, event: ScheduledEventSnapshot, row: ScheduledEvent | None, now: datetime) -> str:
    values = _values(event, row, now)
    instance = None
    if row is None or row.instance_id is None:
        instance = element.instances.filter(instance_id=event.instance_id).only("id", "display_name").first()
    if instance is not None:
        values["instance_id"], values["instance_name"] = instance.pk, instance.display_name
    if row is None:
        ScheduledEvent.objects.create(
            element=element,
            instance_id_text=event.instance_id,
            event_id=event.event_id,
            first_seen_at=now,
            **values,
        )
        return event.instance_id
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    if not changed:
        return ""
    for name in changed:
        setattr(row, name, values[name])
    row.save(update_fields=changed)
    return event.instance_id


def _values(event: ScheduledEventSnapshot, row: ScheduledEvent | None, now: datetime) -> dict[str, Any]:
    description = read_description(event.description)
    values: dict[str, Any] = {name: getattr(event, name) for name in _COPIED}
    values.update(description=description.text, stage=description.stage, cleared_at=None)
    over = description.stage != "scheduled"
    values["ended_at"] = ((row and row.ended_at) or now) if over else None
    if row is not None and row.requested_start_at and row.requested_start_at == event.not_before:
        values["requested_start_at"] = None
    return values
