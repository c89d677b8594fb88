"""Debug records as the lines of a file."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from elements.models import DebugRecord

COLUMNS = {
    "Time UTC": "at",
    "Service": "service",
    "Operation": "operation",
    "Caused by": "caller",
    "Outcome": "outcome",
    "HTTP status": "http_status",
    "Error code": "error_code",
    "Error message": "error_message",
    "Request ID": "request_id",
    "Part of": "trace_id",
    "Try": "attempt",
    "Duration ms": "duration_ms",
    "Bytes": "size_bytes",
    "Returned": "returned",
    "Instance IDs": "instance_ids",
    "Parameters": "parameters",
    "Response": "response",
}


def csv_rows(records: Iterable[DebugRecord]) -> Iterator[list[Any]]:
    """Yield the cells of each record."""
    for record in records:
        values = _values(record).values()
        yield [json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value for value in values]


def json_lines(records: Iterable[DebugRecord]) -> Iterator[str]:
    """Yield the lines of one JSON list."""
    separator = "["
    for record in records:
        yield f"{separator}\n{json.dumps(_values(record), ensure_ascii=False)}"
        separator = ","
    yield "[]\n" if separator == "[" else "\n]\n"


def _values(record: DebugRecord) -> dict[str, Any]:
    values = {name: getattr(record, name) for name in COLUMNS.values()}
    return {**values, "at": record.at.isoformat(timespec="milliseconds")}
