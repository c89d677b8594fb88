"""The dock: what became of the instances asked together, for everybody who looks at the element."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, DateTimeField, Max, Min, Q, QuerySet

from elements.domain.action_words import BatchFacts, BatchWords, batch_words, took
from elements.models import Action, Element
from elements.models.actions import ENDED_BADLY, OPEN
from elements.models.statements import Given, Statement

# Good news leaves the page after 8 s by itself; a page that asks every 15 s must still get to see it.
GOOD_NEWS = timedelta(seconds=30)
BAD_NEWS = timedelta(hours=1)
# Nothing is open for longer than this before its news: requests expire and outcomes are given up.
OLDEST = BAD_NEWS + timedelta(minutes=15)
BATCHES = 6
NAMED = 5
EMPTY_DOCK: Mapping[str, Any] = {"dock": (), "dock_busy": False}


@dataclass(frozen=True, slots=True)
class Failure:
    """One instance of a batch that did not do what was asked."""

    instance_id: str
    name: str
    code: str
    message: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The instances that one person asked for the same thing at once."""

    key: UUID
    facts: BatchFacts
    words: BatchWords
    asked_by: str
    is_mine: bool
    failures: Sequence[Failure]

    @property
    def ended(self) -> int:
        """Return how many have ended, for the bar."""
        return self.facts.total - self.facts.open

    @property
    def took(self) -> str:
        """Return how long all of it took."""
        return took(self.facts)

    @property
    def named(self) -> Sequence[Failure]:
        """Return the failures that are named; the rest is counted."""
        return self.failures[:NAMED]

    @property
    def more(self) -> int:
        """Return how many failures are not named."""
        return max(0, len(self.failures) - NAMED)

    @property
    def failed_ids(self) -> str:
        """Return the instance IDs of the failures, for selecting them."""
        return " ".join(failure.instance_id for failure in self.failures)

    @property
    def reason(self) -> str:
        """Return the sentence that holds for all failures, "" when they differ."""
        reasons = {failure.message for failure in self.failures}
        return reasons.pop() if len(reasons) == 1 else ""


def _shown_lately() -> "QuerySet[Action]":
    """Return the actions without which the dock is empty, in no order: open, or ended lately.

    What is open has no end: so an index finds either kind among the actions of three months.
    """
    every = Action.objects.filter(element=Given("element")).order_by()
    is_news = Q(status__in=ENDED_BADLY) | Q(settled_at__gte=Given("good_since", DateTimeField))
    ended = every.filter(is_news, settled_at__gte=Given("since", DateTimeField))
    return every.filter(settled_at__isnull=True, status__in=OPEN).union(ended, all=True)


_LATELY = Statement(_shown_lately)


def lately(element: Element, now: datetime) -> list[Action]:
    """Return the actions that are open, or ended so lately that the dock shows them; the oldest first."""
    found = _LATELY.rows(element=element.pk, good_since=now - GOOD_NEWS, since=now - OLDEST)
    return sorted(found, key=lambda action: action.pk)


def dock_context(
    element: Element, user: AbstractBaseUser | AnonymousUser, now: datetime, instance_id: str = ""
) -> dict[str, Any]:
    """Return the dock's batches, newest first, and whether any goes on; with `instance_id` those that touch it.

    At most two queries. Open batches are for everybody, good news for half a minute, bad news for an hour.
    """
    found = _recent(element, now, instance_id)
    failures = _failures(element, [row["batch"] for row in found if row["failed"] + row["unknown"] + row["unanswered"]])
    batches = [_batch(row, failures.get(row["batch"], ()), user.get_username(), now) for row in found]
    return {"dock": batches, "dock_busy": any(batch.facts.open for batch in batches)}


def _recent(element: Element, now: datetime, instance_id: str) -> list[dict[str, Any]]:
    recent = element.actions.filter(requested_at__gte=now - OLDEST)
    if instance_id:
        recent = recent.filter(batch__in=recent.filter(instance_id_text=instance_id).order_by().values("batch"))
    bad = Q(status__in=ENDED_BADLY)
    rows = recent.values("batch", "verb", "requested_by").annotate(
        total=Count("pk"),
        under_way=Count("pk", filter=Q(status__in=OPEN)),
        done=Count("pk", filter=Q(status="confirmed")),
        failed=Count("pk", filter=bad & ~Q(status="unknown")),
        unknown=Count("pk", filter=Q(status="unknown")),
        unanswered=Count("pk", filter=Q(status="unanswered")),
        name=Min("instance_name"),
        asked_at=Min("requested_at"),
        first_answer_at=Min("answered_at", filter=Q(status="accepted")),
        ended_at=Max("settled_at"),
        newest=Max("pk"),
    )
    good_news = Q(ended_at__gte=now - GOOD_NEWS)
    bad_news = (Q(failed__gt=0) | Q(unknown__gt=0)) & Q(ended_at__gte=now - BAD_NEWS)
    shown = rows.filter(Q(under_way__gt=0) | good_news | bad_news).order_by("-newest")[:BATCHES]
    return [dict(row) for row in shown]


def _failures(element: Element, batches: Sequence[UUID]) -> Mapping[UUID, Sequence[Failure]]:
    ended = element.actions.filter(batch__in=batches, status__in=(*ENDED_BADLY, "unanswered")).order_by("instance_name")
    columns = ("batch", "instance_id_text", "instance_name", "error_code", "message", "request_id")
    found: dict[UUID, list[Failure]] = {}
    if batches:
        for batch, *values in ended.values_list(*columns):
            found.setdefault(batch, []).append(Failure(*values))
    return found


def _batch(row: Mapping[str, Any], failures: Sequence[Failure], me: str, now: datetime) -> Batch:
    facts = BatchFacts(
        verb=row["verb"],
        name=row["name"] if row["total"] == 1 else "",
        total=row["total"],
        done=row["done"],
        failed=row["failed"],
        unknown=row["unknown"],
        unanswered=row["unanswered"],
        requested_at=row["asked_at"],
        answered_at=row["first_answer_at"],
        settled_at=row["ended_at"],
    )
    return Batch(row["batch"], facts, batch_words(facts, now), row["requested_by"], row["requested_by"] == me, failures)
