"""Write what AWS showed: only rows that changed, in the caller's transaction."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q

from elements.aws.descriptions import description
from elements.domain.changes import Changes, Known, compare
from elements.domain.history import unchecked
from elements.domain.instance_rows import UNCHECKED_RANK, instance_values, naming_values, state_since, status_values
from elements.domain.instance_states import CHANGING
from elements.domain.naming import DEFAULT_FORMAT, InvalidFormat, NamingFormat, make_unique, parse
from elements.domain.snapshots import InstanceSnapshot, StatusSnapshot
from elements.models import Action, Change, Element, Instance, Poll, ScheduledEvent
from elements.models.instances import CHECKS
from elements.usecases.note_changes import IDS_AT_ONCE, note_changes

log = logging.getLogger(__name__)

BATCH = 250
# How long a read may still show the state from before an accepted request (EC2 is eventually consistent).
HOLD = timedelta(seconds=60)
# A row written without a whole read is no longer what its digest says: the next read must compare it anew.
STALE = ""
_FIXED = {"id", "element", "instance_id", "first_seen_at", "protected_seen_at", "spot_type"}
_STATUS_COLUMNS = frozenset(status_values(None))
_COLUMNS = [field.name for field in Instance._meta.concrete_fields if field.name not in _FIXED]


@dataclass(frozen=True, slots=True)
class Named:
    """Display names by instance ID, and which of them had to be made unique."""

    names: Mapping[str, str]
    shared: frozenset[str]


def name_all(element: Element, snapshots: Sequence[InstanceSnapshot]) -> Named:
    """Give every instance its display name by the element's naming format."""
    naming_format = _format_of(element)
    plain = {
        snapshot.instance_id: naming_format.render(naming_values(snapshot, element.region), snapshot.tags).text
        for snapshot in snapshots
    }
    unique, _ = make_unique(plain)
    return Named(unique, frozenset(key for key, name in plain.items() if unique[key] != name))


def _format_of(element: Element) -> NamingFormat:
    """Return the element's format; one written past the form, so that it cannot be read, stops no poll."""
    try:
        return parse(element.naming_format)
    except InvalidFormat:
        log.warning("the naming format of element %s cannot be read; the default one is used", element.pk)
        return parse(DEFAULT_FORMAT)


def store_instances(
    element: Element,
    snapshots: Sequence[InstanceSnapshot],
    statuses: Mapping[str, StatusSnapshot] | None,
    *,
    read_at: datetime,
    now: datetime,
    names: Named,
    complete: bool,
) -> Changes:
    """Write the rows that differ and return what changed.

    `statuses` None leaves the status columns as they are. Call it inside a transaction: rows are compared
    with what it sees there, so that a result written meanwhile is not overwritten by old news.
    """
    hold(element)
    known, held = _known(element), _held_states(element, now)
    seen: dict[str, dict[str, Any]] = {}
    for snapshot in snapshots:
        snapshot = _without_lag(snapshot, held, known)
        name = names.names[snapshot.instance_id]
        snapshot = replace(snapshot, details=description(snapshot.description))
        values = instance_values(snapshot, name, shared=snapshot.instance_id in names.shared)
        if statuses is not None:
            values.update(status_values(statuses.get(snapshot.instance_id)))
        values["state_since_at"] = _since(snapshot, known.get(snapshot.instance_id), read_at)
        seen[snapshot.instance_id] = values
    changes = compare(known, seen, read_at=read_at, complete=complete)
    if changes:
        note_changes(element, known, seen, changes, read_at=read_at, now=now)
        revision = Poll.objects.next_revision(element.pk)
        _upsert(element, seen, changes, with_status=statuses is not None, read_at=read_at, revision=revision)
        _update(element, changes.removed, gone_at=now, observed_at=read_at, revision=revision)
        Poll.objects.filter(element=element).update(counts=count(element))
    return changes


def hold(element: Element) -> None:
    """Let nobody else write the element's rows until the end of the transaction; comes first in it.

    On PostgreSQL what is read afterwards stays true, and two writers wait for each other instead of a deadlock.
    SQLite's transactions do so anyway.
    """
    Poll.objects.select_for_update().filter(element=element).values_list("pk", flat=True).first()


def touch(element: Element, instance_ids: Sequence[str]) -> None:
    """Mark rows as changed, because something shown in them did, so that open pages fetch them."""
    _update(element, instance_ids, revision=Poll.objects.next_revision(element.pk))


def drop_checks(element: Element, instance_ids: Sequence[str], now: datetime) -> bool:
    """Forget the status checks of instances that no longer run, which AWS does not check; tell whether any had one.

    They would stay green, or red, until the next poll.
    """
    idle = element.instances.filter(instance_id__in=instance_ids, checks_rank__lt=UNCHECKED_RANK)
    idle = idle.exclude(state__in=("running", "pending"))
    failing = idle.failing().order_by("pk").values_list("instance_id", *CHECKS)
    Change.objects.add(element, [each for row in failing for each in unchecked(row[0], row[1:], now)])
    return bool(idle.update(**{**status_values(None), "status_digest": STALE}))


def count(element: Element) -> dict[str, Any]:
    """Count the element's instances and scheduled events for the side list and the Overview."""
    listed = Q(gone_at__isnull=True)
    counts: dict[str, Any] = element.instances.aggregate(
        total=Count("pk", filter=listed),
        running=Count("pk", filter=listed & Q(state="running")),
        stopped=Count("pk", filter=listed & Q(state="stopped")),
        changing=Count("pk", filter=listed & Q(state__in=CHANGING)),
        failing=Count("pk", filter=listed & Q(checks_rank=0)),
        gone=Count("pk", filter=~listed),
    )
    events = ScheduledEvent.objects.filter(element=element).active().order_by("not_before")
    first = events.filter(not_before__isnull=False).first()
    counts["events"] = events.count()
    counts["next_event_at"] = first.not_before.isoformat() if first and first.not_before else None
    counts["next_event_code"] = first.code if first else ""
    return counts


def _update(element: Element, instance_ids: Iterable[str], **values: Any) -> None:
    """Set columns of any number of instances; a statement of SQLite holds a limited number of values."""
    ids = list(instance_ids)
    for start in range(0, len(ids), IDS_AT_ONCE):
        element.instances.filter(instance_id__in=ids[start : start + IDS_AT_ONCE]).update(**values)


def _known(element: Element) -> dict[str, Known]:
    rows = element.instances.order_by().values_list(
        "instance_id", "digest", "status_digest", "state", "state_since_at", "observed_at", "gone_at"
    )
    return {row[0]: Known(*row[1:6], is_gone=row[6] is not None) for row in rows.iterator(chunk_size=2000)}


def _held_states(element: Element, now: datetime) -> dict[str, str]:
    """Return the states that reads may wrongly still show, by instance ID, for requests AWS took just now."""
    recent = element.actions.awaiting_outcome().filter(answered_at__gte=now - HOLD).exclude(verb="reboot")
    return dict(recent.values_list("instance_id_text", "state_before"))


def _without_lag(snapshot: InstanceSnapshot, held: Mapping[str, str], known: Mapping[str, Known]) -> InstanceSnapshot:
    row = known.get(snapshot.instance_id)
    if row is not None and held.get(snapshot.instance_id) == snapshot.state != row.state:
        return replace(snapshot, state=row.state)
    return snapshot


def _since(snapshot: InstanceSnapshot, row: Known | None, read_at: datetime) -> datetime | None:
    if row is not None and row.state == snapshot.state:
        return row.state_since_at
    return state_since(snapshot) or (read_at if row is not None else None)


def _upsert(
    element: Element,
    seen: Mapping[str, Mapping[str, Any]],
    changes: Changes,
    *,
    with_status: bool,
    read_at: datetime,
    revision: int,
) -> None:
    rows = [
        Instance(
            element=element,
            first_seen_at=read_at,
            observed_at=read_at,
            gone_at=None,
            revision=revision,
            **seen[instance_id],
        )
        for instance_id in sorted(changes.added | changes.changed)
    ]
    columns = [column for column in _COLUMNS if with_status or column not in _STATUS_COLUMNS]
    Instance.objects.bulk_create(
        rows,
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=["element", "instance_id"],
        update_fields=columns,
    )


def open_actions(element: Element, instance_ids: Sequence[str]) -> dict[str, Action]:
    """Return the open action of each instance that has one."""
    found = element.actions.open().filter(instance_id_text__in=instance_ids)
    return {action.instance_id_text: action for action in found}
