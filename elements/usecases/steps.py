"""Remove rows in small steps that hold no lock for long, several jobs in turn."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from elements.domain.strides import LEAST, Stride

Keys = Sequence[Any]
# Given how many keys are wanted: these, and whether there may be more.
Find = Callable[[int], tuple[Keys, bool]]
Clock = Callable[[], float]


class Job:
    """Rows of one kind, or of one element, that are to go."""

    def __init__(self, find: Find, remove: Callable[[Keys], object], *, least: int = LEAST) -> None:
        self._find, self._remove = find, remove
        self._stride = Stride(least=least)
        self.has_more = True

    def step(self, clock: Clock) -> int:
        """Remove so many rows as take a moment; they are looked up before anything is locked.

        Raises RuntimeError inside a transaction: there all steps together would be one.
        """
        keys, self.has_more = self._find(self._stride.size)
        if keys:
            with transaction.atomic(durable=True):
                began = clock()
                self._remove(keys)
            self._stride.took(len(keys), clock() - began)
        return len(keys)


def take_turns(jobs: Iterable[Job], seconds: float, clock: Clock) -> int:
    """Let every job take a step in turn until all are done or the time is over; return how many rows were removed."""
    until, removed = clock() + seconds, 0
    waiting = deque(jobs)
    while waiting and clock() < until:
        job = waiting.popleft()
        removed += job.step(clock)
        if job.has_more:
            waiting.append(job)
    return removed


def first(rows: "QuerySet[Any]", order: str) -> Find:
    """Find the first of some rows, in the order of an index."""

    def find(size: int) -> tuple[Keys, bool]:
        keys = list(rows.order_by(order).values_list("pk", flat=True)[:size])
        return keys, len(keys) == size

    return find


def remove_rows(model: type[Model]) -> Callable[[Keys], object]:
    """Remove rows that nothing refers to, without asking for what might."""

    def remove(keys: Keys) -> None:
        rows: QuerySet[Model] = QuerySet(model).filter(pk__in=keys)
        rows._raw_delete(rows.db)

    return remove
