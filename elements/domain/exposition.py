"""Figures in the text format of Prometheus, version 0.0.4.

Its client library keeps figures of one process; these are read from the database, for all processes and machines.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
GAUGE, COUNTER, SUMMARY = "gauge", "counter", "summary"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@dataclass(frozen=True, slots=True)
class Sample:
    """One figure; `suffix` is what a summary's sum and count add to the name."""

    value: float
    labels: Mapping[str, str] = field(default_factory=dict)
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Figures of one kind."""

    name: str
    kind: str
    text: str
    samples: Sequence[Sample]


def exposition(families: Sequence[Family]) -> Iterator[str]:
    """Yield the lines."""
    for family in families:
        yield f"# HELP {family.name} {family.text}\n"
        yield f"# TYPE {family.name} {family.kind}\n"
        for sample in family.samples:
            labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in sample.labels.items())
            yield f"{family.name}{sample.suffix}{{{labels}}} {_number(sample.value)}\n"


def _number(value: float) -> str:
    """Return whole numbers without a point: a counter may exceed what the short form of a float holds."""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _escaped(value: str) -> str:
    return value.encode(errors="replace").decode().translate(_ESCAPES)
