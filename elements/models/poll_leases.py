"""What takes and gives back the lease of a Poll row, composed once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import models

from elements.models.statements import Change, Given, GivenMoment

# No poll begins, is queued or is leased so far ahead of now: what says so is of a time when a clock was wrong.
AHEAD_S = 120.0
Rows = tuple["models.QuerySet[Any, Any]", Mapping[str, Any]]


@cache
def taking(polls: type[models.Model], queued: bool) -> Change:
    """Return what takes a lease: of a poll that is queued, or of any."""

    def make() -> Rows:
        now, one_later, step = GivenMoment("now"), GivenMoment("one_later"), Given("step", models.DurationField)
        next_at = models.Case(
            models.When(started_at__gt=ahead(now), then=one_later),
            models.When(~_queued_when_due(), due_at__gt=now, then=models.F("due_at")),
            models.When(due_at__gt=GivenMoment("one_ago"), then=models.F("due_at") + step),
            default=one_later,
            output_field=models.DateTimeField(),
        )
        rows = polls._default_manager.filter(free(now), element_id=Given("element"))
        until = {"leased_until": GivenMoment("until"), "due_at": next_at, "queued_at": None}
        taken = {"lease": Given("token", models.CharField), "started_at": now, **until}
        return rows.filter(queued_at__isnull=False) if queued else rows, taken

    return Change(make)


@cache
def releasing(polls: type[models.Model], outcome: tuple[str, ...], added: tuple[str, ...]) -> Change:
    """Return what gives a lease back and sets these columns, adding to those totals."""

    def make() -> Rows:
        mine = polls._default_manager.filter(element_id=Given("element"), lease=Given("token", models.CharField))
        kinds: dict[str, Any] = {field.name: type(field) for field in polls._meta.concrete_fields}
        set_to = {name: Given(f"to_{name}", kinds[name]) for name in outcome}
        totals = {name: models.F(name) + Given(name) for name in added}
        return mine, {"lease": "", "leased_until": None, **set_to, **totals}

    return Change(make)


def free(now: datetime | GivenMoment) -> models.Q:
    """Keep those that nobody reads."""
    return models.Q(leased_until__isnull=True) | models.Q(leased_until__lte=now) | models.Q(leased_until__gt=ahead(now))


def _queued_when_due() -> models.Q:
    return models.Q(queued_at__isnull=False, queued_at__gte=models.F("due_at"))


def ahead(now: datetime | GivenMoment) -> Any:
    """Return the moment that only a wrong clock has written something beyond."""
    return now + timedelta(seconds=AHEAD_S)
