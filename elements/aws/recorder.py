"""One Attempt for each HTTP attempt, taken from the clients' events, so that no method can forget it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from elements.aws.reading import Found
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
class Trace:
    """What is known so far of a call and of its attempt under way."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0
    open: bool = False
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    began: float = field(default_factory=time.monotonic)
    took_s: float | None = None
    status: int | None = None
    size: int = 0
    request_id: str = ""
    held: Attempt | None = None

    def begin(self) -> None:
        """Begin one attempt more."""
        self.number, self.open = self.number + 1, True
        self.at, self.began = datetime.now(UTC), time.monotonic()
        self.took_s, self.status, self.size, self.request_id = None, None, 0, ""

    def answer(self, status: int, size: int) -> None:
        """Note that all of an answer is here."""
        self.took_s, self.status, self.size = time.monotonic() - self.began, status, size

    @property
    def duration_ms(self) -> int:
        """Return how long the attempt took until its answer was here, or has taken."""
        return round((time.monotonic() - self.began if self.took_s is None else self.took_s) * 1000)


class Recorder:
    """Records the attempts of one gateway, from whatever threads make its calls."""

    def __init__(self, record: Callable[[Attempt], None], caller: str, redactor: Redactor) -> None:
        self._record, self._caller, self._redactor = record, caller, redactor
        self._lock, self._diverted = threading.Lock(), threading.local()
        self.calls = 0
        self.clock_offset_s: float | None = None
        self.last_request_id = ""

    @contextmanager
    def diverted(self, record: Callable[[Attempt], None]) -> Iterator[None]:
        """Give this thread's attempts to `record`: what keeps them belongs to another thread."""
        self._diverted.record = record
        try:
            yield
        finally:
            del self._diverted.record

    def count(self) -> None:
        """Count one attempt."""
        with self._lock:
            self.calls += 1

    def note_answer(self, trace: Trace, response: Mapping[str, Any]) -> None:
        """Note that an attempt was answered."""
        trace.answer(response["status_code"], len(response.get("body") or b""))
        self._note_clock(response.get("headers") or {})

    def note_end(
        self, trace: Trace, operation: str, found: Found | None, *, is_read_later: bool = False, **event: Any
    ) -> str:
        """Record an attempt that ended, with or without an answer; return AWS's code when that is an error.

        Where a good answer is still to be read, `let_go` or `close_open` records it.
        """
        parsed, exception = event.get("parsed_response"), event.get("exception")
        if parsed is None:
            text = f"{type(exception).__name__}: {exception}" if exception else "no answer"
            self._write(trace, operation, "no-answer", code=type(exception).__name__, message=text)
            return ""
        meta, error = parsed.get("ResponseMetadata", {}), parsed.get("Error") or {}
        trace.request_id = self.last_request_id = self._redactor.text(str(meta.get("RequestId", "") or ""), 100)
        failed = bool(error) or int(meta.get("HTTPStatusCode", 200)) >= 300
        understood = LISTS.get(operation, "ResponseMetadata") in parsed
        outcome = "error" if failed else "ok" if understood else "not-understood"
        code = str(error.get("Code", "") or "")
        self._write(
            trace,
            operation,
            outcome,
            code=code,
            message=str(error.get("Message", "") or ""),
            parsed=parsed,
            found=found,
            is_read_later=is_read_later,
        )
        return code

    def close_open(self, trace: Trace, operation: str, outcome: str, message: str) -> None:
        """Record an attempt whose answer could not be parsed: botocore tells no listener about those."""
        if trace.held:
            trace.held = replace(
                trace.held,
                outcome=outcome,
                error_code="AnswerNotUnderstood",
                error_message=self._redactor.text(message),
                returned=None,
                response={},
            )
            self.let_go(trace)
        elif trace.open:
            self._write(trace, operation, outcome, code="AnswerNotUnderstood", message=message)

    def _write(
        self,
        trace: Trace,
        operation: str,
        outcome: str,
        *,
        code: str = "",
        message: str = "",
        parsed: Mapping[str, Any] | None = None,
        found: Found | None = None,
        is_read_later: bool = False,
    ) -> None:
        trace.open = False
        good = parsed if outcome == "ok" and parsed else {}
        returned = _returned(operation, good, found)
        attempt = Attempt(
            at=trace.at,
            service=service_of(operation),
            operation=operation,
            caller=self._caller,
            parameters=self._redactor.structure(trace.parameters),
            outcome=outcome,
            attempt=max(trace.number, 1),
            duration_ms=trace.duration_ms,
            http_status=trace.status,
            error_code=self._redactor.text(code, 100),
            error_message=self._redactor.text(message),
            request_id=trace.request_id,
            bytes=trace.size,
            returned=returned,
            response=self._redactor.structure(_summary(operation, good, returned)),
        )
        trace.held = attempt
        if not is_read_later or outcome != "ok":
            self.let_go(trace)

    def let_go(self, trace: Trace) -> None:
        """Record an attempt that waited for its answer to be read."""
        attempt, trace.held = trace.held, None
        if attempt is not None:
            getattr(self._diverted, "record", self.keep)(attempt)

    def keep(self, attempt: Attempt) -> None:
        """Record an attempt; what goes wrong with that hides no answer."""
        try:
            self._record(attempt)
        except Exception:
            log.exception("an attempt of %s could not be recorded", attempt.operation)

    def _note_clock(self, headers: Mapping[str, str]) -> None:
        try:
            date = parsedate_to_datetime(headers.get("date") or headers.get("Date") or "")
        except (TypeError, ValueError):
            return
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)  # "-0000" says UTC without a zone
        self.clock_offset_s = (aware - datetime.now(UTC)).total_seconds()


def service_of(operation: str) -> str:
    """Return the service that an operation is one of."""
    return "sts" if operation == "GetCallerIdentity" else "ec2"


def _returned(operation: str, parsed: Mapping[str, Any], page: Found | None) -> int | None:
    found = parsed.get(LISTS.get(operation, ""))
    if not isinstance(found, list):
        return None
    if page is not None:
        return page.count
    if operation == "DescribeInstances":
        return sum(len(reservation.get("Instances", ())) for reservation in found)
    return len(found)


def _summary(operation: str, parsed: Mapping[str, Any], returned: int | None) -> dict[str, Any]:
    """Return what of an answer is worth keeping: changes in full, listings by their size."""
    summary: dict[str, Any] = {}
    for key, value in parsed.items():
        if key == "ResponseMetadata":
            continue
        if key == "NextToken":
            summary[key] = "present" if value else "absent"
        elif isinstance(value, list) and operation.startswith("Describe"):
            summary[key] = f"{returned} returned"
        else:
            summary[key] = value
    return summary
