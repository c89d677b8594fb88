"""Measure all bars, or some: `python -m tests.bench --only polls,pages --size 100000 --runs 3`."""

import argparse
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests import with_services
from tests.bench import bars, clicks, debug_page, fair, idle, latency, many, pages, polls, report
from tests.bench.bars import Row
from tests.bench.bench import POSTGRES, SQLITE, Bench, Options

GROUPS: Mapping[str, Callable[[Bench], Iterator[Row]]] = {
    "polls": polls.measure,
    "latency": latency.measure,
    "many": many.measure,
    "fair": fair.measure,
    "pages": pages.measure,
    "debug": debug_page.measure,
    "clicks": clicks.measure,
    "idle": idle.measure,
}
QUICK = ("polls", "pages")


def main() -> int:
    """Measure and print; return 0 when all was measured and, with --quick, nothing has become much worse."""
    asked = _arguments()
    options = Options(asked.size, asked.runs, asked.large_runs, _databases(asked.database), asked.quick)
    began, names, broken = time.monotonic(), asked.only.split(","), list[str]()
    with (
        tempfile.TemporaryDirectory(prefix="ec2mon-bench-") as directory,
        Bench(options, Path(directory), _say) as bench,
    ):
        rows = [row for name in names for row in _group(name, bench, broken)]
        if asked.quick and not asked.record:
            rows = [row for name in names for row in _again(name, rows, bench, broken)]
    minutes = (time.monotonic() - began) / 60
    print("\n" + report.text(rows, bench, minutes) + "\n")
    if asked.write:
        report.write(rows, bench, minutes)
    if asked.record:
        report.record(rows)
    worse = report.regressions(rows) if asked.quick else []
    for line in (
        *(f"Bar missed: {row.what}" for row in rows if not row.passed),
        *(f"WORSE THAN RECORDED: {row.what}: {why}" for row, why in worse),
        *(f"NOT MEASURED TO THE END: {name}" for name in broken),
    ):
        print(line)
    return 1 if worse or broken else 0


def _group(name: str, bench: Bench, broken: list[str]) -> Iterator[Row]:
    """Measure a group; one that breaks does not take the figures of the others with it."""
    try:
        for row in GROUPS[name](bench):
            _say(f"  {'pass' if row.passed else 'FAIL'}  {row.what}: {bars.number(row.measured, row.unit)}")
            yield replace(row, group=name)
    except Exception:
        traceback.print_exc()
        broken.append(name)


def _again(name: str, rows: Sequence[Row], bench: Bench, broken: list[str]) -> list[Row]:
    """Measure a group once more when it seems to have become worse, and keep the better of each two figures."""
    found = [row for row in rows if row.group == name]
    if not report.regressions(found):
        return found
    _say(f"{name} once more, for it seems worse than recorded")
    bench.forget()
    second = {row.key: row for row in _group(name, bench, broken)}
    return [bars.better(row, second.get(row.key, row)) for row in found]


def _databases(text: str) -> tuple[str, ...]:
    chosen = text.split(",")
    if POSTGRES in chosen and with_services.postgres_bin() is None:
        _say("PostgreSQL is not installed: nothing is measured on it")
        chosen.remove(POSTGRES)
    return tuple(chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", help=f"groups of bars, of {','.join(GROUPS)}")
    parser.add_argument("--size", type=int, help="instances of the large element (100000; 10000 with --quick)")
    parser.add_argument("--runs", type=int, default=3, help="how often small sizes are measured")
    parser.add_argument("--large-runs", type=int, default=1, help="how often large sizes are measured")
    parser.add_argument("--database", default=SQLITE, help=f"{SQLITE}, {POSTGRES} or both, with a comma between them")
    parser.add_argument("--quick", action="store_true", help="only ratios that a busy machine does not change")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    parser.add_argument("--record", action="store_true", help="let --quick compare with these figures from now on")
    asked = parser.parse_args()
    asked.only = asked.only or ",".join(QUICK if asked.quick else GROUPS)
    asked.size = asked.size or (10_000 if asked.quick else 100_000)
    unknown = set(asked.only.split(",")) - set(GROUPS) or set(asked.database.split(",")) - {SQLITE, POSTGRES}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return asked


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)  # so that nothing is left running
    sys.exit(main())
