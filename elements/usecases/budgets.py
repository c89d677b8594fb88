"""Keep to the budget of requests that all hosts share, and slow down together when AWS says so.

A host takes some tokens at a time for reading and spends them within seconds, so that a small poll costs one query.
"""

import logging
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from elements.aws.calls import Pace
from elements.aws.errors import AwsRejected
from elements.domain.budgets import DESCRIBE, kind, limit
from elements.models import CallBudget, Element, Poll

log = logging.getLogger(__name__)

BUDGET_SPENT = "BudgetSpent"
# An attempt of 40 s after it still ends within a poll's lease.
LONGEST_WAIT_S = 15.0
TAKEN_AT_ONCE = (10, 4, 1)
# With its retries a small poll asks for each listing three times.
ENOUGH_FOR_A_POLL = 4
SPENT_WITHIN_S = 5.0
# What polls leave of a bucket to those whom somebody waits for.
KEPT_OF_BURST = 0.2


class Purse:
    """The tokens that this process holds for the listings of an account in a region: so many for each of them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._left, self._of_others, self._until = dict[str, int](), 0, 0.0

    def spend(self, operation: str, now: float) -> bool:
        """Spend one, or only look whether there are enough for a small poll when no operation is named."""
        left = (
            self._left.get(operation, self._of_others)
            if operation
            else min(self._left.values(), default=self._of_others)
        )
        if left < (1 if operation else ENOUGH_FOR_A_POLL) or not 0 <= self._until - now <= SPENT_WITHIN_S:
            return False
        if operation:
            self._left[operation] = left - 1
        return True

    def fill(self, number: int, operation: str, now: float) -> None:
        """Hold so many instead of what was there, one of which is spent already when an operation is named."""
        self._left = {operation: number - 1} if operation else {}
        self._of_others, self._until = number, now + SPENT_WITHIN_S


_purses: defaultdict[tuple[str, str], Purse] = defaultdict(Purse)


class Budget:
    """The budget of one element's requests: that of its account in its region.

    `urgent`: somebody waits for what is asked, so nothing is left over for others.
    """

    def __init__(
        self,
        element: Element,
        *,
        urgent: bool,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._account, self._region, self._urgent = element.budget_account, element.region, urgent
        self._clock, self._sleep, self._thread = clock, sleep, threading.current_thread()
        self._purse = _purses[self._account, self._region]

    def pace(self, *, of_poll: bool) -> Pace:
        """Return what a gateway asks before its attempts.

        What a poll needs first is taken here: a thread that only reads pages of AWS has no database connection yet.
        """
        if of_poll:
            self._ask(DESCRIBE, "")
        return Pace(wait=self._wait)

    def _wait(self, operation: str) -> None:
        """Wait until a request may be sent; raises AwsRejected, without having asked AWS, when that takes too long."""
        if of := kind(operation):
            self._ask(of, operation)

    def throttled(self, operation: str) -> None:
        """Slow down whatever is asked of the account in the region, and let its elements say so."""
        of = kind(operation)
        if not of:
            return
        try:
            left_s = CallBudget.objects.lower(
                self._account, self._region, of, limit=limit(of, settings.REQUEST_BUDGET_PERCENT), now=self._clock()
            )
            if left_s is not None and of == DESCRIBE:
                self._tell(timezone.now() + timedelta(seconds=left_s))
        except DatabaseError as error:
            log.warning("that AWS throttles could not be noted: %s", str(error).strip())

    def _tell(self, until: datetime) -> None:
        log.warning("AWS throttles requests of account %s in %s: fewer are made", self._account, self._region)
        sharing = Element.objects.sharing_budget(self._account, self._region)
        Poll.objects.filter(element__in=sharing).update(paced_until=until)

    def _ask(self, of: str, operation: str) -> None:
        until = self._clock() + LONGEST_WAIT_S
        try:
            while (wait_s := self._try(of, operation)) is not None:
                if self._clock() + wait_s > until:
                    raise _spent(self._account, self._region, operation)
                self._sleep(wait_s + random.uniform(0.01, 0.05) if wait_s else 0.0)
        except DatabaseError as error:
            log.warning("the budget of requests cannot be used, AWS is asked without: %s", str(error).strip())

    def _try(self, of: str, operation: str) -> float | None:
        """Get a token and return None, or how long to wait before another try."""
        if of != DESCRIBE:
            return self._take(of, (1,))[1]
        with self._purse.lock:
            if self._purse.spend(operation, self._clock()):
                return None
            number, wait_s = self._take(of, TAKEN_AT_ONCE if operation else TAKEN_AT_ONCE[:-1])
            self._purse.fill(number, operation, self._clock())
            return wait_s

    def _take(self, of: str, numbers: Sequence[int]) -> tuple[int, float | None]:
        """Take the first number of tokens that there are, and return it, or the time to wait for one."""
        budget = limit(of, settings.REQUEST_BUDGET_PERCENT)
        keep = 0.0 if self._urgent or of != DESCRIBE else budget.burst * KEPT_OF_BURST
        mine = CallBudget.objects.of(self._account, self._region, of)
        try:
            for number in numbers:
                if mine.take(number, limit=budget, keep=keep, now=self._clock()):
                    return number, None
            mine.mend(self._clock())
            row = mine.first()
            if row is not None:
                return 0, row.wait_s(numbers[-1], limit=budget, keep=keep, now=self._clock())
            CallBudget.objects.make(self._account, self._region, of, limit=budget, now=self._clock())
            return 0, 0.0
        finally:
            self._let_go()

    def _let_go(self) -> None:
        """Leave no connection to the database behind in a thread that only reads pages of AWS."""
        if threading.current_thread() is not self._thread:
            connections.close_all()


def _spent(account: str, region: str, operation: str) -> AwsRejected:
    error = AwsRejected(
        f"ec2mon's own budget of requests to account {account} in {region} is used up for the next"
        f" {LONGEST_WAIT_S:.0f} s, so AWS was not asked.",
        operation=operation,
        code=BUDGET_SPENT,
    )
    error.throttled = True
    return error
