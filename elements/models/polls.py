"""Poll: the recurring read of an element, when it is due, and how the last one ended."""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction

from elements.domain.budgets import is_recovering, stretched
from elements.domain.connections import Connection, PollFacts, connection
from elements.domain.lanes import BIG_FROM, DuePoll
from elements.models.elements import KEY_FIELDS, Element
from elements.models.poll_leases import ahead, free, releasing, taking
from elements.models.statements import Given, GivenMoment, Statement

KEPT_RESULTS = 60
# How long a queued poll may wait for a worker before it is queued once more.
QUEUED_S = 15.0
# How long a big element is usually read, all told.
BIG_TAKES_S = 20.0
_IDS_AT_ONCE = 500
_NOTHING: Mapping[str, int] = {}
_PACE = ("paced_until", "element__interval_s")


class LeaseLost(Exception):
    """Another worker took the element over while this one was still reading."""


class PollQuerySet(models.QuerySet["Poll"]):
    """Ways to read and claim polls."""

    def due(self, now: datetime | GivenMoment) -> "PollQuerySet":
        """Keep those of active elements whose time has come and which nobody reads, nor is on the way to read."""
        has_come = models.Q(due_at__lte=now) | models.Q(started_at__gt=ahead(now))
        return self.readable().filter(has_come, free(now), _unqueued(now))

    def readable(self) -> "PollQuerySet":
        """Keep those of elements that are neither paused nor still being emptied of what they held elsewhere."""
        return self.filter(element__paused=False, element__cleared_at__isnull=True)

    def with_interval(self) -> "PollQuerySet":
        """Join the element's interval; joining the whole element would decrypt its keys."""
        return self.select_related("element").defer(*(f"element__{name}" for name in KEY_FIELDS))

    def locked_with_element(self) -> "PollQuerySet":
        """Let nobody else change the rows or their elements, which are locked first, until the end of the transaction.

        One statement does so; see `Element.objects.locked`.
        """
        return self.with_interval().select_for_update(of=("element", "self"), no_key=True)

    def lock_with_element(self, element_id: int) -> "Poll":
        """Do so for one element, inside a transaction, and return its row; raises Poll.DoesNotExist."""
        for poll in _LOCKED.rows(element=element_id):
            return poll
        raise Poll.DoesNotExist

    def pace(self, element_id: int, now: datetime) -> float | None:
        """Return the seconds until the poll after one that begins now, None for an element that is not polled."""
        for poll in _ACTIVE.rows(element=element_id):
            return poll.paced_interval_s(poll.element.interval_s, now)
        return None

    def claim_due(self, now: datetime, *, choose: Callable[[Sequence[DuePoll]], Collection[int]]) -> None:
        """Mark as queued those of the due polls that `choose` returns the element ids of.

        The rows are locked meanwhile, and rows that others hold are left to them, so that each due poll goes to one
        caller, from however many hosts. A mark that no worker took up within QUEUED_S is void: its task was lost.
        """
        if not _DUE.rows(now=now):
            return
        with transaction.atomic():
            rows = (
                self.due(now)
                .order_by("due_at")
                .select_for_update(of=("self",), skip_locked=True)
                .values_list("element_id", "counts__total", "duration_ms", "failures")
            )
            chosen = choose([DuePoll(pk, total or 0, ms or 0, failures) for pk, total, ms, failures in rows])
            for ids in _chunks(chosen):
                self.filter(element_id__in=ids).update(queued_at=now)

    def big_under_way(self, now: datetime) -> int:
        """Return how many elements with many instances are queued or were begun to be read just now.

        One that has been read for long waits for AWS, and is not to keep others waiting.
        """
        queued = ~_unqueued(now)
        begun = ~free(now) & models.Q(started_at__gt=now - timedelta(seconds=BIG_TAKES_S))
        return self.filter(queued | begun, counts__total__gte=BIG_FROM).count()

    def claim_now(self, element_id: int, now: datetime) -> bool:
        """Bring an element's poll forward to now and mark it as queued; False when it is queued already."""
        self.make_due(element_id, now)
        return bool(self.filter(_unqueued(now), element_id=element_id).update(queued_at=now))

    def lost(self, now: datetime) -> "list[Poll]":
        """Return those whose lease ran out, with their element's interval."""
        return _LOST.rows(now=now)

    def lease(
        self, element_id: int, *, now: datetime, seconds: float, interval_s: float = 0, queued: bool = False
    ) -> str | None:
        """Win the right to read the element and return the lease's token, or None while another has it.

        `queued` takes up the mark of a queued poll: None when another took it up, so that a late task polls nothing.
        A poll that was due is due again one interval later, in step with the last time unless that has passed. It was
        due when it was queued, though the clock that did so may be ahead of `now`.
        """
        token, step = uuid.uuid4().hex, timedelta(seconds=interval_s)
        won = taking(Poll, queued).run(
            element=element_id,
            token=token,
            now=now,
            until=now + timedelta(seconds=seconds),
            step=step,
            one_later=now + step,
            one_ago=now - step,
        )
        return token if won else None

    def renew(self, tokens: Collection[str], until: datetime) -> None:
        """Let leases last until then; those that others took over meanwhile are not ours."""
        self.filter(lease__in=tokens).update(leased_until=until)

    def put_back(self, element_ids: Collection[int]) -> None:
        """Let polls that were queued be queued anew: this worker has no room for them."""
        self.filter(element_id__in=element_ids).update(queued_at=None)

    def release(self, element_id: int, token: str, added: Mapping[str, int] = _NOTHING, /, **outcome: Any) -> None:
        """Give the lease back with the poll's outcome, and totals with what is added to them.

        Raises LeaseLost when it is no longer ours.
        """
        if any(hasattr(value, "resolve_expression") for value in outcome.values()):
            totals = {name: models.F(name) + number for name, number in added.items()}
            mine = self.filter(element_id=element_id, lease=token)
            won = mine.update(lease="", leased_until=None, **totals, **outcome)
        else:
            statement = releasing(Poll, tuple(outcome), tuple(added))
            won = statement.run(
                element=element_id, token=token, **{f"to_{name}": outcome[name] for name in outcome}, **added
            )
        if not won:
            raise LeaseLost

    def make_due(self, element_id: int, now: datetime) -> None:
        """Bring the next poll forward to now; it follows even when one is under way, and however that one ends."""
        self.filter(element_id=element_id).update(due_at=now)

    def count_calls(self, element_id: int, calls: int, throttles: int) -> None:
        """Add requests to AWS that no poll made."""
        total = {"calls_total": models.F("calls_total") + calls}
        if throttles:
            total["throttles_total"] = models.F("throttles_total") + throttles
        self.filter(element_id=element_id).update(**total)

    def keep_counts(self, element_id: int, counts: Mapping[str, Any]) -> None:
        """Keep what was counted, unless the rows are on their way out; call it inside a transaction, after `hold`."""
        self.filter(element_id=element_id, element__cleared_at__isnull=True).update(counts=counts)

    def next_revision(self, element_id: int) -> int:
        """Return a new revision number for rows about to change; call it inside their transaction."""
        self.filter(element_id=element_id).update(revision=models.F("revision") + 1)
        return self.values_list("revision", flat=True).get(element_id=element_id)


class Poll(models.Model):
    """When an element is read, by whom, and how the last reads ended."""

    element = models.OneToOneField(Element, on_delete=models.CASCADE, related_name="poll")
    due_at = models.DateTimeField(db_index=True)
    queued_at = models.DateTimeField(null=True)
    lease = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    duration_ms = models.PositiveIntegerField(null=True)
    aws_calls = models.PositiveIntegerField(default=0)
    # Totals since the element was added, which only grow.
    polls_total = models.PositiveBigIntegerField(default=0, db_default=0)
    failures_total = models.PositiveBigIntegerField(default=0, db_default=0)
    busy_ms_total = models.PositiveBigIntegerField(default=0, db_default=0)
    calls_total = models.PositiveBigIntegerField(default=0, db_default=0)
    throttles_total = models.PositiveBigIntegerField(default=0, db_default=0)
    # How many actions ended in which way, of those that are kept no more.
    removed_actions = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    clock_offset_s = models.FloatField(null=True)
    failures = models.PositiveIntegerField(default=0)
    failed_since = models.DateTimeField(null=True)
    failure_code = models.CharField(max_length=100, blank=True)
    failure_text = models.TextField(blank=True)
    refused = models.BooleanField(default=False)
    throttled = models.BooleanField(default=False)
    paced_until = models.DateTimeField(null=True)
    status_succeeded_at = models.DateTimeField(null=True)
    status_failed_since = models.DateTimeField(null=True)
    status_failure_text = models.TextField(blank=True)
    counts = models.JSONField(default=dict)
    revision = models.BigIntegerField(default=0)
    recent = models.JSONField(default=list)
    rows_made_by = models.CharField(max_length=32, blank=True)
    named_by = models.CharField(max_length=200, blank=True)

    objects = PollQuerySet.as_manager()

    def __str__(self) -> str:
        return f"poll of {self.element_id}"

    def connection(self, *, paused: bool, interval_s: int, now: datetime) -> Connection:
        """Return the connection state at a moment."""
        facts = PollFacts(
            paused=paused,
            interval_s=interval_s,
            succeeded_at=self.succeeded_at,
            failures=self.failures,
            refused=self.refused,
            throttled=self.throttled or self.is_paced(now),
        )
        return connection(facts, now)

    def is_paced(self, now: datetime) -> bool:
        """Tell whether polls are spaced because AWS throttles requests of the element's account."""
        return self.paced_until is not None and is_recovering((self.paced_until - now).total_seconds())

    def paced_interval_s(self, interval_s: int, now: datetime) -> float:
        """Return the interval until the next poll: a longer one while the budget of the account recovers."""
        return stretched(interval_s, (self.paced_until - now).total_seconds()) if self.paced_until else interval_s

    def with_result(self, at: datetime, outcome: str, duration_ms: int) -> list[list[Any]]:
        """Return the last results with one more: [ISO time, ok | slow | failed, ms]."""
        return [*self.recent, [at.isoformat(timespec="seconds"), outcome, duration_ms]][-KEPT_RESULTS:]


_LOCKED = Statement(lambda: Poll.objects.locked_with_element().filter(element=Given("element")))
_DUE = Statement(lambda: Poll.objects.due(GivenMoment("now")).values_list("pk", flat=True)[:1])
_LOST = Statement(lambda: Poll.objects.filter(leased_until__lte=GivenMoment("now")).exclude(lease="").with_interval())
_ACTIVE = Statement(
    lambda: Poll.objects.readable().filter(element=Given("element")).select_related("element").only(*_PACE)
)


def _unqueued(now: datetime | GivenMoment) -> models.Q:
    late = models.Q(queued_at__lte=now - timedelta(seconds=QUEUED_S))
    return models.Q(queued_at__isnull=True) | late | models.Q(queued_at__gt=ahead(now))


def _chunks(ids: Collection[int]) -> Iterator[list[int]]:
    """Yield ids in as many pieces as a statement of SQLite can hold."""
    every = list(ids)
    for start in range(0, len(every), _IDS_AT_ONCE):
        yield every[start : start + _IDS_AT_ONCE]
