"""A bar, what was measured against it, and the table of all of them."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Row:
    """One line of the table.

    `key` names it from one version to the next; a busy machine changes no `steady` one.
    """

    key: str
    what: str
    measured: float
    bar: float
    unit: str = "x"
    exact: bool = False
    note: str = ""
    steady: bool = True
    group: str = ""

    @property
    def passed(self) -> bool:
        """Tell whether the bar is met."""
        return self.measured == self.bar if self.exact else self.measured <= self.bar

    @property
    def cells(self) -> tuple[str, ...]:
        """Return the line as texts."""
        sign = "" if self.exact else "<= "
        verdict = "pass" if self.passed else "FAIL"
        return self.what, number(self.measured, self.unit), sign + number(self.bar, self.unit), verdict, self.note


def better(first: Row, second: Row) -> Row:
    """Return the better of two figures, which notes both."""
    both = f"measured twice: {number(first.measured, first.unit)} and {number(second.measured, second.unit)}"
    row = min(first, second, key=lambda each: each.measured)
    return replace(row, note="; ".join(filter(None, (row.note, both))))


HEAD = ("What", "Measured", "Bar", "", "How")


def number(value: float, unit: str) -> str:
    """Return a figure with as many digits as mean something."""
    if math.isnan(value):
        return "not measured"
    if float(value).is_integer() and abs(value) < 1e9:
        text = f"{value:,.0f}"
    else:
        text = (
            f"{value:,.0f}"
            if value >= 100
            else f"{value:.1f}"
            if value >= 10
            else f"{value:.2g}"
            if value < 0.1
            else f"{value:.2f}"
        )
    return f"{text}{unit}" if unit in ("x", "%") else f"{text} {unit}".rstrip()


def plain(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for a terminal."""
    lines = [tuple(head), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table for a document."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def p95(values: Sequence[float]) -> float:
    """Return the value that 95 of 100 do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * 0.95) - 1)]


def median(values: Iterable[float]) -> float:
    """Return the value in the middle."""
    return statistics.median(values)
