"""Read one element from AWS and write what changed."""

import logging
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from elements.aws.ec2 import Ec2Gateway
from elements.aws.errors import AwsDenied, AwsError, AwsRejected
from elements.domain.snapshots import InstanceSnapshot, Page, StatusSnapshot
from elements.models import Element, Poll
from elements.usecases.connect import KeysMissing, connect
from elements.usecases.identify import AccountMismatch, OwnerUnknown, check_owner, explained, identify
from elements.usecases.note_changes import note_gap
from elements.usecases.read_spot_types import read_spot_types, store_spot_types
from elements.usecases.store_scheduled_events import store_scheduled_events
from elements.usecases.store_snapshots import count, name_all, store_instances, touch

log = logging.getLogger(__name__)

# A poll keeps its lease by renewing it after each attempt, which always ends earlier than this (Patience.attempt_s).
LEASE_S = 60.0
RENEW_AFTER_S = 5.0
DEADLINE_S = 300.0
BACK_OFF_LIMIT_S = 300


@dataclass(frozen=True, slots=True)
class PollReport:
    """How a poll ended. `added`, `changed` and `gone` count instances; what was not read is None."""

    element: str
    region: str
    ok: bool
    error_code: str = ""
    error: str = ""
    instances: int | None = None
    scheduled_events: int | None = None
    added: int | None = None
    changed: int | None = None
    gone: int | None = None
    aws_calls: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Read:
    """What AWS showed; statuses is None when only they could not be read."""

    instances: Sequence[InstanceSnapshot]
    statuses: dict[str, StatusSnapshot] | None
    status_error: AwsError | None


class Superseded(Exception):
    """The element got other keys or another address while it was read; what was read is not of it any more."""


# What says which AWS account and region an element is read from.
_SOURCE = ("region", "endpoint_url", "sts_endpoint_url", "keys_stored_at")


class ElementPoll:
    """One poll under a lease. It begins at `now`; later moments follow a monotonic clock."""

    def __init__(self, element: Element, token: str, *, caller: str, now: datetime) -> None:
        self.element, self.token, self.caller, self.began_at = element, token, caller, now
        self._began, self._renewed = time.monotonic(), time.monotonic()
        self._planned_at = Poll.objects.values_list("due_at", flat=True).get(element=element)
        self._gateway: Ec2Gateway | None = None
        self._calls = 0

    def run(self) -> PollReport:
        """Read everything, then write in one short transaction; a failure is noted in words.

        Raises LeaseLost when another worker took over, and Superseded; nothing was written then.
        """
        try:
            self._gateway = connect(self.element, caller=self.caller, on_attempt=self._renew, deadline_s=DEADLINE_S)
            identify(self.element, self._gateway, now=self.began_at)
            read = self._read(self._gateway)
            check_owner(self.element, read.instances, now=self.began_at)
            self._calls = self._gateway.calls
            spot_types = read_spot_types(self.element, self._gateway, read.instances, now=self.began_at)
        except AwsError as error:
            return self._note_failure(explained(self.element, self._gateway, error) if self._gateway else error)
        except (KeysMissing, AccountMismatch, OwnerUnknown) as error:
            return self._note_failure(error)
        self._renew(now=True)
        return self._write(read, spot_types)

    @property
    def _now(self) -> datetime:
        return self.began_at + timedelta(seconds=time.monotonic() - self._began)

    @property
    def _duration_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def _renew(self, *, now: bool = False) -> None:
        if now or time.monotonic() - self._renewed >= RENEW_AFTER_S:
            self._renewed = time.monotonic()
            until = self._now + timedelta(seconds=LEASE_S)
            Poll.objects.filter(element=self.element, lease=self.token).update(leased_until=until)

    def _read(self, gateway: Ec2Gateway) -> Read:
        instances = list(_everything(gateway.describe_instances()).values())
        try:
            statuses = _everything(gateway.describe_instance_status())
        except AwsError as error:
            return Read(instances, None, error)
        return Read(instances, statuses, None)

    def _write(self, read: Read, spot_types: Mapping[str, str]) -> PollReport:
        element, now = self.element, self._now
        with transaction.atomic(durable=True):
            self._check_source()
            element.refresh_from_db(fields=["naming_format", "naming_saved_at", "naming_effective_at"])
            names = name_all(element, read.instances)
            changes = store_instances(
                element,
                read.instances,
                read.statuses,
                read_at=self.began_at,
                now=now,
                names=names,
                complete=True,
            )
            touched = store_spot_types(element, spot_types)
            if read.statuses is not None:
                touched += store_scheduled_events(element, read.statuses.values(), now=now)
            if touched:
                touch(element, touched)
                Poll.objects.filter(element=element).update(counts=count(element))
            self._note_names(len(names.shared), now)
            self._note_success(read, now)
        return self._report(
            ok=read.status_error is None,
            error=read.status_error,
            instances=len(read.instances),
            scheduled_events=None if read.statuses is None else sum(len(s.events) for s in read.statuses.values()),
            added=len(changes.added),
            changed=len(changes.changed),
            gone=len(changes.removed),
        )

    def _check_source(self) -> None:
        """Raise Superseded when the element is not read from where it was when this poll began."""
        known = tuple(getattr(self.element, field) for field in _SOURCE)
        if Element.objects.locked().values_list(*_SOURCE).get(pk=self.element.pk) != known:
            raise Superseded

    def _note_names(self, duplicates: int, now: datetime) -> None:
        """Note from when the saved format is in effect, and how many names had to be made unique."""
        element, changed = self.element, dict[str, Any]()
        saved_at = element.naming_saved_at
        if saved_at and (element.naming_effective_at is None or element.naming_effective_at < saved_at):
            changed["naming_effective_at"] = now
        if element.duplicate_names != duplicates:
            changed["duplicate_names"] = duplicates
        if changed:
            # a format saved since this one was read is not in effect, so its note is not for this poll to make
            Element.objects.filter(pk=element.pk, naming_saved_at=saved_at).update(**changed)

    def _note_success(self, read: Read, now: datetime) -> None:
        poll = Poll.objects.get(element=self.element)
        note_gap(self.element, poll.succeeded_at, self.began_at)
        error = read.status_error
        without_retries = 2 * (1 + len(read.instances) // 1000) + 1
        outcome = "slow" if error or self._calls > without_retries else "ok"
        status: dict[str, Any] = {"status_failed_since": None, "status_failure_text": ""}
        if error is None:
            status["status_succeeded_at"] = self.began_at
        else:
            status["status_failed_since"] = poll.status_failed_since or now
            status["status_failure_text"] = error.sentence
        Poll.objects.release(
            self.element.pk,
            self.token,
            **self._attempted(poll, outcome),
            **status,
            succeeded_at=self.began_at,
            failures=0,
            failed_since=None,
            failure_code="",
            failure_text="",
            refused=False,
            throttled=isinstance(error, AwsRejected) and error.throttled,
        )

    def _attempted(self, poll: Poll, outcome: str) -> dict[str, Any]:
        gateway = self._gateway
        return {
            "attempted_at": self.began_at,
            "duration_ms": self._duration_ms,
            "aws_calls": gateway.calls if gateway else 0,
            "clock_offset_s": gateway.clock_offset_s if gateway else None,
            "recent": poll.with_result(self.began_at, outcome, self._duration_ms),
        }

    def _note_failure(self, error: AwsError | KeysMissing | AccountMismatch | OwnerUnknown) -> PollReport:
        report = self._report(ok=False, error=error)
        with transaction.atomic(durable=True):
            self._check_source()
            poll = Poll.objects.get(element=self.element)
            failure = failure_values(
                poll, report.error_code, report.error, now=self._now, interval_s=self.element.interval_s
            )
            Poll.objects.release(
                self.element.pk,
                self.token,
                **self._attempted(poll, "failed"),
                **{**failure, "due_at": self._unless_asked_for(failure["due_at"])},
                refused=not isinstance(error, AwsError) or (isinstance(error, AwsDenied) and error.refused_credentials),
                throttled=isinstance(error, AwsRejected) and error.throttled,
            )
        return report

    def _unless_asked_for(self, next_at: datetime) -> models.Case:
        """Return the next try: an earlier one that somebody asked for since this poll began is kept."""
        asked = models.When(due_at__lt=self._planned_at, then=models.F("due_at"))
        return models.Case(asked, default=models.Value(next_at), output_field=models.DateTimeField())

    def _report(self, *, ok: bool, error: Exception | None = None, **counts: int | None) -> PollReport:
        if isinstance(error, AwsError):
            code, text = error.code or type(error).__name__, error.sentence
        else:
            code, text = (type(error).__name__, str(error)) if error else ("", "")
        return PollReport(
            element=self.element.name,
            region=self.element.region,
            ok=ok,
            error_code=code,
            error=text,
            aws_calls=self._gateway.calls if self._gateway else 0,
            seconds=round(time.monotonic() - self._began, 3),
            **counts,
        )


def _everything(pages: Iterable[Page[Any]]) -> dict[str, Any]:
    """Return what the pages hold, by instance ID; reading that began anew begins anew here too."""
    found: dict[str, Any] = {}
    for page in pages:
        if page.first:
            found.clear()
        found.update((snapshot.instance_id, snapshot) for snapshot in page.seen)
    return found


def failure_values(poll: Poll, code: str, text: str, *, now: datetime, interval_s: int) -> dict[str, Any]:
    """Return the Poll columns after one more failure, with the next try backed off."""
    failures = poll.failures + 1
    return {
        "failures": failures,
        "failed_since": poll.failed_since or now,
        "failure_code": code[:100],
        "failure_text": text,
        "due_at": now + timedelta(seconds=back_off_s(failures, interval_s, random.random())),
    }


def back_off_s(failures: int, interval_s: int, chance: float) -> float:
    """Return the wait after so many failures in a row: doubling up to 5 min, with up to a quarter of jitter.

    `chance` is from 0 to 1. An element that is read less often than every 5 min is tried again after 5 min.
    """
    longest = min(BACK_OFF_LIMIT_S, interval_s * 2.0 ** min(failures - 1, 10))
    return longest * (0.75 + 0.25 * chance)
