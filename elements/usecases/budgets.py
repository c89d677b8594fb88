"""Keep to the budget of requests that all hosts share, and slow down together when AWS says so.

A poll books what it will need, with one statement when that much is there, else some seconds ahead, and then spaces
its requests by itself. A host that dies loses what it booked; time adds that again.
"""

import logging
import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property

from django.conf import settings
from django.db import Error, connections
from django.utils import timezone

from elements.aws.calls import Pace
from elements.aws.errors import AwsRejected
from elements.domain.budgets import DESCRIBE, URGENT, Booking, Limit, kind, limit
from elements.models import CallBudget, Element, Poll
from elements.models.call_budgets import CallBudgetQuerySet

log = logging.getLogger(__name__)

BUDGET_SPENT = "BudgetSpent"
# An attempt of 40 s after it still ends within a poll's lease.
LONGEST_WAIT_S = 15.0
# After so long whoever waits takes whatever there is.
PATIENT_S = 5.0
# How far ahead polls book: a small one behind a large one of its account begins so much later.
BOOKED_AHEAD_S = 5.0
# With its retries a small poll asks for each listing three times.
ENOUGH_FOR_A_POLL = 4
# Small polls of an account that follow each other in a process share what the first one took.
TAKEN_AT_ONCE = 10


class Purse:
    """What is booked of the listings of an account in a region, for one large poll or for all small ones."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._booked: list[Booking] = []

    def add(self, booking: Booking) -> None:
        """Hold more."""
        self._booked.append(booking)

    def holds_enough(self, now: float) -> bool:
        """Tell whether a small poll needs nothing more."""
        return sum(booking.unused for booking in self._booked if booking.lasts(now)) >= ENOUGH_FOR_A_POLL

    def next(self, operation: str, now: float) -> float | None:
        """Use one of what was booked first, and return its moment."""
        moments = (booking.next(operation, now) for booking in self._booked)
        return next((moment for moment in moments if moment is not None), None)

    def drop(self, now: float, *, all_of_it: bool) -> int:
        """Hold all of it no more, or what is too old, and return how many nobody has used."""
        dropped = [booking for booking in self._booked if all_of_it or not booking.lasts(now)]
        self._booked = [booking for booking in self._booked if booking not in dropped]
        return sum(booking.unused for booking in dropped)


_purses: defaultdict[tuple[str, str, bool], Purse] = defaultdict(Purse)
# Neither what the parent booked nor a lock that one of its threads held belongs to a child.
os.register_at_fork(after_in_child=lambda: _purses.clear())


class Budget:
    """The budget of one element's requests: that of its account in its region.

    `pages`: how many of each listing a poll expects; without, somebody waits for what is asked.
    """

    def __init__(
        self,
        element: Element,
        *,
        pages: int = 0,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._element, self._region = element, element.region
        self._clock, self._sleep, self._thread = clock, sleep, threading.current_thread()
        self._lanes = (DESCRIBE,) if pages else (DESCRIBE, URGENT)
        self._is_large = pages + ENOUGH_FOR_A_POLL > TAKEN_AT_ONCE
        self._wanted = max(pages + ENOUGH_FOR_A_POLL - 1, TAKEN_AT_ONCE) if pages else ENOUGH_FOR_A_POLL

    @cached_property
    def _account(self) -> str:
        """Return whose budget this is: asked for with the first listing, after new keys were identified."""
        return self._element.budget_account

    @cached_property
    def _purse(self) -> Purse:
        return Purse() if self._is_large else _purses[self._account, self._region, URGENT not in self._lanes]

    def pace(self) -> Pace:
        """Return what a gateway asks before its attempts."""
        return Pace(wait=self._wait, booked=self._booked)

    @contextmanager
    def _booked(self) -> Iterator[None]:
        """Book what a poll needs, and give back what it did not; where somebody waits nothing is known before.

        A thread that only reads pages of AWS has no database connection yet.
        """
        if URGENT not in self._lanes:
            self._ask(DESCRIBE, "")
        try:
            yield
        finally:
            self._give_back_all()

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
            self._give_back_all()
            left_s = None
            for lane in (URGENT, DESCRIBE) if of == DESCRIBE else (of,):
                left_s = CallBudget.objects.lower(
                    self._account, self._region, lane, limit=_limit(lane), now=self._clock()
                )
            if left_s is not None and of == DESCRIBE:
                self._tell(timezone.now() + timedelta(seconds=left_s))
        except Error as error:
            log.warning("that AWS throttles could not be noted: %s", str(error).strip())

    def _tell(self, until: datetime) -> None:
        log.warning("AWS throttles requests of account %s in %s: fewer are made", self._account, self._region)
        sharing = Element.objects.sharing_budget(self._account, self._region)
        Poll.objects.filter(element__in=sharing).update(paced_until=until)

    def _give_back_all(self) -> None:
        """Give back what a large poll does not need any more, or what it booked when AWS did not throttle yet."""
        try:
            with self._purse.lock:
                if self._is_large:
                    self._give_back(all_of_it=True)
        except Error as error:
            log.warning("requests that were booked could not be given back: %s", str(error).strip())

    def _give_back(self, *, all_of_it: bool) -> None:
        """Give back what is worth a statement; small polls share what they hold until it is too old."""
        unused = self._purse.drop(self._clock(), all_of_it=all_of_it)
        if self._is_large and unused > ENOUGH_FOR_A_POLL:
            self._mine(DESCRIBE).give_back(unused, limit=_limit(DESCRIBE), now=self._clock())

    def _ask(self, of: str, operation: str) -> None:
        began = self._clock()
        try:
            while (wait_s := self._try(of, operation, is_patient=self._clock() < began + PATIENT_S)) is not None:
                if self._clock() + wait_s > began + LONGEST_WAIT_S:
                    raise _spent(self._account, self._region, operation)
                self._sleep(wait_s + random.uniform(0.01, 0.05) if wait_s else 0.0)
        except Error as error:
            log.warning("the budget of requests cannot be used, AWS is asked without: %s", str(error).strip())

    def _try(self, of: str, operation: str, *, is_patient: bool) -> float | None:
        """Wait for the moment of what is booked and return None, or how long to wait before booking can be tried."""
        if of != DESCRIBE:
            found = self._book(of, 1, 1, 0.0)
            return None if isinstance(found, Booking) else found
        with self._purse.lock:
            moment = self._of_purse(operation)
            if moment is None:
                found = self._claim(is_patient)
                if not isinstance(found, Booking):
                    return found
                self._purse.add(found)
                moment = self._of_purse(operation)
        if moment and moment > self._clock():
            self._sleep(moment - self._clock())
        return None

    def _of_purse(self, operation: str) -> float | None:
        """Use one of what the purse holds; without an operation, only see whether there is enough to begin with."""
        now = self._clock()
        if operation:
            return self._purse.next(operation, now)
        return now if self._purse.holds_enough(now) else None

    def _claim(self, is_patient: bool) -> Booking | float:
        """Book anew, or return how long to wait for that."""
        self._give_back(all_of_it=False)
        ahead_s = 0.0 if URGENT in self._lanes else BOOKED_AHEAD_S
        least = (self._wanted if self._is_large else ENOUGH_FOR_A_POLL) if is_patient else 1
        waits = []
        for lane in self._lanes:
            found = self._book(lane, self._wanted, least, ahead_s)
            if isinstance(found, Booking) or not found:
                return found
            waits.append(found)
        return min(waits)

    def _book(self, lane: str, number: int, least: int, ahead_s: float) -> Booking | float:
        """Take so many tokens with one statement where they are there, else book what can be had."""
        budget, now = _limit(lane), self._clock()
        try:
            row = (self._account, self._region, lane)
            if number <= budget.burst and CallBudget.objects.take(*row, number, limit=budget, now=now):
                return Booking(now, number, number, budget.per_s)
            return self._mine(lane).book(number, least=least, ahead_s=ahead_s, limit=budget, now=now)
        except CallBudget.DoesNotExist:
            CallBudget.objects.make(self._account, self._region, lane, limit=budget, now=now)
            return 0.0
        finally:
            self._let_go()

    def _mine(self, lane: str) -> CallBudgetQuerySet:
        return CallBudget.objects.of(self._account, self._region, lane)

    def _let_go(self) -> None:
        """Leave no connection to the database behind in a thread that only reads pages of AWS."""
        if threading.current_thread() is not self._thread:
            connections.close_all()


def _limit(lane: str) -> Limit:
    return limit(lane, settings.REQUEST_BUDGET_PERCENT)


def _spent(account: str, region: str, operation: str) -> AwsRejected:
    error = AwsRejected(
        f"ec2mon's own budget of requests to account {account} in {region} is used up for the next"
        f" {LONGEST_WAIT_S:.0f} s, so AWS was not asked.",
        operation=operation,
        code=BUDGET_SPENT,
    )
    error.throttled = True
    return error
