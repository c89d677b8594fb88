"""Which polls go together: no element, however large or silent, may keep another one waiting."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lane:
    """How polls of one kind are run: so many in a task, so many at once, and how long a worker waits for them.

    What takes longer goes on by itself, while its worker takes the next task.
    """

    name: str
    batch_size: int
    at_once: int
    patience_s: float


@dataclass(frozen=True, slots=True)
class DuePoll:
    """A poll whose time has come, with what the last one was like."""

    element_id: int
    instances: int
    duration_ms: int
    failures: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Elements that one task polls."""

    element_ids: list[int]
    lane: str


QUICK = Lane("quick", batch_size=48, at_once=12, patience_s=1.0)
# They wait for AWS, not for a processor: all of them may wait at the same time.
SLOW = Lane("slow", batch_size=16, at_once=16, patience_s=1.0)
# They keep a processor busy, and a worker's memory: few at once.
BIG = Lane("big", batch_size=1, at_once=1, patience_s=4.0)
LANES = {lane.name: lane for lane in (QUICK, SLOW, BIG)}
BIG_FROM = 5_000


def lane(due: DuePoll) -> Lane:
    """Return how to run a poll; one that failed last may be silent again, whatever its size."""
    if due.failures:
        return SLOW
    if due.instances >= BIG_FROM:
        return BIG
    return SLOW if due.duration_ms >= QUICK.patience_s * 1000 else QUICK


def plan(due: Iterable[DuePoll], *, room: int) -> list[Batch]:
    """Share polls out to tasks, each lane's in the order given; of the big ones there is room for only so many.

    Quick ones come first, so that they are first in the queue too.
    """
    by_lane: dict[str, list[int]] = {name: [] for name in LANES}
    for poll in due:
        by_lane[lane(poll).name].append(poll.element_id)
    by_lane[BIG.name] = by_lane[BIG.name][: max(room, 0)]
    return [Batch(ids, name) for name, pks in by_lane.items() for ids in _chunks(pks, LANES[name].batch_size)]


def _chunks(ids: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
