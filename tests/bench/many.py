"""A round of many small elements through real worker processes and the clock: `manage.py up`, without web."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench import processes
from tests.bench.bars import Row
from tests.bench.bench import FLEET, SQLITE, WARM, Bench
from tests.bench.place import Child, Place, element

ELEMENTS, FIRST_ACCOUNT = 1000, 100
AWS_S = 0.1
# Of the elements in trouble one half never answers, the other half fails.
TROUBLED = 20
LONGEST_S = 180.0


@dataclass(frozen=True)
class Round:
    """What one round took, and for how many elements it came to an end."""

    cpu: float
    seconds: float
    done: int
    calls: int


def measure(bench: Bench) -> Iterator[Row]:
    """Measure a round of 1,000 elements, then one in which some of them are in trouble."""
    added = range(FIRST_ACCOUNT, FIRST_ACCOUNT + ELEMENTS - 2)
    accounts = [WARM, FLEET, *added]
    place = bench.new_place(SQLITE)
    bench.aws.show(accounts, count=10, round=0, latency_s=AWS_S)
    with place.child() as child:
        child.ask("add_elements", elements=[element(n, f"Small {n}", bench.aws.url) for n in added])
        with place.up("--only", "workers", "--only", "clock"):
            _wait_until_idle(place)
            first = _round(bench, place, child, ELEMENTS, "first round")
            _wait_until_idle(place)
            idle = _idle_cpu(place)
            usual = _round(bench, place, child, ELEMENTS, "usual round")
            troubled = added[: TROUBLED * 25 : 25]
            bench.aws.show(troubled[::2], trouble="hang")
            bench.aws.show(troubled[1::2], trouble="fail")
            _wait_until_idle(place)
            slowed = _round(bench, place, child, ELEMENTS - TROUBLED, "round with elements in trouble")
            bench.aws.show(accounts, trouble="", latency_s=0.0)
    note = f"{usual.calls} AWS calls at {AWS_S * 1000:.0f} ms; idle {idle:.1%} of a core; first round {first.cpu:.1f} s"
    yield _row("CPU of all processes", usual.cpu, 10, note)
    note = f"{usual.done} done; first round {first.seconds:.0f} s"
    yield _row("until all are done", usual.seconds if usual.done == ELEMENTS else float("inf"), 30, note)
    note = f"{TROUBLED // 2} hang, {TROUBLED // 2} fail: {slowed.done} others done after {slowed.seconds:.1f} s"
    yield _row("delay of others by elements in trouble", max(0.0, slowed.seconds - usual.seconds), 5, note)


def _row(what: str, value: float, bar: float, note: str) -> Row:
    name = f"{ELEMENTS:,} elements x 10, one round: {what}"
    return Row(name, name, value, bar, "s", note=note, steady=False)


def _round(bench: Bench, place: Place, child: Child, expected: int, what: str) -> Round:
    """Let all be due at once and wait for the expected number of successes."""
    bench.say(f"{ELEMENTS:,} elements: {what}")
    bench.aws.journal(clear=True)
    before, began = processes.cpu_s(processes.of_directory(place.directory)), time.monotonic()
    since, done = child.ask("make_due"), 0
    while done < expected and time.monotonic() - began < LONGEST_S:
        time.sleep(0.2)
        done = child.ask("progress", since=since)["ok"]
    seconds = time.monotonic() - began
    used = processes.cpu_s(processes.of_directory(place.directory)) - before
    return Round(used, seconds, done, sum(bench.aws.journal()["calls"].values()))


def _wait_until_idle(place: Place) -> None:
    """Wait until the processes are up and do nothing much."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        time.sleep(2)
        if len(processes.of_directory(place.directory)) >= 8 and _idle_cpu(place) < 0.15:
            return


def _idle_cpu(place: Place) -> float:
    pids = processes.of_directory(place.directory)
    before, began = processes.cpu_s(pids), time.monotonic()
    time.sleep(3)
    return (processes.cpu_s(pids) - before) / (time.monotonic() - began)
