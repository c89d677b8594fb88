"""CallBudget: how many requests may be sent to AWS for an account in a region, by all hosts together."""

from django.db import models
from django.db.models.functions import Greatest, Least

from elements.domain.budgets import LOWEST_SPEED, ONE_SIGN_S, RECOVERY_S, Limit, lowered, recovers_in_s, speed

# Clocks of hosts differ by a few seconds.
MOST_AHEAD_S = 60.0


class CallBudgetQuerySet(models.QuerySet["CallBudget"]):
    """Ways to spend and lower budgets. Moments are seconds since 1970, as `time.time()` gives them."""

    def of(self, account: str, region: str, kind: str) -> "CallBudgetQuerySet":
        """Keep the one of an account, a region and a kind of request."""
        return self.filter(account=account, region=region, kind=kind)

    def take(self, number: int, *, limit: Limit, keep: float, now: float) -> bool:
        """Take tokens of the one that was chosen when `keep` are left then; one statement, so that nobody collides."""
        since = Greatest(_number(now) - models.F("at"), _number(0.0))
        risen = models.F("lowered_to") + Greatest(_number(now) - models.F("lowered_at"), _number(0.0)) / RECOVERY_S
        level = Least(models.F("tokens") + since * limit.per_s * Least(risen, _number(1.0)), _number(limit.burst))
        enough = self.annotate(level=level).filter(level__gte=number + min(keep, limit.burst - number))
        return bool(enough.update(tokens=level - number, at=Greatest(models.F("at"), _number(now))))

    def mend(self, now: float) -> None:
        """Bring back what a host whose clock was far ahead has written: nothing would be added until then."""
        ahead = models.Q(at__gt=now + MOST_AHEAD_S) | models.Q(lowered_at__gt=now + MOST_AHEAD_S)
        self.filter(ahead).update(at=now, lowered_at=Least(models.F("lowered_at"), _number(now)))

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
        won = known.update(lowered_to=to, lowered_at=now, tokens=0.0, at=now)
        return recovers_in_s(to) if won else None


class CallBudget(models.Model):
    """A bucket of tokens: `tokens` were there `at`; since `lowered_at` it fills slower, at first by `lowered_to`."""

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

    def wait_s(self, number: int, *, limit: Limit, keep: float, now: float) -> float:
        """Return after how many seconds there may be so many tokens, and `keep` more."""
        per_s = limit.per_s * max(LOWEST_SPEED, speed(self.lowered_to, now - self.lowered_at))
        missing = number + min(keep, limit.burst - number) - self.tokens
        return max(0.0, missing / per_s - (now - self.at))


def _number(value: float) -> models.Value:
    return models.Value(value, output_field=models.FloatField())
