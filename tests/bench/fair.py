"""Ten large elements beside 100 small ones: how late real processes read the small ones."""

import time
from collections.abc import Iterator

from tests.bench.bars import Row, p95
from tests.bench.bench import FLEET, Bench
from tests.bench.place import element

# As many instances as make an element large to ec2mon, so that the group takes less than three minutes.
SIZE = 5_000
LARGE, SMALL, FIRST_ACCOUNT = 10, 100, 2000
INTERVAL_S, TURNS, START_S = 30, 4, 15
AWS_S, LATE_S = 0.1, 5.0


def measure(bench: Bench) -> Iterator[Row]:
    """Let ten elements that do not change and 100 of 10 instances be read each 30 s, on SQLite."""
    place, small = bench.copy(bench.polled(SIZE)), range(FIRST_ACCOUNT, FIRST_ACCOUNT + SMALL)
    bench.aws.show([FLEET], count=SIZE, round=0, latency_s=AWS_S)
    bench.aws.show(small, count=10, round=0, latency_s=AWS_S)
    bench.say(f"{LARGE} elements of {SIZE:,} instances beside {SMALL} of 10")
    with place.child() as child:
        child.ask("add_twins", slug="fleet", keys=element(FLEET, "Twin", bench.aws.url), number=LARGE - 1)
        child.ask("add_elements", elements=[element(n, f"Small {n}", bench.aws.url) for n in small])
        due = child.ask("spread", interval_s=INTERVAL_S, first_in_s=START_S)
        with place.up("--only", "workers", "--only", "clock"):
            time.sleep(START_S + TURNS * INTERVAL_S + LATE_S)
            said = child.ask("lateness", due=due, interval_s=INTERVAL_S, turns=TURNS)
    bench.aws.show([FLEET, *small], latency_s=0.0)
    place.remove()
    late, large = said["small"], said["large"]
    name = f"{LARGE} elements of {SIZE:,} and {SMALL} of 10: the latest read of a small one"
    note = (
        f"p95 {p95(late):.1f} s, of {len(late)} reads; each large one was read {min(large)} to {max(large)} times"
        f" in {TURNS} intervals of {INTERVAL_S} s"
    )
    yield Row(name, name, max(late), LATE_S, "s", note=note, steady=False)
