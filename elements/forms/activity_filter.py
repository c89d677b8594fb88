"""The filter of the Activity page, read from its address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from elements.domain.naming import clean
from elements.forms.time_range import TimeRange
from elements.models import Activity
from elements.models.activities import ActivityQuerySet


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """What to keep; what the address says wrongly is left out."""

    text: str = ""
    user: str = ""
    kind: str = ""
    element: str = ""
    time: TimeRange = field(default_factory=TimeRange)

    @classmethod
    def read(cls, query: Mapping[str, str], now: datetime) -> "ActivityFilter":
        """Read the filter of an address."""
        kind = query.get("kind", "")
        return cls(
            text=clean(query.get("q", "")[:200]),
            user=clean(query.get("user", "")[:150]),
            kind=kind if kind in dict(Activity.KINDS) else "",
            element=clean(query.get("element", "")[:120]),
            time=TimeRange.read(query, now),
        )

    @property
    def parameters(self) -> dict[str, str]:
        """Return what stands in an address for it; nothing for what is left open."""
        given = {"q": self.text, "user": self.user, "kind": self.kind, "element": self.element}
        return {name: value for name, value in {**given, **self.time.parameters}.items() if value}

    def address(self, **more: object) -> str:
        """Return the query string of this filter with some parameters more."""
        return f"?{urlencode({**self.parameters, **more})}"

    def apply(self, entries: ActivityQuerySet) -> ActivityQuerySet:
        """Keep what matches."""
        if self.user:
            entries = entries.filter(username=self.user)
        if self.kind:
            entries = entries.filter(kind=self.kind)
        if self.element:
            entries = entries.filter(element__slug=self.element)
        if self.time.start:
            entries = entries.filter(at__gte=self.time.start)
        if self.time.end:
            entries = entries.filter(at__lte=self.time.end)
        return entries.mentioning(self.text) if self.text else entries
