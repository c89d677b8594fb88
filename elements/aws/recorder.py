"""One Attempt for each HTTP attempt, taken from the client's events, so that no method can forget it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from elements.aws.redaction import Redactor

log = logging.getLogger(__name__)

# The lists that count as what an operation returned, and the member that must be present in an answer.
LISTS = {
    "DescribeInstances": "Reservations",
    "DescribeInstanceStatus": "InstanceStatuses",
    "StartInstances": "StartingInstances",
    "StopInstances": "StoppingInstances",
    "DescribeRegions": "Regions",
    "DescribeSpotInstanceRequests": "SpotInstanceRequests",
    "ModifyInstanceEventStartTime": "Event",
    "GetCallerIdentity": "Account",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP attempt; sizes in bytes. It never holds a header, a key or a signature."""

    at: datetime
    service: str
    operation: str
    caller: str
    parameters: Mapping[str, Any]
    outcome: str
    attempt: int
    duration_ms: int
    http_status: int | None = None
    error_code: str = ""
    error_message: str = ""
    request_id: str = ""
    bytes: int = 0
    returned: int | None = None
    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Open:
    """An attempt that was sent and has not ended."""

    at: datetime
    began: float
    status: int | None = None
    size: int = 0


class Recorder:
    """Listens to one client; one operation at a time, as a gateway makes them."""

    def __init__(self, record: Callable[[Attempt], None], caller: str, redactor: Redactor) -> None:
        self._record, self._caller, self._redactor = record, caller, redactor
        self._local = threading.local()
        self.calls = 0
        self.clock_offset_s: float | None = None
        self.last_request_id = ""

    def listen(self, client: Any) -> None:
        """Hang on the client's events."""
        events = client.meta.events
        service = client.meta.service_model.service_name
        events.register_first(f"provide-client-params.{service}", self._begin)
        events.register_last(f"before-send.{service}", self._sent)
        events.register_first(f"before-parse.{service}", self._answered)
        events.register_first(f"response-received.{service}", self._ended)

    def close_open(self, service: str, operation: str, outcome: str, message: str) -> None:
        """Record an attempt whose answer could not be parsed: botocore tells no listener about those."""
        if getattr(self._local, "open", None) is not None:
            self._write(service, operation, outcome, code="AnswerNotUnderstood", message=message)

    def _begin(self, params: dict[str, Any], **kwargs: Any) -> None:
        self._local.params = {key: value for key, value in params.items() if value is not None}
        self._local.number = 0
        self._local.open = None
        self.last_request_id = ""

    def _sent(self, **kwargs: Any) -> None:
        self._local.number = getattr(self._local, "number", 0) + 1
        self._local.open = _Open(datetime.now(UTC), time.monotonic())
        self.calls += 1

    def _answered(self, response_dict: Mapping[str, Any], **kwargs: Any) -> None:
        attempt: _Open | None = getattr(self._local, "open", None)
        if attempt is not None:
            attempt.status = response_dict["status_code"]
            attempt.size = len(response_dict.get("body") or b"")
        self._note_clock(response_dict.get("headers") or {})

    def _ended(self, operation_name: str = "", **kwargs: Any) -> None:
        event = kwargs.get("event_name", "")
        service, operation = event.split(".")[1:3]
        parsed, exception = kwargs.get("parsed_response"), kwargs.get("exception")
        if parsed is None:
            text = f"{type(exception).__name__}: {exception}" if exception else "no answer"
            self._write(service, operation, "no-answer", code=type(exception).__name__, message=text)
            return
        meta, error = parsed.get("ResponseMetadata", {}), parsed.get("Error") or {}
        self.last_request_id = self._redactor.text(str(meta.get("RequestId", "") or ""), 100)
        failed = bool(error) or int(meta.get("HTTPStatusCode", 200)) >= 300
        outcome = (
            "error" if failed else "ok" if LISTS.get(operation, "ResponseMetadata") in parsed else "not-understood"
        )
        self._write(
            service,
            operation,
            outcome,
            code=str(error.get("Code", "") or ""),
            message=str(error.get("Message", "") or ""),
            parsed=parsed,
        )

    def _write(
        self,
        service: str,
        operation: str,
        outcome: str,
        *,
        code: str = "",
        message: str = "",
        parsed: Mapping[str, Any] | None = None,
    ) -> None:
        opened: _Open = getattr(self._local, "open", None) or _Open(datetime.now(UTC), time.monotonic())
        self._local.open = None
        attempt = Attempt(
            at=opened.at,
            service=service,
            operation=operation,
            caller=self._caller,
            parameters=self._redactor.structure(getattr(self._local, "params", {})),
            outcome=outcome,
            attempt=max(getattr(self._local, "number", 1), 1),
            duration_ms=round((time.monotonic() - opened.began) * 1000),
            http_status=opened.status,
            error_code=self._redactor.text(code, 100),
            error_message=self._redactor.text(message),
            request_id=self.last_request_id if parsed is not None else "",
            bytes=opened.size,
            returned=_returned(operation, parsed) if outcome == "ok" else None,
            response=self._redactor.structure(_summary(operation, parsed)) if outcome == "ok" and parsed else {},
        )
        try:
            self._record(attempt)
        except Exception:
            log.exception("an attempt of %s could not be recorded", operation)

    def _note_clock(self, headers: Mapping[str, str]) -> None:
        try:
            date = parsedate_to_datetime(headers.get("date") or headers.get("Date") or "")
        except (TypeError, ValueError):
            return
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)  # "-0000" says UTC without a zone
        self.clock_offset_s = (aware - datetime.now(UTC)).total_seconds()


def _returned(operation: str, parsed: Mapping[str, Any] | None) -> int | None:
    found = (parsed or {}).get(LISTS.get(operation, ""))
    if not isinstance(found, list):
        return None
    if operation == "DescribeInstances":
        return sum(len(reservation.get("Instances", ())) for reservation in found)
    return len(found)


def _summary(operation: str, parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an answer is worth keeping: changes in full, listings by their size."""
    summary: dict[str, Any] = {}
    for key, value in parsed.items():
        if key in ("ResponseMetadata",):
            continue
        if key == "NextToken":
            summary[key] = "present" if value else "absent"
        elif isinstance(value, list) and operation.startswith("Describe"):
            summary[key] = f"{_returned(operation, parsed)} returned"
        else:
            summary[key] = value
    return summary
