"""What is measured while it runs, and whether that stays flat."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

# The first part of a run fills caches, pools and tables.
WARM_UP = 0.3


@dataclass(frozen=True, slots=True)
class Sample:
    """How things were at one moment; seconds count from the beginning."""

    at_s: float
    memory_mib: float
    files: int
    database_mib: float
    late_s: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that must stay flat: it may grow by a part of its mean over what is looked at, or by `least`."""

    name: str
    of: Callable[[Sample], float]
    part: float
    least: float


FIGURES = (
    Figure("memory, MiB", lambda sample: sample.memory_mib, 0.10, 15.0),
    Figure("open files", lambda sample: float(sample.files), 0.10, 20.0),
    Figure("database, MiB", lambda sample: sample.database_mib, 0.10, 3.0),
    Figure("lateness, s", lambda sample: sample.late_s, 0.10, 10.0),
)


@dataclass(frozen=True, slots=True)
class Result:
    """How a figure ran after the warm-up: by its slope it has grown by so much meanwhile."""

    name: str
    mean: float
    most: float
    grown: float
    allowed: float

    @property
    def is_flat(self) -> bool:
        """Tell whether it grew by no more than chance explains."""
        return self.grown <= self.allowed

    def __str__(self) -> str:
        verdict = "flat" if self.is_flat else "NOT FLAT"
        return (
            f"{self.name:<15} mean {self.mean:8.1f}   most {self.most:8.1f}   grown {self.grown:+8.1f}"
            f"   allowed {self.allowed:6.1f}   {verdict}"
        )


def results(samples: Sequence[Sample]) -> list[Result]:
    """Return how every figure ran."""
    first = samples[0].at_s + WARM_UP * (samples[-1].at_s - samples[0].at_s)
    return [_result(figure, [sample for sample in samples if sample.at_s >= first]) for figure in FIGURES]


def _slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Return the median slope between any two moments: a killed cluster, which is late for a minute, is no growth."""
    points = list(zip(times, values, strict=True))
    return statistics.median((there[1] - here[1]) / (there[0] - here[0]) for here, there in combinations(points, 2))


def _result(figure: Figure, samples: Sequence[Sample]) -> Result:
    times, values = [sample.at_s for sample in samples], [figure.of(sample) for sample in samples]
    mean = statistics.fmean(values)
    grown = _slope(times, values) * (times[-1] - times[0])
    return Result(figure.name, mean, max(values), grown, max(figure.least, figure.part * mean))
