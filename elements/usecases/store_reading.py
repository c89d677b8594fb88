"""Write a complete reading in short transactions, each of which leaves only what is true."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from django.db import transaction

from elements.domain.changes import Changes
from elements.domain.instance_rows import recipe
from elements.domain.strides import Stride
from elements.models import Element, Poll, ScheduledEvent
from elements.models.polls import LeaseLost
from elements.usecases.note_changes import note_gap
from elements.usecases.read_spot_types import store_spot_types
from elements.usecases.reading import Reading
from elements.usecases.spool import BATCH
from elements.usecases.store_scheduled_events import store_scheduled_events
from elements.usecases.store_snapshots import Moment, count, made_columns, mark_gone, store_rows, touch
from elements.usecases.wanted_names import WantedNames, wanted_names

# What says which AWS account and region an element is read from.
_SOURCE = ("region", "endpoint_url", "sts_endpoint_url", "keys_stored_at", "cleared_at")
_NAMING = ("naming_format", "naming_saved_at", "naming_effective_at")

# Below the 200 ms that nobody may be kept waiting, for the commit comes on top. What a step costs beside its rows is as
# much as some tens of them cost: still smaller ones would keep others waiting longer, all together.
AIM_S, LEAST = 0.1, 100

T = TypeVar("T")
# Gives what the Poll row says of a success, and what is added to its totals.
Success = Callable[[Poll], tuple[dict[str, Any], Mapping[str, int]]]


@dataclass(frozen=True, slots=True)
class Batch:
    """So many rows that one transaction writes, and what learns how many that can be."""

    rows: int
    write: Callable[..., Changes]
    stride: Stride


class Superseded(Exception):
    """The element got other keys or another address while it was read; what was read is not of it any more."""


class _OtherFormat(Exception):
    """The element got another naming format since names were made."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a reading."""

    changes: Changes
    counts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one poll to read and write its element."""

    element: Element
    token: str
    clock: Callable[[], datetime]

    @contextmanager
    def step(self) -> Iterator[Poll]:
        """Open a transaction in which nobody else writes the element's rows; raises Superseded and LeaseLost."""
        with transaction.atomic(durable=True):
            poll = check_source(self.element)
            if poll.lease != self.token:
                raise LeaseLost
            yield poll


class Storing:
    """Stores one reading. Rows come first, those AWS no longer lists, what is counted and the success last.

    A poll that is cut off in between leaves the next one to go on: it knows nothing then, and finds what differs.
    """

    def __init__(self, lease: Lease, reading: Reading, *, read_at: datetime) -> None:
        self._lease, self._reading, self._element, self._read_at = lease, reading, lease.element, read_at
        self._names: WantedNames | None = None
        self._changes, self._has_touched = Changes(), False

    def run(self, named_by: str, spot_types: Mapping[str, str], success: Success) -> Stored:
        """Write everything; `named_by` says by what names were made."""
        while True:
            try:
                self._names = wanted_names(self._reading, named_by)
                return self._store(spot_types, success)
            except _OtherFormat:
                self._reading.rename()

    def _store(self, spot_types: Mapping[str, str], success: Success) -> Stored:
        last = self._all_but_last(self._batches())
        others = [*self._events(anything_else=bool(last)), *self._spots(spot_types)]
        together = [*last, *others]
        if sum(batch.rows for batch in together) > min((batch.stride.size for batch in together), default=0):
            last, others = self._all_but_last(together), []
        with self._step() as poll:
            for batch in (*last, *others):
                self._run(batch, poll)
            counts = self._finish(poll)
            outcome, added = success(poll)
            Poll.objects.release(self._element.pk, self._lease.token, added, **outcome, **self._made_by(poll))
        return Stored(self._changes, counts)

    def _all_but_last(self, batches: Iterable[Batch]) -> list[Batch]:
        """Run batches, each in a transaction, and return the last one, which goes into that of what follows."""
        last = list[Batch]()
        for batch in batches:
            for each in last:
                with self._step() as poll:
                    began = time.monotonic()
                    self._note_unfinished(poll)
                    self._run(each, poll)
                    # without what a commit costs, which SQLite's log is copied in: smaller steps would not spare it
                    each.stride.took(each.rows, time.monotonic() - began)
            last = [batch]
        return last

    def _run(self, batch: Batch, poll: Poll) -> None:
        self._changes += batch.write(
            self._element, moment=Moment(self._read_at, self._lease.clock(), poll.succeeded_at)
        )

    @contextmanager
    def _step(self) -> Iterator[Poll]:
        with self._lease.step() as poll:
            if self._element.naming_format != self._reading.named_by:
                raise _OtherFormat
            yield poll

    def _batches(self) -> Iterator[Batch]:
        reading, names = self._reading, self._names
        instances = reading.instances(names.name if names else None)
        # one after the other: an instance may be among the statuses and the renamed ones, but once in a batch
        for every in (instances, reading.statuses(), names.renamed() if names else ()):
            yield from _batches_of(every, lambda seen: partial(store_rows, seen=seen, made=made_columns(seen)))
        yield from _batches_of(sorted(reading.missing), lambda ids: partial(mark_gone, instance_ids=ids))

    def _events(self, *, anything_else: bool) -> Iterator[Batch]:
        """Yield the instances that have scheduled events or had some; none where nothing can have moved."""
        element, reading = self._element, self._reading
        if reading.status_error is None and (anything_else or reading.has_changed_statuses or _has_orphans(element)):
            announced = element.scheduled_events.filter(cleared_at__isnull=True).values_list(
                "instance_id_text", flat=True
            )
            ids = sorted({*reading.spool.with_events(), *announced})
            yield from _batches_of(ids, lambda some: partial(self._store_events, instance_ids=some))

    def _store_events(self, element: Element, instance_ids: list[str], moment: Moment) -> Changes:
        statuses = self._reading.spool.events(instance_ids[0], instance_ids[-1])
        is_unchanged = self._reading.is_status_unchanged
        self._touch(store_scheduled_events(element, instance_ids, statuses, is_unchanged=is_unchanged, now=moment.now))
        return Changes()

    def _spots(self, spot_types: Mapping[str, str]) -> Iterator[Batch]:
        yield from _batches_of(sorted(spot_types.items()), lambda some: partial(self._store_spots, types=dict(some)))

    def _store_spots(self, element: Element, types: Mapping[str, str], moment: Moment) -> Changes:
        self._touch(store_spot_types(element, types))
        return Changes()

    def _touch(self, instance_ids: Sequence[str]) -> None:
        if instance_ids:
            touch(self._element, instance_ids)
            self._has_touched = True

    def _note_unfinished(self, poll: Poll) -> None:
        """Let the next poll read everything, should this one be cut off: what comes last would stay undone.

        It makes all names, too, when this one may be cut off between those that are entangled.
        """
        named_by = poll.named_by if self._names is None else ""
        if poll.rows_made_by or poll.named_by != named_by:
            Poll.objects.filter(pk=poll.pk).update(rows_made_by="", named_by=named_by)

    def _finish(self, poll: Poll) -> Mapping[str, Any]:
        """Write what concerns the element as a whole and return its counts."""
        element = self._element
        counts = dict(poll.counts)
        if self._changes or self._has_touched or self._reading.anew:
            counts = count(element)
            Poll.objects.filter(pk=poll.pk).update(counts=counts)
        self._note_names(self._lease.clock())
        note_gap(element, poll.succeeded_at, self._read_at)
        return counts

    def _note_names(self, now: datetime) -> None:
        """Note from when the saved format is in effect, and how many names had to be made unique."""
        element, changed = self._element, dict[str, Any]()
        saved_at = element.naming_saved_at
        if saved_at and (element.naming_effective_at is None or element.naming_effective_at < saved_at):
            changed["naming_effective_at"] = now
        if self._names is not None and element.duplicate_names != self._names.shared:
            changed["duplicate_names"] = self._names.shared
        if changed:
            # a format saved since this one was read is not in effect, so its note is not for this poll to make
            Element.objects.filter(pk=element.pk, naming_saved_at=saved_at).update(**changed)

    def _made_by(self, poll: Poll) -> dict[str, Any]:
        """Return by what the rows and the names were made, where that is new."""
        made = {"named_by": self._reading.named_by} if self._names is not None else {}
        if not self._reading.anew or self._reading.status_error is None:
            made["rows_made_by"] = recipe()
        return made


def _batches_of(rows: Iterable[T], write: Callable[[list[T]], Callable[..., Changes]]) -> Iterator[Batch]:
    """Yield rows of one kind in batches as large as they may be by then, the first ones small.

    Each kind learns anew: to change a row is dearer than to add one, and an event costs as much as five instances.
    """
    stride, rest = Stride(first=min(LEAST, BATCH), least=LEAST, most=BATCH, aim_s=AIM_S), iter(rows)
    while found := list(islice(rest, stride.size)):
        yield Batch(len(found), write(found), stride)


def check_source(element: Element) -> Poll:
    """Lock the element and its Poll row and return that; learn of another naming format.

    Raises Superseded when the element is not read from where it was. Call it inside a transaction.
    """
    poll = Poll.objects.lock_with_element(element.pk)
    found = poll.element
    if found.cleared_at or any(getattr(found, field) != getattr(element, field) for field in _SOURCE):
        raise Superseded
    for field in _NAMING:
        setattr(element, field, getattr(found, field))
    return poll


def _has_orphans(element: Element) -> bool:
    """Tell whether an event goes on though its instance is gone; the listing of events may lag behind."""
    return bool(element.poll.counts.get("announced")) and ScheduledEvent.objects.orphaned(element.pk).exists()
