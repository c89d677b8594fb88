"""What needs a person, worst first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Count, F, Q, Window
from django.urls import reverse

from elements.domain.connections import why_late
from elements.domain.scheduled_events import STOPPING_CODES, event_icon
from elements.domain.wording import paced, plural
from elements.models import Action, Instance, ScheduledEvent
from elements.models.actions import ENDED_BADLY
from elements.models.instances import CHECKS, HEAVY_FIELDS
from elements.tables.overview import Row

LIMIT = 50
SOON = timedelta(hours=48)
URGENT = timedelta(hours=24)
# An event that has begun and of which AWS gives no end is told for this long; so is a failed action.
RECENT = timedelta(hours=24)
NOT_CONNECTED, STOPPING, FAILING, FAILED, SCHEDULED, LATE = range(6)

_CHECK_WORDS = dict(zip(CHECKS, ("system", "instance", "attached EBS"), strict=True))
_WILL = {
    "instance-stop": "AWS will stop",
    "instance-retirement": "AWS will retire",
    "instance-reboot": "AWS will reboot",
    "system-reboot": "AWS will reboot the host of",
    "system-maintenance": "AWS will maintain the host of",
}
_DOES = {
    "instance-stop": "AWS is stopping",
    "instance-retirement": "AWS is retiring",
    "instance-reboot": "AWS is rebooting",
    "system-reboot": "AWS is rebooting the host of",
    "system-maintenance": "AWS is maintaining the host of",
}
_ENDINGS = {"unknown": "Outcome unknown: {} of", "expired": "Not sent: {} of"}
_NO_WORKER = "No worker has polled this element. Check that the ec2mon workers are running."
_NO_DEADLINE = "No deadline, so it cannot be rescheduled."
_MOVE_HOST = "Stop and start it first to move it to new hardware."
_NO_MOVE = "Its root volume is an instance store: save its data and replace it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line of fact, one of cause and advice, an age or countdown, at most one button.

    The fact is `before`, `name` with its link, `after`; `at` reads as `lead`, the time in `mode`, `tail`. The cause
    ends with `deadline`, and with how old the data is that it speaks of.
    """

    rank: int
    tone: str
    icon: str
    name: str
    href: str
    before: str = ""
    after: str = ""
    element: str = ""
    cause: str = ""
    deadline: datetime | None = None
    shown: str = ""
    data_at: datetime | None = None
    at: datetime | None = None
    mode: str = "age"
    lead: str = ""
    tail: str = ""
    action: str = ""
    action_href: str = ""


@dataclass(frozen=True, slots=True)
class Attention:
    """The items that are shown, and how many there are."""

    items: tuple[Item, ...]
    total: int

    @property
    def more(self) -> int:
        """Return how many are not shown."""
        return self.total - len(self.items)


def attention(rows: Sequence[Row], user: User | AnonymousUser, now: datetime) -> Attention:
    """Collect what needs somebody, from the elements' rows and three queries about what the user may see."""
    by_pk = {row.element.pk: row for row in rows}
    found = [item for row in rows if (item := _connection_item(row, now))]
    total = len(found)
    queries: tuple[tuple[Any, Any], ...] = (
        (_failing(by_pk), _failing_item),
        (_failed(now).visible_to(user), _failed_item),
        (_events(now).visible_to(user), lambda event, row: _event_item(event, row, now)),
    )
    for records, describe in queries:
        part = list(records[:LIMIT])
        found += [describe(record, by_pk[record.element_id]) for record in part if record.element_id in by_pk]
        total += part[0].total if part else 0
    return Attention(tuple(sorted(found, key=lambda item: item.rank)[:LIMIT]), total)


def _connection_item(row: Row, now: datetime) -> Item | None:
    match row.connection.state:
        case "not-connected":
            return _not_connected(row)
        case "late":
            return _late(row, now)
        case "connected" if row.poll and row.poll.status_failed_since:
            return _status_late(row)
    return None


def _not_connected(row: Row) -> Item:
    element, poll = row.element, row.poll
    about_keys = element.account_changed or bool(poll and poll.refused)
    page = "general" if about_keys else "debug"
    action = "Check account" if element.account_changed else "Check credentials" if about_keys else "Debug records"
    shown = f"{plural(row.total, 'instance')} {'is' if row.total == 1 else 'are'} shown as"
    return Item(
        rank=NOT_CONNECTED,
        tone="crit",
        icon="c-fail",
        name=element.name,
        href=reverse("elements:general", args=[element.slug]),
        after="is not connected: its keys belong to another account" if element.account_changed else "is not connected",
        cause=(poll and poll.failure_text) or _NO_WORKER,
        shown=f"{shown} {'it was' if row.total == 1 else 'they were'}" if row.data_at else "",
        data_at=row.data_at,
        action=action,
        action_href=reverse(f"elements:{page}", args=[element.slug]),
    )


def _late(row: Row, now: datetime) -> Item:
    poll, code = row.poll, row.poll.failure_code if row.poll else ""
    if poll and poll.paced_until and poll.is_paced(now):
        cause = paced(row.element.account_id, row.element.region, poll.paced_until)
    elif poll and poll.throttled:
        cause = f"AWS is throttling requests{f' ({code})' if code else ''}. Polling continues with longer gaps."
    else:
        unhurried = why_late(poll.duration_ms if poll else None, row.element.interval_s)
        cause = poll.failure_text if poll and poll.failures else unhurried
    href = reverse("elements:debug", args=[row.element.slug])
    about: dict[str, Any] = {"rank": LATE, "tone": "warn", "icon": "c-late", "name": row.element.name, "href": href}
    return Item(**about, after="is late", cause=cause, at=row.data_at, tail="old" if row.data_at else "")


def _status_late(row: Row) -> Item:
    return Item(
        rank=LATE,
        tone="warn",
        icon="s-alert",
        name=row.element.name,
        href=reverse("elements:debug", args=[row.element.slug]),
        before="Status checks are not up to date in",
        cause=f"{row.poll.status_failure_text if row.poll else ''} Scheduled events are as last known, too.",
        at=row.poll.status_failed_since if row.poll else None,
        lead="for",
    )


def _failing(by_pk: Mapping[int, Row]) -> Any:
    having = [pk for pk, row in by_pk.items() if row.failing]
    rows = Instance.objects.filter(element__in=having).listed().failing().light()
    return rows.annotate(total=Window(Count("pk"))).order_by(F("impaired_since_at").desc(nulls_last=True), "pk")


def _failing_item(instance: Instance, row: Row) -> Item:
    failed = [word for check, word in _CHECK_WORDS.items() if getattr(instance, check) == "impaired"]
    made = [check for check in CHECKS if getattr(instance, check) not in ("", "not-applicable")]
    checks = [f"{_CHECK_WORDS[check]} {int(getattr(instance, check) == 'ok')}/1" for check in made]
    names = " and ".join(filter(None, (", ".join(failed[:-1]), *failed[-1:])))
    return Item(
        rank=FAILING,
        tone="crit",
        icon="s-alert",
        name=instance.display_name,
        href=_instance_href(row, instance.instance_id),
        after=f"fails its {names} status check{'s' if len(failed) > 1 else ''}",
        element=row.element.name,
        cause=f"{', '.join(checks)}.".capitalize().replace(" ebs", " EBS"),
        data_at=_stale(row),
        at=instance.impaired_since_at,
        lead="for",
    )


def _failed(now: datetime) -> Any:
    """Return the failed actions of the last day; not where it was asked again, or got there otherwise."""
    ended = Action.objects.filter(status__in=ENDED_BADLY, settled_at__gte=now - RECENT)
    reached = Q(verb="start", instance__state="running") | Q(verb="stop", instance__state="stopped")
    listed = Q(instance__isnull=False, instance__gone_at__isnull=True)
    ended = ended.filter(listed).exclude(reached).latest_of_instance()
    return ended.annotate(total=Window(Count("pk"))).order_by("-settled_at", "-pk")


def _failed_item(action: Action, row: Row) -> Item:
    verb = action.verb.capitalize()
    before = _ENDINGS.get(action.status, "{} failed for").format(verb if action.status not in _ENDINGS else action.verb)
    debug = reverse("elements:debug", args=[row.element.slug], query={"q": action.request_id})
    return Item(
        rank=FAILED,
        tone="warn" if action.status in _ENDINGS else "crit",
        icon="s-alert",
        name=action.instance_name or action.instance_id_text,
        href=_instance_href(row, action.instance_id_text),
        before=before,
        element=row.element.name,
        cause=f"{action.message} Requested by {action.requested_by}.".strip(),
        at=action.settled_at,
        mode="in",
        action="Debug record" if action.request_id else "",
        action_href=f"{debug}#{action.request_id}" if action.request_id else "",
    )


def _events(now: datetime) -> Any:
    """Return the scheduled events within 48 h, and those that go on."""
    goes_on = Q(not_after__gt=now) | Q(not_after__isnull=True, not_before__gt=now - RECENT)
    events = ScheduledEvent.objects.active().filter(Q(not_before__gt=now) | goes_on, not_before__lte=now + SOON)
    heavy = [f"instance__{field}" for field in HEAVY_FIELDS]
    events = events.select_related("instance").defer(*heavy)
    return events.annotate(total=Window(Count("pk"))).order_by("not_before", "pk")


def _event_item(event: ScheduledEvent, row: Row, now: datetime) -> Item:
    begun = event.not_before is not None and event.not_before <= now
    stopping = event.code in STOPPING_CODES and event.not_before is not None and event.not_before <= now + URGENT
    words = (_DOES if begun else _WILL).get(event.code, f"AWS {'has begun' if begun else 'announced'} {event.code} for")
    return Item(
        rank=STOPPING if stopping else SCHEDULED,
        tone="crit" if stopping else event.tone(now) or "warn",
        icon="i-stop" if stopping else event_icon(event.code),
        name=event.instance.display_name if event.instance else event.instance_name or event.instance_id_text,
        href=_instance_href(row, event.instance_id_text),
        before=words,
        element=row.element.name,
        cause=_advice(event, begun),
        deadline=None if begun else event.not_before_deadline,
        data_at=_stale(row),
        at=event.not_before,
        mode="age" if begun else "in",
        lead="for" if begun else "",
    )


def _advice(event: ScheduledEvent, begun: bool) -> str:
    about = f"{event.description.rstrip('.')}." if event.description else ""
    if begun:
        return f"{about} It has begun and cannot be moved any more.".strip()
    if event.not_before_deadline:
        return f"{about} Can be moved to a later time until".strip()
    if event.code not in STOPPING_CODES:
        return f"{about} {_NO_DEADLINE}".strip()
    stuck = event.instance is not None and event.instance.root_device_type == "instance-store"
    return f"{about} {_NO_DEADLINE} {_NO_MOVE if stuck else _MOVE_HOST}".strip()


def _stale(row: Row) -> datetime | None:
    return row.data_at if row.connection.state in ("not-connected", "paused") else None


def _instance_href(row: Row, instance_id: str) -> str:
    return reverse("elements:instance", args=[row.element.slug, instance_id])
