"""The filter of the Debug page, read from its address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from elements.domain.debug_results import OPERATIONS, is_request_id
from elements.domain.naming import clean
from elements.forms.time_range import TimeRange
from elements.models.debug_records import DebugRecordQuerySet

RESULTS = {"ok": "Succeeded", "failed": "Failed", "throttled": "Throttled", "retried": "Retried"}
CAUSES = {"polling": "Polling", "users": "Users", "command": "Command"}


@dataclass(frozen=True, slots=True)
class DebugFilter:
    """What to keep; what the address says wrongly is left out."""

    text: str = ""
    operation: str = ""
    result: str = ""
    by: str = ""
    instance: str = ""
    time: TimeRange = field(default_factory=TimeRange)

    @classmethod
    def read(cls, query: Mapping[str, str], now: datetime) -> "DebugFilter":
        """Read the filter of an address."""
        operation, result = query.get("op", ""), query.get("result", "")
        return cls(
            text=clean(query.get("q", "")[:200]),
            operation=operation if operation in OPERATIONS else "",
            result=result if result in RESULTS else "",
            by=clean(query.get("by", "")[:150]),
            instance=clean(query.get("instance", "")[:40]),
            time=TimeRange.read(query, now),
        )

    @property
    def parameters(self) -> dict[str, str]:
        """Return what stands in an address for it; nothing for what is left open."""
        given = {"q": self.text, "op": self.operation, "result": self.result, "by": self.by, "instance": self.instance}
        return {name: value for name, value in {**given, **self.time.parameters}.items() if value}

    def address(self, **more: object) -> str:
        """Return the query string of this filter with some parameters more."""
        return f"?{urlencode({**self.parameters, **more})}"

    def apply(self, records: DebugRecordQuerySet) -> DebugRecordQuerySet:
        """Keep what matches; `records` are those of one element."""
        records = self.in_time(records)
        if self.operation:
            records = records.filter(operation=self.operation)
        if self.instance:
            records = records.naming_instance(self.instance)
        if self.text:
            records = records.mentioning(self.text)
        return _caused(self._resulting(records), self.by)

    def in_time(self, records: DebugRecordQuerySet) -> DebugRecordQuerySet:
        """Keep those of the chosen time."""
        return records.between(self.time.start, self.time.end) if self.time.choice else records

    def exact(self, records: DebugRecordQuerySet) -> DebugRecordQuerySet | None:
        """Return the records of the one request that the text names, whatever else is chosen; None without one."""
        if not is_request_id(self.text):
            return None
        found = records.of_request(self.text)
        return found if found.exists() else None

    def _resulting(self, records: DebugRecordQuerySet) -> DebugRecordQuerySet:
        match self.result:
            case "ok":
                return records.succeeded()
            case "failed":
                return records.failed()
            case "throttled":
                return records.throttled()
            case "retried":
                return records.retried()
        return records


def _caused(records: DebugRecordQuerySet, by: str) -> DebugRecordQuerySet:
    match by:
        case "":
            return records
        case "polling":
            return records.by_polling()
        case "users":
            return records.by_users()
    return records.filter(caller=by)
