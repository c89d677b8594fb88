"""Polls one element as a worker does and tells what that took."""

import contextlib
import os
import resource
import time
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from ec2mon import parts
from elements.models import Element, Instance
from elements.usecases.run_polls import poll_once
from tests.bench.inside.meter import Meter, RowCounter


def load_all() -> None:
    """Do what `manage.py up` does before it forks its processes."""
    parts.load()


def poll(slug: str, *, count_rows: bool = False) -> dict[str, Any]:
    """Poll an element; `rss` is the most memory this process ever held, in MiB, `rows` how many instances it wrote."""
    pk = Element.objects.values_list("pk", flat=True).get(slug=slug)
    rows = RowCounter(Instance._meta.db_table)
    with rows if count_rows else contextlib.nullcontext(), Meter() as meter:
        cpu, wall = cpu_s(), time.monotonic()
        report = poll_once(pk, caller="poll", now=timezone.now())
        cpu, wall = cpu_s() - cpu, time.monotonic() - wall
    assert report is not None and report.ok, report
    return {
        "cpu": cpu,
        "wall": wall,
        "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "queries": meter.queries,
        "rows": rows.written,
        "longest_write_s": meter.longest_write_s,
        "report": asdict(report),
    }


def cpu_s() -> float:
    """Return the CPU time of this process, its threads and the processes it waited for."""
    return sum(os.times()[:4])
