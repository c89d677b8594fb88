"""Brings all polls forward to one moment and tells how far they have come."""

from typing import Any

from django.utils import timezone

from elements.models import Poll


def make_due() -> str:
    """Let every element be due now; return that moment."""
    now = timezone.now()
    Poll.objects.update(due_at=now)
    return now.isoformat()


def progress(since: str) -> dict[str, Any]:
    """Return how many elements were read since a moment, and how many of those tries failed."""
    attempted = Poll.objects.filter(attempted_at__gte=since)
    return {"ok": attempted.filter(succeeded_at__gte=since).count(), "failed": attempted.filter(failures__gt=0).count()}
