"""Remove elements, or clear those that moved to another region or account: hidden at once, then emptied in steps.

Whoever is killed half way leaves the rest to the next run of pruning.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from elements.models import Action, Activity, Change, DebugRecord, Element, Instance, Poll, ScheduledEvent
from elements.models.elements import KEY_FIELDS, leaving
from elements.models.instance_descriptions import InstanceDescription
from elements.usecases.steps import Clock, Job, Keys, first, remove_rows, take_turns
from elements.usecases.store_snapshots import hold

# Whoever removes something waits for so long at most; what is left then goes with the pruning.
PATIENCE_S = 5.0
# What a step costs beside its rows is as much as some tens of them cost; so many instances take 10 ms of CPU.
LEAST = 100
MOVED = "The element was moved to another region or account."
REMOVED = "The element was removed."


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much an element holds: what goes when it is removed or cleared."""

    instances: int
    scheduled_events: int
    debug_records: int
    actions: int


def holdings(element: Element) -> Holdings:
    """Count what the element holds."""
    return Holdings(
        element.instances.count(),
        element.scheduled_events.count(),
        element.debug_records.count(),
        element.actions.count(),
    )


def remove(*elements: Element, by: str, now: datetime, patience_s: float = PATIENCE_S) -> None:
    """Remove elements with everything they hold, but for those that somebody just did; the Activity about them stays.

    They are gone for everybody at once, and their names are free; their rows follow.
    """
    for element in elements:
        _hide(element, by, now)
    go_on([element.pk for element in elements], patience_s)


def clear(element: Element, now: datetime) -> None:
    """Hide the element's instances, scheduled events and history; call it in a transaction, and `go_on` after it.

    The element is not read before the last of their rows is removed.
    """
    hold(element)
    _end_actions(element, MOVED, now)
    if Poll.objects.filter(element=element).exists():
        Poll.objects.next_revision(element.pk)
    Poll.objects.filter(element=element).update(
        counts={},
        recent=[],
        attempted_at=None,
        succeeded_at=None,
        duration_ms=None,
        status_succeeded_at=None,
        status_failed_since=None,
        status_failure_text="",
    )
    element.cleared_at = now
    element.save(update_fields=["cleared_at"])


def go_on(pks: Collection[int], patience_s: float = PATIENCE_S, *, clock: Clock = time.monotonic) -> None:
    """Empty these elements, as far as there is time."""
    take_turns(jobs(pks), patience_s, clock)


def jobs(pks: Collection[int] | None = None) -> Iterator[Job]:
    """Yield what is to be removed of these elements, of all without them."""
    rows = leaving() if pks is None else leaving().filter(pk__in=pks)
    for pk, removed_at in rows.order_by("cleared_at").values_list("pk", "removed_at"):
        rest = _Rest(pk, whole=removed_at is not None)
        yield Job(rest.find, rest.remove, least=LEAST)


def _hide(element: Element, by: str, now: datetime) -> None:
    with transaction.atomic():
        if Element.objects.locked().filter(pk=element.pk).first() is None:
            return
        hold(element)
        _end_actions(element, REMOVED, now)
        Activity.objects.note(by=by, kind="setting", text="Element removed", now=now, element=element)
        # without it nobody reads the element, and whoever does loses his lease
        Poll.objects.filter(element=element).delete()
        Element.objects.filter(pk=element.pk).update(
            removed_at=now,
            cleared_at=now,
            # neither can be entered, so that whoever wants the former ones may have them
            name=f"\x7f{element.pk}",
            slug=f"-{element.pk}",
            **dict.fromkeys((*KEY_FIELDS, "key_hint"), ""),
        )


def _end_actions(element: Element, why: str, now: datetime) -> None:
    element.actions.open().update(status="expired", message=why, settled_at=now, look_at=None)


class _Kind(NamedTuple):
    """Rows of an element: in the order of an index, and how they are removed."""

    rows: "QuerySet[Any]"
    order: str
    remove: Callable[[Keys], object]


class _Rest:
    """What is left of an element that is leaving; of one that only moved three kinds of rows are removed."""

    def __init__(self, pk: int, *, whole: bool) -> None:
        self._pk, self._whole = pk, whole
        self._kinds = self._all()
        self._over = False

    def find(self, size: int) -> tuple[Keys, bool]:
        """Return some of the rows that are next, at last the element itself."""
        while self._kinds:
            kind = self._kinds[0]
            if keys := first(kind.rows, kind.order)(size)[0]:
                return keys, True
            self._kinds.popleft()
        return ([], False) if self._over else ([self._pk], True)

    def remove(self, keys: Keys) -> None:
        """Remove what was found, unless the element has been emptied meanwhile: then it is of its new place.

        One that moved and was removed since goes as a whole, by a job that knows so.
        """
        # nobody may store what refers to an element while it is removed; of one that stays nobody is kept from it
        is_last = self._whole and not self._kinds
        rows = leaving().select_for_update() if is_last else leaving().locked()
        element = rows.filter(pk=self._pk, removed_at__isnull=not self._whole).first()
        if element is None:
            self._kinds, self._over = deque(), True
            return
        if not self._whole:
            hold(element)
        if self._kinds:
            self._kinds[0].remove(keys)
        else:
            self._end(element)

    def _end(self, element: Element) -> None:
        """Let the element go, or be read again; begin anew when something came late, as a Debug record may."""
        late = deque(kind for kind in self._all() if kind.rows.exists())
        if late:
            self._kinds = late
            return
        self._over = True
        if self._whole:
            element.delete()
        else:
            leaving().filter(pk=self._pk).update(cleared_at=None)

    def _all(self) -> deque[_Kind]:
        """Return all kinds of rows, each after those that refer to it."""
        of = {"element": self._pk}
        place = [
            _Kind(Change.objects.filter(**of), "at", remove_rows(Change)),
            _Kind(ScheduledEvent.objects.filter(**of), "instance_id_text", remove_rows(ScheduledEvent)),
            _Kind(Instance.objects.filter(**of), "instance_id", _remove_instances),
        ]
        if not self._whole:
            return deque(place)
        return deque(
            [
                place[0],
                _Kind(Action.objects.filter(**of), "requested_at", remove_rows(Action)),
                *place[1:],
                _Kind(DebugRecord.objects.filter(**of), "id", remove_rows(DebugRecord)),
                _Kind(Activity.objects.filter(**of), "instance_id_text", partial(Activity.objects.detach, self._pk)),
            ]
        )


def _remove_instances(keys: Keys) -> None:
    Action.objects.filter(instance__in=keys).update(instance=None)
    ScheduledEvent.objects.filter(instance__in=keys).update(instance=None)
    remove_rows(InstanceDescription)(keys)
    remove_rows(Instance)(keys)
