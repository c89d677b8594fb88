"""CallBudget: how many requests may be sent to AWS for an account in a region, by all hosts together."""

import math
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.db.models.expressions import Expression
from django.db.models.functions import Greatest, Least
from django.db.models.lookups import GreaterThanOrEqual

from elements.domain.budgets import LOWEST_SPEED, ONE_SIGN_S, RECOVERY_S, Booking, Limit, lowered, recovers_in_s, speed
from elements.models.statements import Change, Given

# Clocks of hosts differ by a few seconds.
MOST_AHEAD_S = 60.0


class CallBudgetQuerySet(models.QuerySet["CallBudget"]):
    """Ways to spend and lower budgets. Moments are seconds since 1970, as `time.time()` gives them."""

    def of(self, account: str | Given, region: str | Given, kind: str | Given) -> "CallBudgetQuerySet":
        """Keep the one of an account, a region and a kind of request."""
        return self.filter(account=account, region=region, kind=kind)

    def take(self, account: str, region: str, kind: str, number: int, *, limit: Limit, now: float) -> bool:
        """Take tokens when they are there; one statement, so that nobody collides."""
        row = {"account": account, "region": region, "kind": kind}
        return bool(_TAKE.run(**row, number=float(number), now=now, burst=limit.burst, per_s=limit.per_s))

    def book(self, number: int, *, least: int, ahead_s: float, limit: Limit, now: float) -> Booking | float:
        """Take tokens of the one that was chosen, also those of the next `ahead_s` seconds, as long as others let us.

        Returns after how many seconds to try again when neither `least` nor half of what may be booked ahead can be
        had. What a host whose clock was far ahead has written is mended.
        """
        row = self.get()
        unchanged = self.filter(tokens=row.tokens, at=row.at, lowered_at=row.lowered_at)
        if max(row.at, row.lowered_at) > now + MOST_AHEAD_S:
            unchanged.update(at=min(row.at, now), lowered_at=min(row.lowered_at, now))
            return 0.0
        per_s, level = row.per_s(limit, now), row.level(limit, now)
        least = min(least, max(1, int(per_s * ahead_s / 2)))
        granted = min(number, math.floor(level + per_s * ahead_s + 1e-6))
        if granted < least:
            return max(0.0, (least - level) / per_s - ahead_s)
        won = unchanged.update(tokens=level - granted, at=max(now, row.at))
        return Booking(now, granted, level, per_s) if won else 0.0

    def give_back(self, number: int, *, limit: Limit, now: float) -> None:
        """Put tokens back that were booked for nothing."""
        full = Least(_level_of(limit, now) + number, _number(limit.burst))
        self.update(tokens=full, at=Greatest(models.F("at"), _number(now)))

    def make(self, account: str, region: str, kind: str, *, limit: Limit, now: float) -> None:
        """Add a full one when there is none."""
        row = CallBudget(account=account, region=region, kind=kind, tokens=limit.burst, at=now)
        CallBudget.objects.bulk_create([row], ignore_conflicts=True)

    def lower(self, account: str, region: str, kind: str, *, limit: Limit, now: float) -> float | None:
        """Use less of a budget after AWS throttled, and return how many seconds it takes to recover.

        None when somebody has just done so for the same reason.
        """
        self.make(account, region, kind, limit=limit, now=now)
        row = self.of(account, region, kind).get()
        to = lowered(speed(row.lowered_to, now - row.lowered_at))
        known = self.filter(pk=row.pk, lowered_at=row.lowered_at, lowered_at__lte=now - ONE_SIGN_S)
        none = Least(_level_of(limit, now), _number(0.0))
        won = known.update(lowered_to=to, lowered_at=now, tokens=none, at=now)
        return recovers_in_s(to) if won else None


class CallBudget(models.Model):
    """A bucket of tokens: `tokens` were there `at`, less than none when more are booked.

    Since `lowered_at` it fills slower, at first by `lowered_to`.
    """

    account = models.CharField(max_length=20)
    region = models.CharField(max_length=40)
    kind = models.CharField(max_length=10)
    tokens = models.FloatField()
    at = models.FloatField()
    lowered_to = models.FloatField(default=1.0)
    lowered_at = models.FloatField(default=0.0)

    objects = CallBudgetQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=("account", "region", "kind"), name="one_budget_per_account")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.account} in {self.region}"

    def per_s(self, limit: Limit, now: float) -> float:
        """Return how many tokens are added each second."""
        return limit.per_s * max(LOWEST_SPEED, speed(self.lowered_to, now - self.lowered_at))

    def level(self, limit: Limit, now: float) -> float:
        """Return how many tokens there are; below nothing when some are booked that are yet to be added."""
        return min(limit.burst, self.tokens + max(0.0, now - self.at) * self.per_s(limit, now))


def _level_of(limit: Limit, now: float) -> Least:
    """Return the same as `CallBudget.level`, for the database."""
    return _level(_number(now), _number(limit.per_s), _number(limit.burst))


def _level(now: Expression, per_s: Expression, burst: Expression) -> Least:
    since = Greatest(now - models.F("at"), _number(0.0))
    risen = models.F("lowered_to") + Greatest(now - models.F("lowered_at"), _number(0.0)) / RECOVERY_S
    return Least(models.F("tokens") + since * per_s * Least(risen, _number(1.0)), burst)


def _number(value: float) -> models.Value:
    return models.Value(value, output_field=models.FloatField())


def _take() -> tuple[CallBudgetQuerySet, Mapping[str, Any]]:
    now, per_s, burst, number = (Given(name, models.FloatField) for name in ("now", "per_s", "burst", "number"))
    account, region, kind = (Given(name, models.CharField) for name in ("account", "region", "kind"))
    level = _level(now, per_s, burst)
    enough = CallBudget.objects.of(account, region, kind).filter(GreaterThanOrEqual(level, number))
    return enough, {"tokens": level - number, "at": Greatest(models.F("at"), now)}


_TAKE = Change(_take)
