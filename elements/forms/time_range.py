"""A stretch of time in an address: the last hour, day or week, or from and to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from elements.domain.naming import clean

CHOICES = {"": "Any time", "1h": "Last hour", "24h": "Last 24 h", "7d": "Last 7 d", "between": "Between…"}
_LENGTHS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
_YEARS = range(2000, 2200)
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The range and the texts it was read from; an open end is None."""

    choice: str = ""
    from_text: str = ""
    to_text: str = ""
    start: datetime | None = None
    end: datetime | None = None

    @classmethod
    def read(cls, query: Mapping[str, str], now: datetime) -> "TimeRange":
        """Read t, from and to; what cannot be read is left open."""
        choice = query.get("t", "")
        if choice in _LENGTHS:
            return cls(choice, start=now - _LENGTHS[choice])
        if choice != "between":
            return cls()
        start, end = (clean(query.get(name, "")[:40]) for name in ("from", "to"))
        return cls(choice, start, end, moment(start), moment(end))

    @property
    def errors(self) -> list[str]:
        """Return what could not be read, in words."""
        given = (("From", self.from_text, self.start), ("To", self.to_text, self.end))
        wrong = [f"{name}: write it as 2026-03-18 14:00, in UTC" for name, text, at in given if text and at is None]
        if self.start and self.end and self.start > self.end:
            wrong.append("From is later than To, so nothing can match")
        return wrong

    @property
    def parameters(self) -> dict[str, str]:
        """Return what stands in an address for it."""
        return {"t": self.choice, "from": self.from_text, "to": self.to_text}


def moment(text: str) -> datetime | None:
    """Read `2026-03-18 14:00` as UTC, with or without seconds, a T, or the time of day."""
    for form in _FORMS:
        try:
            read = datetime.strptime(text.replace("T", " ").removesuffix("Z").strip(), form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return read if read.year in _YEARS else None
    return None
