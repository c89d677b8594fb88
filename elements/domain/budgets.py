"""How often AWS may be asked: a share of EC2's published limits for an account in a region, by kind of request."""

from dataclasses import dataclass, field

# What an element asks again and again has one budget, for it asks the two listings alike.
DESCRIBE, WRITE, START = "describe", "write", "start"
# The part of what may be listed that no poll touches: it is left to those whom somebody waits for.
URGENT, URGENT_SHARE = "urgent", 0.2
RECOVERY_S = 300.0
LOWEST_SPEED = 0.125
# Requests that were under way together are throttled together; they are one sign.
ONE_SIGN_S = 5.0
# Longer gaps than this would make an element that is polled look like one that is not.
LONGEST_STRETCH = 4.0
# How long what was booked may be used after its moment: more would be a burst that nobody has counted.
USED_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of tokens, one for each request, and how many are added each second."""

    burst: float
    per_s: float


@dataclass(slots=True)
class Booking:
    """So many requests of each listing that may be made: the first `ready` of them from `at` on, the others spaced."""

    at: float
    number: int
    ready: float
    per_s: float
    _used: dict[str, int] = field(default_factory=dict)

    @property
    def unused(self) -> int:
        """Return how many are left of every listing."""
        return self.number - max(self._used.values(), default=0)

    def lasts(self, now: float) -> bool:
        """Tell whether what is left may be used still."""
        return self.at <= now <= self._moment(self.number) + USED_WITHIN_S

    def next(self, operation: str, now: float) -> float | None:
        """Use one of a listing and return the moment from which it may be made, None when there is none left."""
        number = self._used.get(operation, 0) + 1
        if number > self.number or not self.lasts(now):
            return None
        self._used[operation] = number
        return self._moment(number)

    def _moment(self, number: int) -> float:
        return self.at + max(0.0, number - self.ready) / self.per_s


# Source: EC2 API request throttling. Each API of a kind has such a bucket of its own.
PUBLISHED = {DESCRIBE: Limit(100, 20), WRITE: Limit(50, 5), START: Limit(5, 2)}


def kind(operation: str) -> str:
    """Return which budget a request belongs to, "" for those of another service than EC2."""
    if operation == "StartInstances":
        return START
    if operation == "GetCallerIdentity":
        return ""
    return DESCRIBE if operation.startswith("Describe") else WRITE


def limit(of: str, percent: int) -> Limit:
    """Return ec2mon's share of a bucket; one request fits in however small it is."""
    published, share = PUBLISHED[DESCRIBE if of == URGENT else of], percent / 100
    share *= {URGENT: URGENT_SHARE, DESCRIBE: 1 - URGENT_SHARE}.get(of, 1)
    return Limit(max(1.0, published.burst * share), published.per_s * share)


def speed(lowered_to: float, seconds_ago: float) -> float:
    """Return the part of the budget that may be used, so long after it was lowered."""
    return min(1.0, lowered_to + max(0.0, seconds_ago) / RECOVERY_S)


def lowered(now: float) -> float:
    """Return the speed after AWS throttled a request made at a speed."""
    return max(LOWEST_SPEED, now / 2)


def recovers_in_s(lowered_to: float) -> float:
    """Return how long it takes from a speed to the whole budget."""
    return (1.0 - lowered_to) * RECOVERY_S


def is_recovering(left_s: float) -> bool:
    """Tell whether a budget still recovers that is whole again in so long; more was written by a wrong clock."""
    return 0 < left_s <= RECOVERY_S


def stretched(interval_s: int, left_s: float) -> float:
    """Return the interval between polls while the budget of their account recovers for so long yet."""
    if not is_recovering(left_s):
        return interval_s
    return interval_s * min(LONGEST_STRETCH, 1.0 / max(LOWEST_SPEED, 1.0 - left_s / RECOVERY_S))
