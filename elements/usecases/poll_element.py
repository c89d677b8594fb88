"""Read one element from AWS and write what changed."""

import random
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from elements.aws.ec2 import Ec2Gateway
from elements.aws.errors import AwsDenied, AwsError, AwsRejected
from elements.aws.listings import PAGE_SIZE
from elements.domain.instance_rows import recipe
from elements.models import Element, Poll
from elements.usecases.connect import KeysMissing, Records, connect, credentials
from elements.usecases.identify import AccountMismatch, OwnerUnknown, check_owner, explained, identify
from elements.usecases.read_spot_types import read_spot_types, untyped
from elements.usecases.reading import Reading
from elements.usecases.second_look import look_again
from elements.usecases.store_reading import Lease, Storing, Superseded, check_source

__all__ = ["ElementPoll", "PollReport", "Superseded", "failure_values"]

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


class ElementPoll:
    """One poll under a lease. It begins at `now`; later moments follow a monotonic clock."""

    def __init__(self, element: Element, token: str, *, caller: str, now: datetime) -> None:
        self.element, self.token, self.caller, self.began_at = element, token, caller, now
        self._began = time.monotonic()
        self._poll = element.poll
        self._lease = Lease(element, token, clock=lambda: self._now)
        self._records = Records(element)
        self._gateway: Ec2Gateway | None = None
        self._spot_types: Mapping[str, str] = {}
        self._calls = 0

    def run(self) -> PollReport:
        """Read everything, then write in short transactions; a failure is noted in words.

        Raises LeaseLost when another worker took over, and Superseded; requests are counted then, nothing else written.
        """
        try:
            return self._run()
        except Exception:
            if self._gateway:
                Poll.objects.count_calls(self.element.pk, self._gateway.calls, self._records.throttles)
            raise
        finally:
            self._records.flush()

    def _run(self) -> PollReport:
        try:
            with closing(Reading(self.element, anew=self._knows_nothing)) as reading:
                self._read(reading)
                return self._write(reading)
        except AwsError as error:
            return self._note_failure(explained(self.element, self._gateway, error) if self._gateway else error)
        except (KeysMissing, AccountMismatch, OwnerUnknown) as error:
            return self._note_failure(error)

    @property
    def _now(self) -> datetime:
        return self.began_at + timedelta(seconds=time.monotonic() - self._began)

    @property
    def _duration_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    @property
    def _knows_nothing(self) -> bool:
        """Tell whether the rows say nothing about what AWS shows: another release made them, or other keys."""
        return self._poll.rows_made_by != recipe() or self.element.identified_at is None

    @property
    def _pages(self) -> int:
        """Return how many pages of each listing there were the last time."""
        return max(1, -(-(self._poll.counts.get("total") or 0) // PAGE_SIZE))

    def _read(self, reading: Reading) -> None:
        """Read everything that is there to be read."""
        self._gateway = gateway = connect(
            self.element,
            caller=self.caller,
            keys=credentials(self.element),
            record=self._records.keep,
            deadline_s=DEADLINE_S,
            pages=self._pages,
        )
        identify(self.element, gateway, now=self.began_at)
        reading.begin()
        _read_pages(gateway, reading)
        check_owner(self.element, reading.owner, now=self.began_at)
        self._calls = gateway.calls
        look_again(self.element, gateway, reading)
        self._records.flush()
        requests = untyped(self.element, reading.spots, stored=bool(self._poll.counts.get("untyped_spots")))
        self._spot_types = read_spot_types(self.element, gateway, requests, now=self.began_at)
        self._records.flush()

    def _write(self, reading: Reading) -> PollReport:
        storing = Storing(self._lease, reading, read_at=self.began_at)
        stored = storing.run(self._poll.named_by, self._spot_types, lambda poll: self._success(poll, reading))
        is_complete = reading.status_error is None
        return self._report(
            ok=is_complete,
            error=reading.status_error,
            instances=reading.total,
            scheduled_events=stored.counts.get("announced", 0) if is_complete else None,
            added=stored.changes.added,
            changed=stored.changes.changed,
            gone=stored.changes.gone,
        )

    def _success(self, poll: Poll, reading: Reading) -> tuple[dict[str, Any], dict[str, int]]:
        """Return what the Poll row says after a good read, and what is added to its totals."""
        error = reading.status_error
        without_retries = 2 * (1 + reading.total // 1000) + 1
        outcome = "slow" if error or self._calls > without_retries else "ok"
        status: dict[str, Any] = {"status_failed_since": None, "status_failure_text": ""}
        if error is None:
            status["status_succeeded_at"] = self.began_at
        else:
            status["status_failed_since"] = poll.status_failed_since or self._now
            status["status_failure_text"] = error.sentence
        attempted, added = self._attempted(poll, outcome)
        said = {
            **attempted,
            **status,
            "succeeded_at": self.began_at,
            "failures": 0,
            "failed_since": None,
            "failure_code": "",
            "failure_text": "",
            "refused": False,
            "throttled": isinstance(error, AwsRejected) and error.throttled,
        }
        return said, added

    def _attempted(self, poll: Poll, outcome: str) -> tuple[dict[str, Any], dict[str, int]]:
        gateway, took_ms = self._gateway, self._duration_ms
        calls = gateway.calls if gateway else 0
        said = {
            "attempted_at": self.began_at,
            "duration_ms": took_ms,
            "aws_calls": calls,
            "clock_offset_s": gateway.clock_offset_s if gateway else None,
            "recent": poll.with_result(self.began_at, outcome, took_ms),
        }
        added = {"polls_total": 1, "busy_ms_total": took_ms, "calls_total": calls}
        return said, added | {"throttles_total": self._records.throttles}

    def _note_failure(self, error: AwsError | KeysMissing | AccountMismatch | OwnerUnknown) -> PollReport:
        report = self._report(ok=False, error=error)
        with transaction.atomic(durable=True):
            poll = check_source(self.element)
            failure = failure_values(
                poll, report.error_code, report.error, now=self._now, interval_s=self.element.interval_s
            )
            attempted, added = self._attempted(poll, "failed")
            Poll.objects.release(
                self.element.pk,
                self.token,
                added,
                **attempted,
                **{**failure, "due_at": self._unless_asked_for(failure["due_at"])},
                refused=not isinstance(error, AwsError) or (isinstance(error, AwsDenied) and error.refused_credentials),
                throttled=isinstance(error, AwsRejected) and error.throttled,
            )
        return report

    def _unless_asked_for(self, next_at: datetime) -> models.Case:
        """Return the next try: an earlier one that somebody asked for since this poll began is kept."""
        asked = models.When(due_at__lt=self._poll.due_at, then=models.F("due_at"))
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


def _read_pages(gateway: Ec2Gateway, reading: Reading) -> None:
    """Read both listings; raises when the instances cannot be read completely."""
    with closing(gateway.read_all(reading.known, reading.known_statuses)) as pages:
        for kind, page in pages:
            if isinstance(page, AwsError):
                reading.status_error = page
            elif kind == "instances":
                reading.note_instances(page)
            else:
                reading.note_statuses(page)


def failure_values(poll: Poll, code: str, text: str, *, now: datetime, interval_s: int) -> dict[str, Any]:
    """Return the Poll columns after one more failure, with the next try backed off."""
    failures = poll.failures + 1
    return {
        "failures": failures,
        "failures_total": models.F("failures_total") + 1,
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
