"""From the click on Stop to the moment at which AWS has the request."""

import time
from collections.abc import Iterator
from typing import Any

from tests.bench.bars import Row, median, p95
from tests.bench.bench import FLEET, SQLITE, Bench

INSTANCES, CLICKS = 1000, 20
ARRIVAL_S = 10.0


def measure(bench: Bench) -> Iterator[Row]:
    """Measure stops that are sent in the request, and stops that a worker sends, on SQLite."""
    place = bench.copy(bench.polled(INSTANCES, SQLITE))
    # when other groups were measured first, it was read too long ago for anything to be stopped
    bench.aws.show([FLEET], count=INSTANCES, round=0, latency_s=0.0)
    bench.poll(place)
    bench.aws.journal(clear=True)
    bench.say("clicks on Stop")
    with place.child() as child:
        asked = child.ask("stop_in_request", slug="fleet", number=1 + CLICKS)
        first = min(asked, key=asked.__getitem__)
        took = _arrivals(bench, asked)
        first_ms = took.pop(first)
        note = f"p95 {p95(list(took.values())):.0f} ms; the first of the process {first_ms:.0f} ms; {len(took)} clicks"
        yield _row("in the request", median(took.values()), 60, note)
    with place.up("--only", "workers"), place.child() as child:
        time.sleep(8)  # until the cluster is up
        child.ask("stop_through_queue", slug="fleet", number=1, pause_s=2.0)
        bench.aws.journal(clear=True)
        took = _arrivals(bench, child.ask("stop_through_queue", slug="fleet", number=CLICKS, pause_s=0.73))
    note = f"p95 {p95(list(took.values())):.0f} ms; {len(took)} clicks; the database is the queue"
    yield _row("through the queue", median(took.values()), 600, note)
    place.remove()


def _row(how: str, value: float, bar: float, note: str) -> Row:
    name = f"click -> AWS has StopInstances, {how}, SQLite: p50"
    return Row(name, name, value, bar, "ms", note=note, steady=False)


def _arrivals(bench: Bench, asked: dict[str, float]) -> dict[str, float]:
    """Return after how many milliseconds AWS had each request; all must arrive."""
    until = time.monotonic() + ARRIVAL_S
    while True:
        changes: list[dict[str, Any]] = bench.aws.journal()["changes"]
        arrived = {instance_id: change["at"] for change in changes for instance_id in change["ids"]}
        if asked.keys() <= arrived.keys():
            return {instance_id: (arrived[instance_id] - at) * 1000 for instance_id, at in asked.items()}
        if time.monotonic() > until:
            raise RuntimeError(f"{len(asked.keys() - arrived.keys())} of {len(asked)} stops did not reach AWS")
        time.sleep(0.1)
