"""What takes days to come about, written into the database: run it inside a product, `manage.py shell -c …`."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from elements.models import Change, DebugRecord, Element, Instance, Poll, ScheduledEvent

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_POLLED = ("DescribeInstanceStatus", "DescribeInstances")
_REFUSED = {"outcome": "error", "http_status": 400}


def as_in_the_mock() -> None:
    """Age the elements of mock_world."""
    now = timezone.now()
    Instance.objects.update(first_seen_at=now - 30 * _DAY)
    ScheduledEvent.objects.filter(stage="scheduled").update(first_seen_at=now - timedelta(hours=20))
    for element in Element.objects.with_poll():
        _poll_for_long(element, now)
    Element.objects.update(keys_stored_at=now - 6 * _DAY, keys_stored_by="maria.k")
    fail_since(Element.objects.get(slug="n-virginia-ott-origin"), now - 42 * _MINUTE, now)
    paused = Element.objects.get(paused=True)
    paused.paused_at, paused.paused_by = now - timedelta(hours=51), "j.ortiz"
    paused.save(update_fields=["paused_at", "paused_by"])
    Poll.objects.filter(element=paused).update(succeeded_at=paused.paused_at, attempted_at=paused.paused_at)
    _forget(Element.objects.get(name__startswith="Sydney"), now)
    Poll.objects.filter(element__slug="ireland-contribution").update(
        due_at=now + _DAY, succeeded_at=now - timedelta(seconds=67), throttled=True, failures=2
    )
    Element.objects.filter(slug="ireland-contribution").update(interval_s=120)
    frankfurt = Element.objects.get(slug="frankfurt-playout")
    _live(frankfurt.instances.get(display_name="playout-b-main"), now)
    _busy_hour(frankfurt, now)


def under_stress() -> None:
    """Age the elements of stress_pictures."""
    now = timezone.now()
    fail_since(Element.objects.get(name="Failing for a day"), now - _DAY, now)
    _forget(Element.objects.get(name="Never polled"), now)


def _forget(element: Element, now: datetime) -> None:
    """Let an element look as if it had just been saved."""
    Poll.objects.filter(element=element).update(
        due_at=now + _DAY, attempted_at=None, succeeded_at=None, started_at=None, recent=[]
    )
    Element.objects.filter(pk=element.pk).update(account_id="", created_at=now)


def fail_since(element: Element, since: datetime, now: datetime) -> None:
    """Let an element whose keys are refused look as if it had been refused since a moment."""
    tries = int((now - since).total_seconds() // 60) + 1
    Poll.objects.filter(element=element).update(
        succeeded_at=since, failed_since=since, failures=tries, recent=_recent(now, failed=min(tries, 60), every_s=60)
    )
    Instance.objects.filter(element=element).update(observed_at=since)
    Element.objects.filter(pk=element.pk).update(interval_s=60)


def _poll_for_long(element: Element, now: datetime) -> None:
    late = element.slug.startswith("ireland")
    Poll.objects.filter(element=element).update(recent=_recent(now, slow=range(50, 60) if late else (41,), every_s=30))


def _recent(now: datetime, *, failed: int = 0, slow: Any = (), every_s: int) -> list[list[Any]]:
    """Return the results of 60 polls: the last ones failed, some were slow, and the others took 0.4 s."""
    return [
        [
            (now - timedelta(seconds=every_s * (60 - number))).isoformat(timespec="seconds"),
            "failed" if number >= 60 - failed else "slow" if number in slow else "ok",
            2210 if number in slow else 380 + number * 7 % 90,
        ]
        for number in range(60)
    ]


def _live(instance: Instance, now: datetime) -> None:
    """Give an instance a week: stopped by somebody else, started here, not observed for a while, failing now."""
    Change.objects.filter(instance_id_text=instance.instance_id).update(at=now - 9 * _MINUTE)
    Instance.objects.filter(pk=instance.pk).update(
        impaired_since_at=now - 9 * _MINUTE, state_since_at=now - timedelta(hours=80)
    )
    Change.objects.filter(instance_id_text=instance.instance_id, kind="event").update(at=now - timedelta(hours=20))
    stopped, started, blind = now - timedelta(hours=88), now - timedelta(hours=80), now - timedelta(hours=51)
    common: dict[str, Any] = {"element": instance.element, "instance_id_text": instance.instance_id, "kind": "state"}
    said = {"reason_code": "Client.UserInitiatedShutdown", "reason": "User initiated shutdown"}
    for at, before, after, more in (
        (stopped, "running", "stopping", said),
        (stopped + 2 * _MINUTE, "stopping", "stopped", said),
        (started, "stopped", "pending", {"by": "j.ortiz"}),
        (started + timedelta(seconds=41), "pending", "running", {"by": "j.ortiz"}),
    ):
        Change.objects.create(at=at, before=before, after=after, **common, **more)
    Change.objects.create(
        element=instance.element, kind="gap", at=blind + 42 * _MINUTE, from_at=blind, to_at=blind + 42 * _MINUTE
    )


def _busy_hour(element: Element, now: datetime) -> None:
    """Fill an hour with the records of polls, of which a few were slow, repeated, throttled or not answered."""
    present = list(DebugRecord.objects.filter(element=element).order_by("id"))
    patterns = [next(each for each in present if each.operation == name) for name in _POLLED]
    records = [_record(patterns[number % 2], number) for number in range(240)]
    for number, record in enumerate(records):
        record.at = now - timedelta(seconds=30 * (number // 2) + 95)
    for record in present:
        record.id = None
    # records are shown in the order in which they were written
    DebugRecord.objects.filter(element=element).delete()
    DebugRecord.objects.bulk_create([*reversed(records), *present])


def _record(pattern: DebugRecord, number: int) -> DebugRecord:
    values = {field.name: getattr(pattern, field.name) for field in DebugRecord._meta.fields if field.name != "id"}
    values |= {
        "caller": "poll",
        "duration_ms": 160 + number * 37 % 280,
        "request_id": f"{number * 7919:08x}-dcab-0ec0-dddc-4b594281f6ee",
    }
    if number == 6:
        values |= {"error_code": "RequestLimitExceeded", "duration_ms": 6034, "attempt": 4, **_REFUSED}
        values |= {"http_status": 503, "response": {}, "returned": None}
    elif number in (2, 44, 91):
        values |= {"attempt": 3, "duration_ms": 2210}
    return DebugRecord(**values)
