"""How the Debug page grows with the number of records."""

from collections.abc import Iterator

from tests.bench.bars import Row, median, p95
from tests.bench.bench import NAMES, Bench

PAGE = "/e/fleet/debug/"
FEW, MANY = 10_000, 1_000_000
ROUNDS, EACH = 6, 10


def measure(bench: Bench) -> Iterator[Row]:
    """Measure the page with many records against the page with few."""
    for database in bench.options.databases:
        places = [bench.new_place(database) for _ in range(2)]
        with places[0].child() as few, places[1].child() as many:
            for child, number in ((few, FEW), (many, MANY)):
                bench.say(f"the Debug page with {number:,} records")
                child.ask("add_debug_records", slug="fleet", number=number)
                child.ask("ask_pages", address=PAGE, times=EACH)
            clock, found = "cpu" if not places[0].on_server else "wall", ([], [])
            for _ in range(ROUNDS):
                for child, kept in zip((few, many), found, strict=True):
                    kept += child.ask("ask_pages", address=PAGE, times=EACH)[clock]
        for place in places:
            place.remove()
        what = f"Debug page, {MANY:,} records against {FEW:,}, {NAMES[database]}"
        note = f"p50 {median(found[0]):.1f} -> {median(found[1]):.1f} ms"
        yield Row(what, f"{what}: {clock} p95", p95(found[1]) / p95(found[0]), 1.5, note=note, steady=clock == "cpu")
