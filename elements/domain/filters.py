"""The filter language of the Instances page: words joined by "and", `key:value`, a leading - excludes."""

import re
from dataclasses import dataclass

KEYS = ("state", "checks", "type", "az", "ip", "tag", "event", "launched", "name", "id")
CHECK_VALUES = ("ok", "impaired", "initializing", "insufficient-data")
STATE_VALUES = ("pending", "running", "stopping", "stopped", "shutting-down", "terminated", "changing", "gone")
MAX_TERMS = 20
MAX_TEXT = 500

_WORD = re.compile(r'(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S+))')
_AGE = re.compile(r"([<>])(\d{1,6})([smhdw])\Z")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class InvalidFilter(Exception):
    """A filter that cannot be understood; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter. `key` is "" for free text; `value` is in lower case and may hold * as wildcard."""

    key: str
    value: str
    excluded: bool = False

    @property
    def has_wildcard(self) -> bool:
        """Tell whether the value holds a wildcard."""
        return "*" in self.value

    @property
    def regex(self) -> str:
        """Return the value as an anchored regular expression in which only * is special."""
        return "^" + ".*".join(re.escape(piece) for piece in self.value.split("*")) + "$"


@dataclass(frozen=True, slots=True)
class Age:
    """A limit for `launched:`; younger than so many seconds, or older."""

    younger: bool
    seconds: int


def parse(text: str) -> list[Term]:
    """Read a filter; raises InvalidFilter."""
    text = text.replace("\0", "")
    if len(text) > MAX_TEXT:
        raise InvalidFilter(f"The filter is longer than {MAX_TEXT} characters.")
    terms = [term for match in _WORD.finditer(text) if (term := _term(match)) is not None]
    if len(terms) > MAX_TERMS:
        raise InvalidFilter(f"The filter has more than {MAX_TERMS} words.")
    return terms


def age(value: str) -> Age:
    """Read the value of `launched:`, for example <24h; raises InvalidFilter."""
    found = _AGE.match(value)
    if found is None:
        raise InvalidFilter("Write launched:<24h or launched:>7d.")
    sign, number, unit = found.groups()
    return Age(sign == "<", int(number) * _SECONDS[unit])


def _term(match: re.Match[str]) -> Term | None:
    minus, key, quoted, plain = match.groups()
    value = (quoted if quoted is not None else plain or "").lower()
    key = (key or "").lower()
    if key and key not in KEYS:
        known = ", ".join(f"{name}:" for name in KEYS)
        raise InvalidFilter(f"There is no filter {key}:. Try {known}")
    if not value or value == "-" or (not key and value.endswith(":") and value[:-1] in KEYS):
        return None  # still being typed
    _check(key, value)
    return Term(key, value, bool(minus))


def _check(key: str, value: str) -> None:
    if key == "state" and not any(name.startswith(value) for name in STATE_VALUES):
        raise InvalidFilter(f"There is no state {value}. Try {', '.join(STATE_VALUES)}")
    if key == "checks" and not any(name.startswith(value) for name in (*CHECK_VALUES, "failing", "passed")):
        raise InvalidFilter(f"There are no checks {value}. Try {', '.join(CHECK_VALUES)}")
    if key == "launched":
        age(value)
