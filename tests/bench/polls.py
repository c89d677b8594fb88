"""What a poll costs: the first one, one that finds nothing new, one that finds one instance in a hundred changed."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench import peers
from tests.bench.bars import Row, median
from tests.bench.bench import FLEET, NAMES, Bench
from tests.bench.peers import Cost

FIRST, UNCHANGED, CHANGED = "first poll", "unchanged poll", "1 % changed"
CPU_BARS = {FIRST: 0.20, UNCHANGED: 0.04, CHANGED: 0.05}
MOST_MIB = 250.0
SMALLEST = 1000

Costs = dict[str, list[dict[str, Any]]]


def measure(bench: Bench) -> Iterator[Row]:
    """Measure polls on each database, against raw boto3 on the same stand-in."""
    for database in bench.options.databases:
        yield from _of_database(bench, database)
    yield from _peers(bench)


def _of_database(bench: Bench, database: str) -> Iterator[Row]:
    options, on = bench.options, NAMES[database]
    sizes = [options.size] if options.quick else [options.small, options.size]
    costs = {size: _run(bench, database, size) for size in dict.fromkeys([SMALLEST, *sizes])}
    for size in sizes:
        raw = bench.raw(size)
        for phase, bar in CPU_BARS.items():
            yield _ratio(f"{phase} of {size:,}, {on}", costs[size][phase], raw, bar)
    for size in sizes:
        yield from _counts(size, on, costs[size])
    tenth = costs[SMALLEST if options.quick else options.small]
    yield from _memory(options.size, on, costs[options.size], tenth)
    if not options.quick:
        yield from _growth(bench, database, costs[options.size])
    for size, found in costs.items():
        for phase in CPU_BARS:
            cpu, wall = _median(found[phase], "cpu"), _median(found[phase], "wall")
            bench.growth[f"{phase}, {on}: CPU s (wall s)", size] = f"{cpu:.2f} ({wall:.2f})"
        bench.growth[f"peak memory of a poll, {on}: MiB", size] = f"{_peak(found):.0f}"


def _run(bench: Bench, database: str, size: int, *, phases: Sequence[str] = tuple(CPU_BARS)) -> Costs:
    """Measure each phase in a process of its own, several times over from an empty installation."""
    costs: Costs = {phase: [] for phase in phases}
    runs = bench.options.runs_of(size)
    for run in range(runs):
        bench.say(f"polls of {size:,} on {NAMES[database]}, run {run + 1} of {runs}")
        place = bench.new_place(database)
        bench.aws.show([FLEET], count=size, round=0)
        for phase in phases:
            if phase == CHANGED:
                bench.aws.show([FLEET], round=1)
            costs[phase].append(bench.poll(place, count_rows=phase != FIRST))
        if run == runs - 1 and phases == tuple(CPU_BARS):
            bench.keep(place, size, database)
        else:
            place.remove()
    return costs


def _ratio(what: str, costs: Sequence[dict[str, Any]], raw: Sequence[Cost], bar: float) -> Row:
    theirs, ours = median(cost.cpu for cost in raw), _median(costs, "cpu")
    wall = _median(costs, "wall") / median(cost.wall for cost in raw)
    note = f"{ours:.2f} of {theirs:.1f} CPU s; wall {wall:.2f}x; {len(costs)} run(s) against {len(raw)}"
    return Row(f"cpu: {what}", f"{what}, against raw boto3: CPU", ours / theirs, bar, note=note)


def _counts(size: int, on: str, costs: Costs) -> Iterator[Row]:
    unchanged, pages = costs[UNCHANGED][-1], -(-size // 1000)
    for what, value, bar in (
        ("instance rows written", unchanged["rows"], 0),
        ("statements", unchanged["queries"], 8 + pages),
        ("AWS calls", unchanged["calls"], 2 * pages),
    ):
        name = f"unchanged poll of {size:,}, {on}: {what}"
        yield Row(name, name, value, bar, "", exact=what == "AWS calls")


def _memory(size: int, on: str, costs: Costs, tenth: Costs) -> Iterator[Row]:
    peak, small = _peak(costs), _peak(tenth)
    what = f"peak memory of a poll of {size:,}, {on}"
    yield Row(f"{what}: ratio", f"{what}, against a tenth", peak / small, 1.5, note=f"{peak:.0f} and {small:.0f} MiB")
    yield Row(f"{what}: MiB", what, peak, MOST_MIB, "MiB", note="the most a fresh process ever held")


def _growth(bench: Bench, database: str, costs: Costs) -> Iterator[Row]:
    half = bench.options.size // 2
    halves = _run(bench, database, half, phases=(FIRST, UNCHANGED))
    for phase in (FIRST, UNCHANGED):
        ours, theirs = _median(costs[phase], "cpu"), _median(halves[phase], "cpu")
        what = f"growth of the {phase}, {half:,} -> {2 * half:,}, {NAMES[database]}"
        yield Row(what, f"{what}: CPU", ours / theirs, 2.2, note=f"{theirs:.2f} -> {ours:.2f} CPU s")


def _peers(bench: Bench) -> Iterator[Row]:
    """Note what the AWS CLI takes, beside raw boto3; there is no bar for it."""
    size = bench.options.size if bench.options.quick else bench.options.small
    raw = bench.raw(size)
    said = f"{median(cost.cpu for cost in raw):.1f} CPU s, {median(cost.rss for cost in raw):.0f} MiB"
    bench.details[f"raw boto3, both calls, {size:,} instances"] = said
    if not bench.options.quick:
        cli = peers.aws_cli(bench.aws.url, FLEET) if _shown(bench, size) else None
        said = f"{cli.cpu:.1f} CPU s, its start included" if cli else "the AWS CLI is not installed"
        bench.details[f"aws ec2 describe-instances + describe-instance-status, {size:,} instances"] = said
    yield from ()


def _shown(bench: Bench, size: int) -> bool:
    bench.say(f"the AWS CLI reads {size:,} instances, once")
    bench.aws.show([FLEET], count=size, round=0)
    return True


def _median(costs: Sequence[dict[str, Any]], name: str) -> float:
    return median(cost[name] for cost in costs)


def _peak(costs: Costs) -> float:
    return max(_median(each, "rss") for each in costs.values())
