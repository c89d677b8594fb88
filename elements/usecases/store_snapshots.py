"""Write what AWS showed: only rows that changed, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count

from elements.aws.descriptions import description
from elements.domain.changes import Changes, Known, Name, differs
from elements.domain.history import unchecked
from elements.domain.instance_rows import (
    CHECK_RANKS,
    UNCHECKED_RANK,
    instance_values,
    name_values,
    state_since,
    status_values,
)
from elements.domain.instance_states import CHANGING
from elements.domain.snapshots import InstanceSnapshot, StatusSnapshot
from elements.models import Action, Change, Element, InstanceDescription, Poll
from elements.models.instance_writes import add_instances, change_instances, describe_instances
from elements.models.instances import CHECKS
from elements.usecases.note_changes import IDS_AT_ONCE, note_changes, note_missing

# How long a read may still show the state from before an accepted request (EC2 is eventually consistent).
HOLD = timedelta(seconds=60)
# A row written without a whole read is no longer what its digests say: the next read must look at it anew.
STALE: Mapping[str, Any] = {"digest": "", "raw_digest": b""}
_STALE_STATUS: Mapping[str, Any] = {"status_digest": "", "status_raw_digest": b""}
_RAW = ("raw_digest", "status_raw_digest")
_UNKNOWN: Mapping[str, Any] = dict.fromkeys(_RAW, b"")
# Clocks of hosts differ by a few seconds.
CLOCKS_DIFFER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a read says about an instance.

    Without a snapshot the instance was not looked at, unless `is_checked` its checks were not; then `status` None says
    that it has none. Without a name it keeps the one it has.
    """

    instance_id: str
    snapshot: InstanceSnapshot | None = None
    status: StatusSnapshot | None = None
    is_checked: bool = False
    name: Name | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When a read began and when it is stored; `last_read_at` is that of the read before, None for the first."""

    read_at: datetime
    now: datetime
    last_read_at: datetime | None = None

    @property
    def latest(self) -> datetime:
        """Return until when a row can have been observed; a later moment is one of a clock that was wrong."""
        return self.now + CLOCKS_DIFFER


def made_columns(seen: Iterable[Seen]) -> dict[str, dict[str, Any]]:
    """Return the columns that hold what was seen of instances, by ID.

    Nothing stored counts in them, so that they can be made before the transaction that writes them: it is over sooner.
    """
    return {each.instance_id: _made(each, each.snapshot) for each in seen if each.snapshot}


def store_rows(
    element: Element, seen: Sequence[Seen], moment: Moment, made: Mapping[str, Mapping[str, Any]] | None = None
) -> Changes:
    """Write the rows that differ and return how many did; `made` are their columns if they were made before.

    Call it inside a transaction, after `hold`: rows are compared with what it sees there, so that a result written
    meanwhile is not overwritten by old news. Nobody but the element's poll adds rows.
    """
    made = made_columns(seen) if made is None else made
    known, held = _known(element, [each.instance_id for each in seen]), _held_states(element, moment.read_at)
    rows = {
        each.instance_id: values
        for each in seen
        if (values := _values(each, made, known.get(each.instance_id), held, moment))
    }
    described = _described(element, seen, known, rows)
    added = {key: row for key, row in rows.items() if key not in known}
    changed = {key: row for key, row in rows.items() if key in known and (differs(known[key], row) or key in described)}
    read_again = [_raw(known[key], row) for key, row in rows.items() if key in known and key not in changed]
    change_instances(element.pk, [row for row in read_again if len(row) > 1])
    if added or changed:
        _write(element, known, added, changed, moment)
        describe_instances(element.pk, described)
    return Changes(len(added), len(changed))


def mark_gone(element: Element, instance_ids: Sequence[str], moment: Moment) -> Changes:
    """Mark instances that a complete read did not show; old news loses. Call it inside a transaction, after `hold`."""
    lost = element.instances.listed().filter(instance_id__in=instance_ids)
    lost = lost.exclude(observed_at__gt=moment.read_at, observed_at__lte=moment.latest)
    states = dict(lost.order_by("instance_id").values_list("instance_id", "state"))
    if states:
        note_missing(element, states, moment.now)
        revision = Poll.objects.next_revision(element.pk)
        _update(element, states, gone_at=moment.now, observed_at=moment.read_at, revision=revision, **_UNKNOWN)
    return Changes(gone=len(states))


def hold(element: Element) -> bool:
    """Let nobody else write the element's rows until the end of the transaction; comes first in it.

    On PostgreSQL what is read afterwards stays true, and two writers wait for each other instead of a deadlock.
    SQLite's transactions do so anyway. False when the element is gone, or its rows are on their way out.
    """
    Poll.objects.select_for_update().filter(element=element).values_list("pk", flat=True).first()
    return Element.objects.filter(pk=element.pk, cleared_at__isnull=True).exists()


def touch(element: Element, instance_ids: Sequence[str]) -> None:
    """Mark rows as changed, because something shown in them did, so that open pages fetch them."""
    _update(element, instance_ids, revision=Poll.objects.next_revision(element.pk))


def drop_checks(element: Element, instance_ids: Sequence[str], now: datetime) -> bool:
    """Forget the status checks of instances that no longer run, which AWS does not check; tell whether any had one.

    They would stay green, or red, until the next poll.
    """
    idle = element.instances.filter(instance_id__in=instance_ids, checks_rank__lt=UNCHECKED_RANK)
    idle = idle.exclude(state__in=("running", "pending"))
    checked = list(idle.order_by("pk").values_list("instance_id", "checks_rank", *CHECKS))
    if not checked:
        return False
    failing = [row for row in checked if row[1] == CHECK_RANKS["impaired"]]
    Change.objects.add(element, [each for row in failing for each in unchecked(row[0], row[2:], now)])
    written = {**status_values(None), **_STALE_STATUS, "revision": Poll.objects.next_revision(element.pk)}
    _update(element, [row[0] for row in checked], **written)
    return True


def count(element: Element) -> dict[str, Any]:
    """Count the element's instances and scheduled events for the side list and the Overview.

    Each of the queries is answered by an index, however many instances there are.
    """
    listed = element.instances.listed().order_by()
    states = dict(listed.values_list("state").annotate(Count("pk")))
    events = element.scheduled_events.active().order_by("not_before")
    first = events.filter(not_before__isnull=False).first()
    return {
        "total": sum(states.values()),
        "running": states.get("running", 0),
        "stopped": states.get("stopped", 0),
        "changing": sum(states.get(state, 0) for state in CHANGING),
        "failing": listed.failing().count(),
        "gone": element.instances.gone().count(),
        "untyped_spots": element.instances.untyped_spots().count(),
        "events": events.count(),
        "with_events": events.instances_met(),
        "announced": element.scheduled_events.filter(cleared_at__isnull=True).count(),
        "next_event_at": first.not_before.isoformat() if first and first.not_before else None,
        "next_event_code": first.code if first else "",
    }


def open_actions(element: Element, instance_ids: Sequence[str]) -> dict[str, Action]:
    """Return the open action of each instance that has one."""
    found = element.actions.open().filter(instance_id_text__in=instance_ids)
    return {action.instance_id_text: action for action in found}


def _made(seen: Seen, snapshot: InstanceSnapshot) -> dict[str, Any]:
    return instance_values(snapshot, seen.name or Name(seen.instance_id, seen.instance_id))


def _values(
    seen: Seen, made: Mapping[str, Mapping[str, Any]], row: Known | None, held: Mapping[str, str], moment: Moment
) -> dict[str, Any]:
    """Return the columns that a read says something about; none for what is not held and was not looked at."""
    if row is not None and moment.read_at < row.observed_at <= moment.latest:
        seen = replace(seen, snapshot=None, is_checked=False)
    if seen.snapshot is None and (row is None or row.is_gone):
        return {}
    values: dict[str, Any] = {"instance_id": seen.instance_id}
    if seen.snapshot is not None:
        snapshot = _without_lag(seen.snapshot, held, row)
        values |= made[seen.instance_id] if snapshot is seen.snapshot else _made(seen, snapshot)
        if seen.name is None and row is not None:
            values |= name_values(row.name, values["search"])
        values["state_since_at"] = _since(snapshot, row, moment.read_at)
    elif row is not None and seen.name is not None and seen.name != row.name:
        values |= name_values(seen.name, row.search)
    if seen.is_checked or row is None:
        values |= status_values(seen.status)
    return values if len(values) > 1 else {}


def _described(
    element: Element, seen: Sequence[Seen], known: Mapping[str, Known], rows: Mapping[str, Mapping[str, Any]]
) -> dict[str, bytes]:
    """Return the descriptions that say something else than those held."""
    sent = {
        each.instance_id: each.snapshot.description
        for each in seen
        if each.snapshot and each.snapshot.description and "digest" in rows.get(each.instance_id, ())
    }
    alike = [key for key in sent if key in known and known[key].digest == rows[key]["digest"]]
    found = InstanceDescription.objects.filter(instance__element=element, instance__instance_id__in=alike)
    held = dict(found.values_list("instance__instance_id", "xml")) if alike else {}
    same = {key for key in alike if _say_the_same(bytes(held.get(key, b"")), sent[key])}
    return {key: xml for key, xml in sent.items() if key not in same}


def _say_the_same(held: bytes, sent: bytes) -> bool:
    """Compare descriptions whatever the order of their lists; AWS promises none."""
    return held == sent or (bool(held) and description(held) == description(sent))


def _write(
    element: Element,
    known: Mapping[str, Known],
    added: Mapping[str, dict[str, Any]],
    changed: Mapping[str, dict[str, Any]],
    moment: Moment,
) -> None:
    note_changes(element, known, added, changed, read_at=moment.read_at, last_read_at=moment.last_read_at)
    written = {"revision": Poll.objects.next_revision(element.pk), "gone_at": None, "observed_at": moment.read_at}
    add_instances(element.pk, list(added.values()), **written, first_seen_at=moment.read_at)
    change_instances(element.pk, [{**row, **_written(row, written)} for row in changed.values()])


def _written(row: Mapping[str, Any], written: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what to note of a write; a new name alone says nothing about when AWS was seen."""
    if "digest" in row or "status_digest" in row:
        return written
    return {"revision": written["revision"]}


def _raw(row: Known, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the raw digests of what was read for nothing, so that it is not the next time: AWS changed an order."""
    new = {name: values[name] for name in _RAW if name in values and values[name] != getattr(row, name)}
    return {"instance_id": values["instance_id"], **new}


def _update(element: Element, instance_ids: Iterable[str], **values: Any) -> None:
    """Set columns of any number of instances; a statement of SQLite holds a limited number of values."""
    ids = list(instance_ids)
    for start in range(0, len(ids), IDS_AT_ONCE):
        element.instances.filter(instance_id__in=ids[start : start + IDS_AT_ONCE]).update(**values)


def _known(element: Element, instance_ids: Sequence[str]) -> dict[str, Known]:
    rows = element.instances.filter(instance_id__in=instance_ids).order_by()
    columns = ("state", "state_since_at", "observed_at", "search", "digest", "status_digest")
    return {
        row[0]: Known(Name(row[1], row[2] or row[1]), row[3] is not None, bytes(row[4]), bytes(row[5]), *row[6:])
        for row in rows.values_list("instance_id", "display_name", "plain_name", "gone_at", *_RAW, *columns)
    }


def _held_states(element: Element, read_at: datetime) -> dict[str, str]:
    """Return the states that a read may wrongly still show, by instance ID, for requests AWS took just before it."""
    recent = element.actions.awaiting_outcome().filter(answered_at__gte=read_at - HOLD).exclude(verb="reboot")
    return dict(recent.values_list("instance_id_text", "state_before"))


def _without_lag(snapshot: InstanceSnapshot, held: Mapping[str, str], row: Known | None) -> InstanceSnapshot:
    """Keep the state that AWS answered while it may still show the one before; what it shows is read anew then."""
    if row is not None and held.get(snapshot.instance_id) == snapshot.state != row.state:
        return replace(snapshot, state=row.state, raw_digest=b"")
    return snapshot


def _since(snapshot: InstanceSnapshot, row: Known | None, read_at: datetime) -> datetime | None:
    if row is not None and row.state == snapshot.state:
        return row.state_since_at
    return state_since(snapshot) or (read_at if row is not None else None)
