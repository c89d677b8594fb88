"""The Debug table: its rows and its pages, which cost the same however many records there are."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from elements.domain.debug_results import bar_class, bar_percent, pieces
from elements.domain.wording import absolute, grouped
from elements.models import DebugRecord
from elements.models.debug_records import DebugRecordQuerySet

PAGE_SIZE = 50
# A live page grows to this many rows before the oldest give way.
LIVE_SIZE = 200
# A filter looks through this many records for one page; then the reader decides whether to go on.
SEARCH_DEPTH = 50_000


class Filter(Protocol):
    """What decides which records are kept."""

    @property
    def parameters(self) -> dict[str, str]:
        """Return what is chosen; nothing keeps all."""

    def in_time(self, records: DebugRecordQuerySet) -> DebugRecordQuerySet:
        """Keep those of the chosen time."""

    def apply(self, records: DebugRecordQuerySet) -> DebugRecordQuerySet:
        """Keep what matches."""

    def exact(self, records: DebugRecordQuerySet) -> DebugRecordQuerySet | None:
        """Return the records of the one request that is asked for, None without one."""


class DebugRow:
    """One record as the page shows it."""

    def __init__(self, record: DebugRecord, *, today: datetime, is_open: bool = False) -> None:
        self.record, self.is_open, self.result = record, is_open, record.result
        self.precision = "t" if record.at.date() == today.date() else "s"

    @property
    def fraction(self) -> str:
        """Return the thousandths of the second."""
        return f".{self.record.at.microsecond // 1000:03}"

    @property
    def time_text(self) -> str:
        """Return the time with thousandths, and the day when it was another."""
        return absolute(self.record.at, self.precision) + self.fraction

    @property
    def bar_percent(self) -> float:
        """Return the length of the duration's bar."""
        return bar_percent(self.record.duration_ms)

    @property
    def bar_class(self) -> str:
        """Return the look of the duration's bar."""
        return bar_class(self.record.duration_ms, self.result.tone)

    @property
    def duration(self) -> str:
        """Return the duration, always in milliseconds so that rows compare."""
        return f"{grouped(self.record.duration_ms)}\u00a0ms"

    @cached_property
    def request(self) -> list[str]:
        """Return the request as JSON text, cut where something was removed."""
        return pieces(self.record.parameters)

    @cached_property
    def response(self) -> list[str]:
        """Return the answer as JSON text, cut where something was removed."""
        record = self.record
        if record.outcome == "ok":
            return pieces(record.response)
        answer: dict[str, Any] = {"Error": {"Code": record.error_code, "Message": record.error_message}}
        return pieces({**answer, "RequestId": record.request_id} if record.request_id else answer)

    @property
    def short_id(self) -> str:
        """Return the beginning of the request ID."""
        request_id = self.record.request_id
        return request_id if len(request_id) <= 10 else f"{request_id[:8]}…"


@dataclass(frozen=True, slots=True)
class DebugPage:
    """One page: its records, where the next begins, and how far back a filter has looked when it found too little."""

    records: list[DebugRecord]
    older: int | None = None
    searched_to: datetime | None = None
    is_exact: bool = False


def debug_page(records: DebugRecordQuerySet, wanted: Filter, before: int | None) -> DebugPage:
    """Return the newest matching records of an element, or those before one of them."""
    exact = wanted.exact(records)
    if exact is not None:
        return DebugPage(list(exact.newest()[:PAGE_SIZE]), is_exact=True)
    if before is not None:
        records = records.filter(pk__lt=before)
    matching, floor = wanted.apply(records), None
    if wanted.parameters:
        floor = wanted.in_time(records).newest().values_list("pk", "at")[SEARCH_DEPTH : SEARCH_DEPTH + 1].first()
    if floor:
        matching = matching.filter(pk__gt=floor[0])
    found = list(matching.newest()[: PAGE_SIZE + 1])
    if len(found) > PAGE_SIZE:
        return DebugPage(found[:PAGE_SIZE], older=found[PAGE_SIZE - 1].pk)
    return DebugPage(found, older=floor[0] + 1, searched_to=floor[1]) if floor else DebugPage(found)
