"""Puts the figures together: for the terminal, for docs/performance.md, and for the comparison with earlier ones."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from tests.bench import bars
from tests.bench.aws import ROOT
from tests.bench.bars import HEAD, Row
from tests.bench.bench import NAMES, Bench

DOCUMENT = ROOT / "docs" / "performance.md"
RECORDED = Path(__file__).with_name("recorded.json")
# A ratio varies by a fifth on a busy machine; one that has grown by half has grown.
REGRESSION = 1.5
_BEGIN, _END = "<!-- figures: written by `make bench` -->", "<!-- end of figures -->"


def text(rows: Sequence[Row], bench: Bench, minutes: float) -> str:
    """Return all figures for a terminal."""
    parts = [_machine(bench, minutes), bars.plain(HEAD, (row.cells for row in rows))]
    if bench.growth:
        parts.append(bars.plain(*_growth(bench)))
    if bench.details:
        parts.append(bars.plain(("Beside it", ""), bench.details.items()))
    return "\n\n".join(parts)


def write(rows: Sequence[Row], bench: Bench, minutes: float) -> None:
    """Put the figures into docs/performance.md; what stands around them stays."""
    parts = [_machine(bench, minutes), bars.markdown(HEAD, (row.cells for row in rows))]
    if bench.growth:
        parts += ["### Growth", bars.markdown(*_growth(bench))]
    if bench.details:
        parts += ["### Beside it", bars.markdown(("What", "Measured"), list(bench.details.items()))]
    before, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    figures = "\n\n".join(parts)
    DOCUMENT.write_text(f"{before}{_BEGIN}\n{figures}\n{_END}{rest.partition(_END)[2]}")


def record(rows: Sequence[Row]) -> None:
    """Keep the figures that a busy machine does not change, for `regressions`."""
    kept = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    kept |= {row.key: float(f"{row.measured:.3g}") for row in rows if row.steady}
    RECORDED.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def regressions(rows: Sequence[Row]) -> list[tuple[Row, str]]:
    """Return what is more than half as much again as when it was recorded, and what it was then.

    Compared with what was recorded and not with the bar: where a bar is met five times over, four of them could be lost
    unseen; where it is not met yet, nothing could be merged. Without a record the bar stands in.
    """
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    found = []
    for row in rows:
        before = recorded.get(row.key, row.bar)
        if row.steady and row.measured > before * REGRESSION:
            how = f" ({row.note})" if row.note else ""
            found.append(
                (row, f"{bars.number(row.measured, row.unit)} instead of {bars.number(before, row.unit)}{how}")
            )
    return found


def _machine(bench: Bench, minutes: float) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    databases = " and ".join(NAMES[name] for name in bench.options.databases)
    return (
        f"Measured in {minutes:.0f} minutes on a machine with {os.cpu_count()} cores and {memory:.0f} GiB of memory,"
        f" with Python {platform.python_version()}, on {databases}; sizes up to {bench.options.size:,} instances."
    )


def _growth(bench: Bench) -> tuple[list[str], list[list[str]]]:
    sizes = sorted({size for _, size in bench.growth})
    names = list(dict.fromkeys(name for name, _ in bench.growth))
    head = ["Instances", *(f"{size:,}" for size in sizes)]
    return head, [[name, *(bench.growth.get((name, size), "") for size in sizes)] for name in names]
