"""What differs between what we hold and what AWS shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Known:
    """What a stored row tells a comparison."""

    digest: str
    status_digest: str
    state: str
    state_since_at: datetime | None
    observed_at: datetime
    is_gone: bool


@dataclass(frozen=True, slots=True)
class Changes:
    """Instance IDs by what happened to them."""

    added: frozenset[str]
    changed: frozenset[str]
    removed: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def compare(
    known: Mapping[str, Known],
    seen: Mapping[str, Mapping[str, Any]],
    *,
    read_at: datetime,
    complete: bool,
) -> Changes:
    """Sort what AWS shows against what we hold.

    `seen` holds rows of new values by instance ID. Old news loses: a row observed after the read began is
    left alone. Only a complete read may miss an instance.
    """
    added, changed = set(), set()
    for instance_id, values in seen.items():
        row = known.get(instance_id)
        if row is None:
            added.add(instance_id)
        elif row.observed_at <= read_at and (row.is_gone or _differs(row, values)):
            changed.add(instance_id)
    removed = set()
    if complete:
        removed = {
            instance_id
            for instance_id, row in known.items()
            if instance_id not in seen and not row.is_gone and row.observed_at <= read_at
        }
    return Changes(frozenset(added), frozenset(changed), frozenset(removed))


def _differs(row: Known, values: Mapping[str, Any]) -> bool:
    if row.digest != values["digest"]:
        return True
    return "status_digest" in values and row.status_digest != values["status_digest"]
