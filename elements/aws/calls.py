"""One call to AWS as the client that makes it meets it: whose keys sign it, what records it, and who reads the answer.

Clients serve every element. What belongs to one element hangs on the call, and the call on its thread, so that
neither keys nor records of one ever meet another's; a request that nobody called for, or that is not signed with its
own call's key, is not sent.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from botocore.credentials import Credentials as SigningKey

from elements.aws.deadlines import Cutter
from elements.aws.reading import Finder, Found
from elements.aws.recorder import Recorder, Trace
from elements.domain.throttling import THROTTLES

_current: ContextVar["Call"] = ContextVar("call")


def _nothing(operation: str) -> None:
    """Neither wait nor tell."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Where a budget hangs: `wait` is called before each attempt is signed and sent, `throttled` when AWS throttled it.

    Both are given the operation and called in the thread that makes the call, which need not be the poll's own. A whole
    read is made inside of `booked`, entered and left in the poll's own thread.
    """

    wait: Callable[[str], None] = _nothing
    throttled: Callable[[str], None] = _nothing
    booked: Callable[[], AbstractContextManager[None]] = nullcontext


UNPACED = Pace()


@dataclass(slots=True)
class Call:
    """One call of an operation, with all its attempts."""

    operation: str
    key: SigningKey
    recorder: Recorder
    cutter: Cutter
    pace: Pace
    finder: Finder | None = None
    found: Found | None = None
    refused: str = ""
    trace: Trace = field(default_factory=Trace)

    @contextmanager
    def made(self) -> Iterator[None]:
        """Let what clients of this thread send be of this call."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)
            self.cutter.end()


def current() -> Call:
    """Return the call that this thread is making; raises LookupError when it makes none."""
    return _current.get()


def follow(client: Any) -> None:
    """Let a client's requests belong to the calls they are made for."""
    service = client.meta.service_model.service_name
    events = client.meta.events
    events.register_first(f"provide-client-params.{service}", _begin)
    events.register_last(f"before-call.{service}", _sign)
    events.register_first(f"request-created.{service}", _pace)
    events.register_last(f"before-send.{service}", _send)
    events.register_first(f"before-parse.{service}", _answer)
    events.register_first(f"response-received.{service}", _end)


def _begin(params: Mapping[str, Any], **kwargs: Any) -> None:
    current().trace.parameters = {key: value for key, value in params.items() if value is not None}


def _sign(context: dict[str, Any], **kwargs: Any) -> None:
    context.setdefault("signing", {})["request_credentials"] = current().key


def _pace(**kwargs: Any) -> None:
    current().pace.wait(current().operation)


def _send(request: Any, **kwargs: Any) -> None:
    call = current()
    _check(request, call.key)
    call.trace.begin()
    call.recorder.count()
    call.cutter.begin()


def _check(request: Any, key: SigningKey) -> None:
    """Raise when a request is not signed with the key: the last look before it leaves."""
    signed, token = (_header(request, name) for name in ("Authorization", "X-Amz-Security-Token"))
    if f" Credential={key.access_key}/" not in signed or token != (key.token or ""):
        raise RuntimeError("a request is not signed with its own key")


def _header(request: Any, name: str) -> str:
    value = request.headers.get(name) or ""
    return value.decode() if isinstance(value, bytes) else str(value)


def _answer(response_dict: dict[str, Any], **kwargs: Any) -> None:
    """Take what a good answer lists out of botocore's hands where we read it ourselves."""
    call = current()
    call.cutter.end()
    call.recorder.note_answer(call.trace, response_dict)
    call.found = None
    if call.finder is None or response_dict["status_code"] != 200:
        return
    call.found = call.finder(response_dict["body"])
    if call.found is not None:
        response_dict["body"] = call.found.rest


def _end(**kwargs: Any) -> None:
    call = current()
    call.cutter.end()
    is_read_later = call.finder is not None
    code = call.recorder.note_end(call.trace, call.operation, call.found, is_read_later=is_read_later, **kwargs)
    if code in THROTTLES:
        call.pace.throttled(call.operation)
