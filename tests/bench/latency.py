"""What a poll takes by the clock when AWS takes its time for each page."""

from collections.abc import Iterator

from tests.bench.bars import Row, median
from tests.bench.bench import FLEET, NAMES, Bench

AWS_S = 0.3
INSTANCES = 5_000


def measure(bench: Bench) -> Iterator[Row]:
    """Measure the first poll and one that finds nothing new, against raw boto3 running one call after the other."""
    theirs = median(cost.wall for cost in bench.raw(INSTANCES, latency_s=AWS_S))
    for database in bench.options.databases:
        place = bench.new_place(database)
        bench.aws.show([FLEET], count=INSTANCES, round=0, latency_s=AWS_S)
        for phase in ("first poll", "unchanged poll"):
            bench.say(f"{phase} of {INSTANCES:,} at {AWS_S * 1000:.0f} ms for each page")
            ours = bench.poll(place)["wall"]
            what = f"{phase} of {INSTANCES:,} at {AWS_S * 1000:.0f} ms for each page, {NAMES[database]}"
            note = f"{ours:.1f} of {theirs:.1f} s"
            yield Row(f"wall: {what}", f"{what}, against raw boto3: wall", ours / theirs, 0.25, note=note, steady=False)
        bench.aws.show([FLEET], latency_s=0.0)
        place.remove()
