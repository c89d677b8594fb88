"""Element -> Ec2Gateway, recorded and redacted: the only reader of keys and the only door to AWS."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.db import Error, IntegrityError, connection, transaction

from elements.aws.calls import Pace
from elements.aws.ec2 import Ec2Gateway
from elements.aws.recorder import Attempt
from elements.aws.session import BlankKeys, Credentials, Patience, Target, endpoint_of_environment, open_gateway
from elements.domain.regions import ec2_endpoint
from elements.domain.throttling import THROTTLES
from elements.domain.traces import current
from elements.models import DebugRecord, Element, Poll
from elements.models.fields import Undecryptable
from elements.usecases.budgets import Budget

log = logging.getLogger(__name__)

NO_KEYS = "No keys are stored. Enter the Access Key ID and the Secret Access Key on General."
UNREADABLE_KEYS = (
    "The stored keys cannot be read: FIELD_ENCRYPTION_KEY is not the one they were encrypted with. They are kept"
    " as they are. Set the right encryption key and restart, or enter the keys again on General."
)

ODD_KEYS = "The stored keys hold characters that AWS never gives out. Enter them again on General."


class KeysMissing(Exception):
    """The element has no keys that can be used; the message is for the operator. AWS was not asked."""


def connect(
    element: Element,
    *,
    caller: str,
    keys: Credentials | None = None,
    deadline_s: float | None = None,
    record: Callable[[Attempt], None] | None = None,
    patience: Patience | None = None,
    pages: int = 0,
    last_look: Callable[[], None] | None = None,
) -> Ec2Gateway:
    """Open the element's region and record every attempt made there on behalf of `caller`.

    `keys` tries other keys than those that are stored; `record` is called after each attempt in place of storing it.
    Every attempt keeps to the budget of the element's account; polls, which say how many `pages` of each listing they
    expect, leave some of it to others. `last_look` is called after that wait and may raise an AwsError: nothing is
    sent then. Raises KeysMissing, AwsRejected when the budget is used up, and RuntimeError inside a transaction: a
    rollback would take the records with it.
    """
    if connection.in_atomic_block:
        with transaction.atomic(durable=True):
            pass  # raises RuntimeError unless it is a test's transaction

    budget = Budget(element, pages=pages)

    def note(attempt: Attempt) -> None:
        """Runs in the thread of whoever connected, also for what other threads have read."""
        if record is None:
            store(element, attempt)
            Poll.objects.count_calls(element.pk, 1, int(attempt.error_code in THROTTLES))
        else:
            record(attempt)
        if attempt.error_code in THROTTLES:
            budget.throttled(attempt.operation)

    endpoints = (element.endpoint_url, element.sts_endpoint_url)
    target = Target(element.region, *endpoints, allow_private=settings.ALLOW_PRIVATE_ENDPOINTS)
    keys = keys or stored_credentials(element)
    patience = patience or Patience(deadline_s=deadline_s)
    pace = _looking(budget.pace(), last_look) if last_look else budget.pace()
    return open_gateway(keys, target, record=note, caller=caller, patience=patience, pace=pace)


def _looking(pace: Pace, last_look: Callable[[], None]) -> Pace:
    def wait(operation: str) -> None:
        pace.wait(operation)
        last_look()

    return replace(pace, wait=wait)


def endpoint_in_use(element: Element) -> str:
    """Return where the element's EC2 requests go: its own endpoint, else the AWS SDK's settings, else the region's."""
    return element.endpoint_url or endpoint_of_environment() or ec2_endpoint(element.region)


def stored_credentials(element: Element) -> Credentials:
    """Return the keys as they are stored now; raises KeysMissing like `credentials`."""
    return credentials(Element.objects.with_keys().get(pk=element.pk))


def credentials(row: Element) -> Credentials:
    """Return the keys of an element read with them; raises KeysMissing when there are none that can be used."""
    texts = (row.access_key_id, row.secret_access_key, row.session_token)
    if any(isinstance(text, Undecryptable) for text in texts):
        raise KeysMissing(UNREADABLE_KEYS)
    if not row.access_key_id or not row.secret_access_key:
        raise KeysMissing(NO_KEYS)
    try:
        return Credentials(*texts)
    except BlankKeys:
        raise KeysMissing(ODD_KEYS) from None


class Records:
    """Stores attempts in small batches: an answer can wait a moment, a failure cannot.

    Whoever records must call `flush` before anything that was read is written.
    """

    AT_ONCE = 10
    LONGEST_WAIT_S = 2.0

    def __init__(self, element: Element) -> None:
        self._element = element
        self._waiting: list[Attempt] = []
        self.throttles = 0
        self._flushed = time.monotonic()

    def keep(self, attempt: Attempt) -> None:
        """Take one attempt."""
        self._waiting.append(attempt)
        self.throttles += attempt.error_code in THROTTLES
        is_long = time.monotonic() - self._flushed >= self.LONGEST_WAIT_S
        if attempt.outcome != "ok" or is_long or len(self._waiting) >= self.AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Store what waits."""
        attempts, self._waiting, self._flushed = self._waiting, [], time.monotonic()
        if attempts:
            store(self._element, *attempts)


def store(element: Element, *attempts: Attempt) -> None:
    """Keep attempts as Debug records; a database error is logged and never hides AWS's answer."""
    try:
        DebugRecord.objects.add([_record(element, attempt) for attempt in attempts])
    except IntegrityError:
        log.info("element %s was deleted meanwhile; its Debug records went with it", element.pk)
    except Error:
        log.exception("Debug records of %s could not be stored", attempts[0].operation)


def _record(element: Element, attempt: Attempt) -> DebugRecord:
    ids = attempt.parameters.get("InstanceIds") or [attempt.parameters.get("InstanceId") or ""]
    return DebugRecord(
        element_id=element.pk,
        at=attempt.at,
        service=attempt.service,
        operation=attempt.operation,
        caller=attempt.caller,
        parameters=attempt.parameters,
        response=attempt.response,
        instance_ids=" ".join(ids),
        outcome=attempt.outcome,
        http_status=attempt.http_status,
        error_code=attempt.error_code[:100],
        error_message=attempt.error_message,
        request_id=attempt.request_id[:100],
        trace_id=current() or None,
        attempt=attempt.attempt,
        duration_ms=attempt.duration_ms,
        size_bytes=attempt.bytes,
        returned=attempt.returned,
    )
