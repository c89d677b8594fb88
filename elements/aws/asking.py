"""How a gateway makes one call: with its element's key, recorded, bounded in time, its errors in our words."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from botocore import xform_name
from botocore.exceptions import BotoCoreError

from elements.aws import clients, parsing
from elements.aws.calls import Call, Pace, SigningKey
from elements.aws.deadlines import Cutter, Deadline
from elements.aws.errors import (
    AwsError,
    AwsUnreachable,
    Forbidden,
    NoClient,
    Overdue,
    Scene,
    forbidden,
    not_understood,
    overdue,
    translated_errors,
)
from elements.aws.reading import Finder, Found
from elements.aws.recorder import LISTS, Recorder, service_of
from elements.aws.redaction import Redactor
from elements.domain.endpoints import EndpointRefused

READ, WRITE, STS = "read", "write", "sts"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a listing was answered: what botocore has parsed of it, and what is still to be read.

    `first` begins the listing.
    """

    parsed: dict[str, Any]
    first: bool
    call: Call

    def take(self) -> Found | None:
        """Return what is still to be read, once: a page is large."""
        found, self.call.found = self.call.found, None
        return found


class Asker:
    """Makes the calls of one gateway, from whatever threads. Every method that asks raises AwsError."""

    def __init__(
        self,
        kind: Callable[[str, str], clients.Kind],
        *,
        key: SigningKey,
        recorder: Recorder,
        redactor: Redactor,
        deadline: Deadline,
        pace: Pace,
    ) -> None:
        self._region = kind(READ, "").region
        self._kind, self._key, self.recorder, self._redactor = kind, key, recorder, redactor
        self._deadline, self._pace = deadline, pace

    def ask(self, operation: str, kind: str = READ, region: str = "", **parameters: Any) -> dict[str, Any]:
        """Make one call; the member that makes up its answer must be present."""
        return self._made(self._call(operation), self._kind(kind, region), parameters)

    def find(self, operation: str, finder: Finder, **parameters: Any) -> Answer:
        """Make one call of a listing; its last attempt is recorded when its answer was understood, or let go."""
        call = self._call(operation)
        call.finder = finder
        return Answer(self._made(call, self._kind(READ, ""), parameters), "NextToken" not in parameters, call)

    def understood(self, answer: Answer, read: Callable[[Answer], T]) -> T:
        """Read an answer, from whatever thread."""
        try:
            with self._translated(answer.call, self._kind(READ, "")):
                return read(answer)
        except AwsError as error:
            error.__context__ = None  # as below
            raise
        finally:
            self.let_go(answer)

    def let_go(self, answer: Answer) -> None:
        """Record the attempt of an answer that nobody reads any more."""
        answer.take()
        self.recorder.let_go(answer.call.trace)

    def booked(self) -> AbstractContextManager[None]:
        """Book of the budget what a whole read needs while it lasts."""
        return self._pace.booked()

    @property
    def is_long_overdue(self) -> bool:
        """Tell whether no call can still be under way."""
        return self._deadline.long_passed

    def overdue(self, operation: str) -> AwsUnreachable:
        """Return the error for a call that did not end by the deadline."""
        return overdue(self._scene(operation, self._kind(READ, "")), self._too_long)

    def not_understood(self, operation: str, why: str) -> AwsUnreachable:
        """Return the error for an answer that is not what EC2 answers."""
        return not_understood(self._scene(operation, self._kind(READ, "")), why)

    def _call(self, operation: str) -> Call:
        self.recorder.last_request_id = ""
        return Call(operation, self._key, self.recorder, Cutter(self._deadline), self._pace)

    def _made(self, call: Call, kind: clients.Kind, parameters: dict[str, Any]) -> dict[str, Any]:
        operation = call.operation
        try:
            with self._translated(call, kind), call.made():
                client = self._client(kind)
                if self._deadline.passed:
                    raise Overdue(why=self._too_long)
                answer: dict[str, Any] = getattr(client, xform_name(operation))(**parameters)
        except AwsError as error:
            error.__context__ = None  # botocore's own exception, which holds AWS's words with what they may echo
            raise
        needed = LISTS.get(operation)
        if needed is not None and needed not in answer:
            raise not_understood(self._scene(operation, kind), f"it has no {needed}")
        if needed is None and not answer.get("ResponseMetadata", {}).get("RequestId"):
            raise not_understood(self._scene(operation, kind), "it has no request ID")
        return answer

    def _client(self, kind: clients.Kind) -> Any:
        try:
            return clients.client(kind)
        except EndpointRefused as refused:
            raise Forbidden(why=str(refused)) from None
        except ValueError as error:  # botocore's word for an endpoint that is no URL and a region that is none
            raise NoClient(why=self._redactor.text(str(error))) from None

    @contextmanager
    def _translated(self, call: Call, kind: clients.Kind) -> Iterator[None]:
        operation = call.operation
        try:
            with translated_errors(lambda: self._scene(operation, kind)):
                yield
        except (AwsUnreachable, parsing.Incomplete) as error:
            ours = self._worded(call, kind, error)
            self.recorder.close_open(call.trace, operation, "not-understood", ours.sentence)
            raise ours from None

    def _worded(self, call: Call, kind: clients.Kind, error: AwsUnreachable | parsing.Incomplete) -> AwsUnreachable:
        scene, after_s = self._scene(call.operation, kind), call.cutter.cut_after_s
        if call.refused:
            return forbidden(scene, call.refused)
        if after_s is not None:
            late = f"The answer of {scene.endpoint} did not arrive within {after_s:.0f} s."
            return overdue(scene, self._too_long if self._deadline.passed else late)
        return error if isinstance(error, AwsUnreachable) else not_understood(scene, str(error))

    @property
    def _too_long(self) -> str:
        return f"AWS did not finish within {self._deadline.total_s:.0f} s."

    def _scene(self, operation: str, kind: clients.Kind) -> Scene:
        endpoint = ""
        with suppress(BotoCoreError):
            endpoint = self._client(kind).meta.endpoint_url
        return Scene(
            operation,
            self._region,
            endpoint or f"AWS ({service_of(operation)} in {self._region})",
            self._redactor,
            self.recorder.clock_offset_s,
            kind.read_s,
        )
