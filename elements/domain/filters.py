"""The filter language of the Instances page: words joined by "and", `key:value`, a leading - excludes.

`*` is the only wildcard, case does not matter, and values with spaces take quotes. Free text, `name:`, `id:` and
`event:` are looked for anywhere; with a wildcard `name:` and `id:` must be met whole, as all other values always must.
"""

import ipaddress
import re
from dataclasses import dataclass

KEYS = ("state", "checks", "type", "az", "ip", "tag", "event", "launched", "name", "id")
STATE_VALUES = ("pending", "running", "stopping", "stopped", "shutting-down", "terminated", "changing", "gone")
CHECK_VALUES = ("ok", "impaired", "initializing", "insufficient-data", "none")
GONE = "gone"
MAX_TERMS = 20
MAX_TEXT = 500
# Each wildcard costs the database another search through the text.
MAX_WILDCARDS = 8

_WORD = re.compile(r'(-?)(?:([A-Za-z]+):)?((?:"[^"]*"?|[^\s"])*)')
_STARS = re.compile(r"\*{2,}")
_AGE = re.compile(r"([<>])(\d{1,6})([smhdw])\Z", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
# No instance is older; larger numbers would leave the calendar.
_LONGEST_S = 100 * 365 * 86_400
_SYNONYMS = {"failing": "impaired", "failed": "impaired", "passed": "ok"}


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
    def anywhere(self) -> str:
        """Return the value as a pattern that is met anywhere in a text, unless it brings its own wildcards."""
        return self.value if self.has_wildcard else f"*{self.value}*"

    def choose(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """Return the values meant: those that begin so, or that the whole pattern meets."""
        if not self.has_wildcard:
            return tuple(name for name in values if name.startswith(self.value))
        pattern = re.compile(".*".join(re.escape(piece) for piece in self.value.split("*")))
        return tuple(name for name in values if pattern.fullmatch(name))


@dataclass(frozen=True, slots=True)
class Age:
    """A limit for `launched:`; younger than so many seconds, or older."""

    younger: bool
    seconds: int


def parse(text: str) -> list[Term]:
    """Read a filter; raises InvalidFilter."""
    if len(text) > MAX_TEXT:
        raise InvalidFilter(f"The filter is longer than {MAX_TEXT} characters.")
    text = text.replace("\0", "").encode("utf-8", "replace").decode()
    terms = [term for match in _WORD.finditer(text) if (term := _term(match)) is not None]
    if len(terms) > MAX_TERMS:
        raise InvalidFilter(f"The filter has more than {MAX_TERMS} words.")
    return terms


def wants_gone(terms: list[Term]) -> bool:
    """Tell whether the filter asks for instances AWS no longer lists; all others leave them out."""
    return any(term.key == "state" and not term.excluded and GONE in states(term) for term in terms)


def depends_on_time(terms: list[Term]) -> bool:
    """Tell whether time alone can change what a filter means."""
    return any(term.key == "launched" for term in terms)


def states(term: Term) -> tuple[str, ...]:
    """Return the values of `state:` that a term means; a beginning is enough."""
    return term.choose(STATE_VALUES)


def checks(term: Term) -> tuple[str, ...]:
    """Return the values of `checks:` that a term means; a beginning is enough."""
    found = term.choose(CHECK_VALUES) or term.choose(tuple(_SYNONYMS))
    return tuple(_SYNONYMS.get(name, name) for name in found)


def age(value: str) -> Age:
    """Read the value of `launched:`, for example <24h; raises InvalidFilter."""
    found = _AGE.match(value)
    if found is None:
        raise InvalidFilter("Write launched:<24h or launched:>7d, with s, m, h, d or w.")
    sign, number, unit = found.groups()
    return Age(sign == "<", min(int(number) * _SECONDS[unit], _LONGEST_S))


def network(value: str) -> tuple[int, int] | None:
    """Return the first and last address of `10.20.4.0/24` as numbers, None for a plain address or pattern."""
    if "/" not in value:
        return None
    try:
        block = ipaddress.IPv4Network(value, strict=False)
    except ValueError:
        raise InvalidFilter(f"{value} is no network. Write ip:10.20.4.0/24 or ip:10.20.4.*") from None
    return int(block.network_address), int(block.broadcast_address)


def _term(match: re.Match[str]) -> Term | None:
    minus, key, raw = match.groups()
    value = _STARS.sub("*", raw.replace('"', "").lower())
    key = (key or "").lower()
    if key and key not in KEYS:
        known = ", ".join(f"{name}:" for name in KEYS)
        raise InvalidFilter(f"There is no filter {key}:. Try {known}")
    if value in ("", "-"):
        return None  # still being typed
    if value.count("*") > MAX_WILDCARDS:
        raise InvalidFilter(f"A word may hold {MAX_WILDCARDS} wildcards.")
    term = Term(key, value, bool(minus))
    _check(term)
    return term


def _check(term: Term) -> None:
    if term.key == "state" and not states(term):
        raise InvalidFilter(f"There is no state {term.value}. Try {', '.join(STATE_VALUES)}")
    if term.key == "checks" and not checks(term):
        raise InvalidFilter(f"There are no checks {term.value}. Try {', '.join(CHECK_VALUES)}")
    if term.key == "launched":
        age(term.value)
    if term.key == "ip":
        network(term.value)
