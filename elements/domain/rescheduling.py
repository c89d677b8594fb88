"""When a scheduled event may be moved, and to when (EC2 user guide, "Reschedule scheduled events")."""

import re
from datetime import UTC, datetime, timedelta

from elements.domain.connections import Connection
from elements.domain.wording import absolute

AS_WRITTEN = "Write it as 2026-03-19 02:00, in UTC."
NOTICE = timedelta(minutes=60)
LAST_MOMENT = timedelta(minutes=5)
# AWS shows a new start after a minute or two; what it does not show by then it did not take, or took differently.
SHOWN_LATEST = timedelta(minutes=10)
_FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::00)?Z?\Z", re.ASCII)
_SATURDAY = 5


class InvalidStart(Exception):
    """A new start that AWS would refuse; the message names the limit."""


def obstacle(*, active: bool, not_before: datetime | None, deadline: datetime | None, now: datetime) -> str:
    """Return why an event cannot be moved, "" when it can."""
    if not active:
        return "It is over"
    if not_before is not None and not_before <= now:
        return "Already started"
    if deadline is None:
        return "Cannot be moved"
    if not_before is not None and not_before - now <= LAST_MOMENT:
        return "Starts within 5 min"
    if deadline < now + NOTICE:
        return "Too close to the latest start"
    return ""


def closed(connection: Connection) -> str:
    """Return why AWS is not asked for anything in this connection state, "" when it may be asked."""
    match connection.state:
        case "paused":
            return "Polling of this element is paused, so the new start could not be seen. Resume it first."
        case "not-connected":
            return "This element is not connected. Nothing can be rescheduled until the connection is back."
        case "new":
            return "This element waits for its first poll."
        case _:
            return ""


def is_overdue(requested_at: datetime | None, now: datetime) -> bool:
    """Tell whether AWS should have shown a requested start by now."""
    return requested_at is not None and now - requested_at >= SHOWN_LATEST


def quick_choices(deadline: datetime, now: datetime) -> list[tuple[str, datetime]]:
    """Return starts that suit most: the quiet hours of the next night, of Saturday, and the last one possible."""
    latest = deadline.replace(second=0, microsecond=0)
    wanted = [
        ("Next 02:00", _next(2, now)),
        ("Next 04:00", _next(4, now)),
        ("Saturday 03:00", _next(3, now, _SATURDAY)),
        ("Latest possible", latest),
    ]
    return [(label, start) for label, start in wanted if now + NOTICE <= start <= latest]


def _next(hour: int, now: datetime, weekday: int | None = None) -> datetime:
    start = now.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    while start < earliest_start(now) or (weekday is not None and start.weekday() != weekday):
        start += timedelta(days=1)
    return start


def parse_start(text: str, *, not_before: datetime | None, deadline: datetime, now: datetime) -> datetime:
    """Read `2026-03-19 02:00` as UTC; raises InvalidStart with the limit that it breaks."""
    form = _FORM.match(text.strip())
    if form is None:
        raise InvalidStart(AS_WRITTEN)
    try:
        year, month, day, hour, minute = map(int, form.groups())
        start = datetime(year, month, day, hour, minute, tzinfo=UTC)
    except ValueError:
        raise InvalidStart("There is no such day or time. Write it as 2026-03-19 02:00, in UTC.") from None
    if start < now + NOTICE:
        earliest = earliest_start(now)
        raise InvalidStart(f"AWS needs at least 60 min notice: {absolute(earliest, 'm')} UTC or later.")
    if start > deadline:
        raise InvalidStart(f"After the deadline AWS set: {absolute(deadline, 'm')} UTC.")
    if start == not_before:
        raise InvalidStart("It starts then already.")
    return start


def earliest_start(now: datetime) -> datetime:
    """Return the first whole minute that AWS's notice allows, with a minute to fill the form in."""
    soonest = now + NOTICE + timedelta(minutes=1)
    return soonest.replace(second=0, microsecond=0) + timedelta(minutes=1)
