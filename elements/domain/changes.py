"""What differs between what we hold and what AWS shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Name:
    """The name an instance is shown by, and the one its format gives, which other instances may have too."""

    text: str
    plain: str

    @property
    def is_shared(self) -> bool:
        """Tell whether it had to be made unique."""
        return self.text != self.plain


@dataclass(frozen=True, slots=True)
class Known:
    """What a stored row tells a comparison."""

    name: Name
    is_gone: bool
    raw_digest: bytes
    status_raw_digest: bytes
    state: str
    state_since_at: datetime | None
    observed_at: datetime
    search: str
    digest: str
    status_digest: str


@dataclass(frozen=True, slots=True)
class Changes:
    """How many instances there were to which something happened."""

    added: int = 0
    changed: int = 0
    gone: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.gone)

    def __add__(self, other: "Changes") -> "Changes":
        return Changes(self.added + other.added, self.changed + other.changed, self.gone + other.gone)


def differs(row: Known, values: Mapping[str, Any]) -> bool:
    """Tell whether new values of a row say anything else than the row; what they do not hold stays as it is."""
    if row.is_gone:
        return True
    if "display_name" in values and Name(values["display_name"], values["plain_name"]) != row.name:
        return True
    return values.get("digest", row.digest) != row.digest or (
        values.get("status_digest", row.status_digest) != row.status_digest
    )
