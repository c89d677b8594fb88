"""When a scheduled event may be moved, and to when (EC2 user guide, "Reschedule scheduled events")."""

import re
from datetime import UTC, datetime, timedelta

from elements.domain.wording import absolute

NOTICE = timedelta(minutes=60)
LAST_MOMENT = timedelta(minutes=5)
_FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(?::00)?Z?\Z")


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


def parse_start(text: str, *, deadline: datetime, now: datetime) -> datetime:
    """Read `2026-03-19 02:00` as UTC; raises InvalidStart with the limit that it breaks."""
    form = _FORM.match(text.strip())
    if form is None:
        raise InvalidStart("Write it as 2026-03-19 02:00, in UTC.")
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
    return start


def earliest_start(now: datetime) -> datetime:
    """Return the first whole minute that AWS's notice allows, with a minute to fill the form in."""
    soonest = now + NOTICE + timedelta(minutes=1)
    return soonest.replace(second=0, microsecond=0) + timedelta(minutes=1)
