"""Large elements beside small ones: real claims and leases, with a queue and workers that go by a clock of the test."""

from collections import deque
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.domain.lanes import LANES
from elements.models import Poll
from elements.usecases import run_polls
from tests import builders

pytestmark = pytest.mark.django_db

# A tenth of 500 elements of 10 instances, beside ten of 50,000.
SMALL, LARGE = 50, 10
LATE_S = 5
INTERVAL_S, SMALL_POLL_S, LARGE_POLL_S, RUN_S = 30, 0.25, 12, 150


class Machine:
    """Two workers that take tasks in the order in which the clock queues them, as those of django-q do."""

    def __init__(self, start):
        self.start, self.queue, self.free_at = start, deque(), [0.0, 0.0]
        self.ends, self.begun = [], {}

    def run(self, seconds):
        for now in range(seconds):
            self._end(now)
            self.queue.extend(run_polls.claim_batches(self._moment(now)))
            while self.queue and min(self.free_at) < now + 1:
                self._take(self.queue.popleft(), now)

    def _take(self, batch, now):
        worker, lane = self.free_at.index(min(self.free_at)), LANES[batch.lane]
        begins = max(self.free_at[worker], now)
        takes_s = LARGE_POLL_S if batch.lane == "big" else SMALL_POLL_S
        for number, pk in enumerate(batch.element_ids):
            self._begin(pk, begins + number // lane.at_once * min(takes_s, lane.patience_s), takes_s)
        rounds = -(-len(batch.element_ids) // lane.at_once)
        self.free_at[worker] = begins + rounds * min(takes_s, lane.patience_s)

    def _begin(self, pk, at, takes_s):
        token = Poll.objects.lease(pk, now=self._moment(at), seconds=60, interval_s=INTERVAL_S, queued=True)
        if token:
            self.begun.setdefault(pk, []).append(at)
            self.ends.append((at + takes_s, pk, token, takes_s))

    def _end(self, now):
        for ended in [each for each in self.ends if each[0] <= now]:
            self.ends.remove(ended)
            _, pk, token, took_s = ended
            Poll.objects.release(pk, token, duration_ms=int(took_s * 1000))

    def _moment(self, seconds):
        return self.start + timedelta(seconds=seconds)


def test_beside_ten_large_elements_the_small_ones_keep_their_intervals(settings):
    settings.WORKERS = 2
    start = timezone.now()
    large = [builders.element(name=f"Large {number}", interval_s=INTERVAL_S).pk for number in range(LARGE)]
    small = [builders.element(name=f"Small {number}", interval_s=INTERVAL_S).pk for number in range(SMALL)]
    Poll.objects.update(due_at=start)
    Poll.objects.filter(element__in=large).update(counts={"total": 50_000}, duration_ms=LARGE_POLL_S * 1000)
    first = {pk: number * INTERVAL_S / SMALL for number, pk in enumerate(small)}  # not only before the large ones
    for pk, due_s in first.items():
        due_at = start + timedelta(seconds=due_s)
        Poll.objects.filter(element=pk).update(due_at=due_at, counts={"total": 10}, duration_ms=SMALL_POLL_S * 1000)
    machine = Machine(start)

    machine.run(RUN_S)

    late = [at - first[pk] - turn * INTERVAL_S for pk in small for turn, at in enumerate(machine.begun[pk])]
    assert min(machine.begun[pk][-1] for pk in small) > RUN_S - INTERVAL_S - LATE_S
    assert max(late) < LATE_S, sorted(late)[-5:]
    turns = [len(machine.begun[pk]) for pk in large]
    assert min(turns) >= 1, "nor is a large one forgotten"
    assert max(turns) - min(turns) <= 1, "they take turns"
