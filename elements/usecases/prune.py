"""Remove what has been kept long enough, in small steps that hold no lock for long."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from elements.models import Action, DebugRecord, Element, Instance, ScheduledEvent, WorkerBeat

STEP = 500
STEPS_PER_RUN = 20
ACTION_DAYS = 90


def prune(now: datetime) -> None:
    """Apply every element's retention: gone instances, ended scheduled events, Debug records, actions."""
    for element in Element.objects.all():
        _in_steps(element.instances.filter(gone_at__lt=_days_ago(now, element.gone_retention_days)))
        ended = element.scheduled_events.filter(cleared_at__lt=_days_ago(now, element.event_retention_days))
        _in_steps(ended)
        _in_steps(element.debug_records.filter(at__lt=_days_ago(now, element.debug_retention_days)))
        _in_steps(_surplus_records(element))
    settled = Action.objects.filter(settled_at__lt=_days_ago(now, ACTION_DAYS))
    _in_steps(settled)
    WorkerBeat.objects.filter(at__lt=_days_ago(now, 1)).delete()


def _surplus_records(element: Element) -> "QuerySet[DebugRecord]":
    """Return the records older than the newest `debug_max_rows`."""
    newest = element.debug_records.newest().values_list("pk", flat=True)
    oldest_kept = newest[max(element.debug_max_rows - 1, 0) : element.debug_max_rows].first()
    if oldest_kept is None:
        return element.debug_records.none()
    return element.debug_records.filter(pk__lt=oldest_kept)


def _in_steps(rows: "QuerySet[Instance] | QuerySet[ScheduledEvent] | QuerySet[DebugRecord] | QuerySet[Action]") -> None:
    for _ in range(STEPS_PER_RUN):
        pks = list(rows.order_by("pk").values_list("pk", flat=True)[:STEP])
        if pks:
            rows.model.objects.filter(pk__in=pks).delete()
        if len(pks) < STEP:
            return


def _days_ago(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)
