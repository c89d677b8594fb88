"""How times, numbers and words are written (the interface guide, chapter 7)."""

import unicodedata
from datetime import datetime, timedelta

NB = "\u00a0"
_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 31_536_000


def span(seconds: float) -> str:
    """Return a length of time in at most two units: `6 s`, `3 h 27 min`, `22 d`, `1 y 36 d`."""
    whole = int(abs(seconds))
    if whole >= _YEAR:
        return _pair(whole // _YEAR, "y", whole % _YEAR // _DAY, "d")
    if whole >= _DAY:
        days = whole // _DAY
        return _pair(days, "d", whole % _DAY // _HOUR if days < 10 else 0, "h")
    if whole >= _HOUR:
        return _pair(whole // _HOUR, "h", whole % _HOUR // _MINUTE, "min")
    return f"{whole // _MINUTE}{NB}min" if whole >= _MINUTE else f"{whole}{NB}s"


def relative(moment: datetime, now: datetime) -> str:
    """Return `in 3 h` or `6 s ago`."""
    seconds = (moment - now).total_seconds()
    return f"in {span(seconds)}" if seconds > 0 else f"{span(seconds)} ago"


def absolute(moment: datetime, precision: str = "s") -> str:
    """Return a UTC moment as `2026-03-18 14:02:05`; precision m leaves the seconds out, t the date."""
    forms = {"s": "%Y-%m-%d %H:%M:%S", "m": "%Y-%m-%d %H:%M", "t": "%H:%M:%S", "h": "%H:%M"}
    return moment.strftime(forms[precision])


def weekday(moment: datetime) -> str:
    """Return `Thu 19 March 2026, 02:00`."""
    return f"{moment:%a} {moment.day} {moment:%B %Y, %H:%M}"


def duration(milliseconds: float) -> str:
    """Return `412 ms` below a second and `2.2 s` from there."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f}{NB}ms"
    return f"{milliseconds / 1000:.1f}{NB}s"


def grouped(number: int) -> str:
    """Return a number in groups of three, with no-break spaces."""
    return f"{number:,}".replace(",", NB)


def account(account_id: str) -> str:
    """Return an account in groups of four."""
    return NB.join(account_id[start : start + 4] for start in range(0, len(account_id), 4))


def paced(account_id: str, region: str, until: datetime) -> str:
    """Return why an element is polled less often than it should be."""
    whose = f"account {account(account_id)}" if account_id else "this access key"
    return f"AWS throttles requests of {whose} in {region}; polls are spaced until {absolute(until, 'h')} UTC."


def visible(text: str) -> str:
    """Return a text from outside with each of its control characters shown as ·."""
    if text.isprintable():
        return text
    return "".join("·" if unicodedata.category(char) == "Cc" else char for char in text)


def plural(number: int, one: str, many: str = "") -> str:
    """Return `1 instance` or `5 instances`."""
    return f"{grouped(number)} {one if number == 1 else many or one + 's'}"


def interval(seconds: int) -> str:
    """Return a polling interval in words."""
    return span(timedelta(seconds=seconds).total_seconds())


def _pair(first: int, first_unit: str, second: int, second_unit: str) -> str:
    text = f"{first}{NB}{first_unit}"
    return f"{text} {second}{NB}{second_unit}" if second else text
