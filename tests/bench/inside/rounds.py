"""Brings all polls forward to one moment and tells how far they have come."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from elements.domain.lanes import BIG_FROM
from elements.models import Element, Poll


def make_due() -> str:
    """Let every element be due now; return that moment."""
    now = timezone.now()
    Poll.objects.update(due_at=now)
    return now.isoformat()


def progress(since: str) -> dict[str, Any]:
    """Return how many elements were read since a moment, and how many of those tries failed."""
    attempted = Poll.objects.filter(attempted_at__gte=since)
    return {"ok": attempted.filter(succeeded_at__gte=since).count(), "failed": attempted.filter(failures__gt=0).count()}


def spread(interval_s: int, first_in_s: float) -> dict[str, str]:
    """Let all elements be due within an interval that begins so much later; return when each is, by its number."""
    begin = timezone.now() + timedelta(seconds=first_in_s)
    elements = list(Poll.objects.order_by("element_id").values_list("element_id", flat=True))
    due = {pk: begin + timedelta(seconds=interval_s * place / len(elements)) for place, pk in enumerate(elements)}
    for pk, at in due.items():
        Poll.objects.filter(element=pk).update(due_at=at, recent=[])
    Element.objects.filter(pk__in=elements).update(interval_s=interval_s)
    return {str(pk): at.isoformat() for pk, at in due.items()}


def lateness(due: dict[str, str], interval_s: int, turns: int) -> dict[str, list[float]]:
    """Return how many seconds after its time each read of the first turns began, and how often each large was read.

    One that was left out is as late as the whole time is long.
    """
    late, large = list[float](), list[float]()
    for pk, total, recent in Poll.objects.values_list("element_id", "counts__total", "recent"):
        begun = [datetime.fromisoformat(at) for at, *_ in recent]
        if (total or 0) >= BIG_FROM:
            large.append(len(begun))
            continue
        for turn in range(turns):
            at = datetime.fromisoformat(due[str(pk)]) + timedelta(seconds=turn * interval_s)
            late.append(max(0.0, (begun[turn] - at).total_seconds()) if turn < len(begun) else turns * interval_s)
    return {"small": late, "large": large}
