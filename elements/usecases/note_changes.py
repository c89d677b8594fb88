"""Write down what changed, in the transaction that changes it, with the request that explains it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from elements.domain.actions import GIVE_UP
from elements.domain.changes import Known
from elements.domain.history import (
    SLACK,
    Before,
    Difference,
    Request,
    attributed,
    differences,
    gap,
    missing,
    newcomer,
)
from elements.domain.instance_states import VERBS
from elements.models import Action, Change, Element
from elements.models.instances import CHECKS

IDS_AT_ONCE = 5000


def note_changes(
    element: Element,
    known: Mapping[str, Known],
    added: Mapping[str, Mapping[str, Any]],
    changed: Mapping[str, Mapping[str, Any]],
    *,
    read_at: datetime,
    last_read_at: datetime | None,
) -> None:
    """Note which rows a read shows to be new and different; call it before they are written.

    The first read of an element is the beginning of its history, so nothing in it is new.
    """
    found = list[Difference]()
    if last_read_at is not None:
        found += [newcomer(row, last_read_at=last_read_at, read_at=read_at) for _, row in sorted(added.items())]
    told = [each for each in sorted(changed) if _may_tell(known[each], changed[each])]
    for instance_id, before in _held(element, told):
        found += differences(before, {"state": before.state, **changed[instance_id]}, read_at)
    Change.objects.add(element, attributed(found, _requests(element, found)))


def note_missing(element: Element, states: Mapping[str, str], now: datetime) -> None:
    """Note that AWS no longer lists instances, by ID with the state held; call it before they are marked."""
    Change.objects.add(element, [missing(instance_id, state, now) for instance_id, state in states.items()])


def note_accepted(element: Element, actions: Sequence[Action], state: str, now: datetime) -> None:
    """Note that AWS's answer to actions names another state than the one held; call it before that is written."""
    asked = {action.instance_id_text: action for action in actions}
    rows = element.instances.filter(instance_id__in=asked).exclude(state=state).order_by("pk")
    found = [
        Difference(
            instance_id, "state", now, held, state, action_pk=asked[instance_id].pk, by=asked[instance_id].requested_by
        )
        for instance_id, held in rows.values_list("instance_id", "state")
    ]
    Change.objects.add(element, found)


def note_gap(element: Element, last_read_at: datetime | None, read_at: datetime) -> None:
    """Note the time since the last good read when it was too long to have seen what happened in it."""
    missed = gap(last_read_at, read_at, element.interval_s)
    Change.objects.add(element, [missed] if missed else [])


def _may_tell(row: Known, values: Mapping[str, Any]) -> bool:
    """Tell whether more than facts differ; a new tag on ten thousand instances is no reason to read them."""
    checked = "status_digest" in values and row.status_digest != values["status_digest"]
    return row.is_gone or row.state != values.get("state", row.state) or checked


def _held(element: Element, instance_ids: Sequence[str]) -> Iterator[tuple[str, Before]]:
    for ids in _chunks(instance_ids):
        rows = element.instances.filter(instance_id__in=ids).order_by("instance_id")
        for instance_id, state, observed_at, gone_at, *checks in rows.values_list(
            "instance_id", "state", "observed_at", "gone_at", *CHECKS
        ):
            yield instance_id, Before(state, (checks[0], checks[1], checks[2]), observed_at, gone_at is not None)


def _requests(element: Element, found: Iterable[Difference]) -> list[Request]:
    """Return what was asked of the instances whose state changed and may explain it, early enough."""
    moved = [each for each in found if each.kind == "state"]
    earliest = min((each.at for each in moved), default=None)
    if earliest is None:
        return []
    asked = element.actions.filter(sent_at__gte=earliest - GIVE_UP - 2 * SLACK).reached_aws()
    return [
        Request(
            action.pk,
            action.instance_id_text,
            next(verb for verb in VERBS if verb == action.verb),
            action.requested_by,
            action.reason_before,
            action.sent_at,
            action.settled_at,
        )
        for ids in _chunks([each.instance_id for each in moved])
        for action in asked.filter(instance_id_text__in=ids)
        if action.sent_at
    ]


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield parts of a list; a statement of SQLite holds a limited number of values."""
    for start in range(0, len(ids), IDS_AT_ONCE):
        yield ids[start : start + IDS_AT_ONCE]
