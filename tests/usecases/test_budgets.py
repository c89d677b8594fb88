"""The budget that all hosts share. Time passes by setting the budget's own clock."""

import threading
import time
import uuid
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from elements.aws.errors import AwsRejected
from elements.models import CallBudget, Element, Poll
from elements.models.call_budgets import CallBudgetQuerySet
from elements.usecases import budgets
from elements.usecases.budgets import Budget
from elements.usecases.change_instance_state import perform, request
from elements.usecases.run_polls import poll_once
from simulator.world import ACCOUNT
from tests import builders

pytestmark = pytest.mark.django_db
LISTINGS = ("DescribeInstances", "DescribeInstanceStatus")


class Clock:
    """A clock that passes only while somebody sleeps."""

    def __init__(self):
        self.now, self.slept = 1_000_000.0, []

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(autouse=True)
def another_process(monkeypatch):
    monkeypatch.setattr(budgets, "_purses", type(budgets._purses)(budgets.Purse))


def element(name="Frankfurt", account="111122223333", region="eu-central-1"):
    return builders.element(name=name, account_id=account, region=region)


def budget(element, clock, *, pages=0):
    return Budget(element, pages=pages, clock=clock.time, sleep=clock.sleep)


def pace(element, clock):
    """Return the pace of somebody who waits."""
    return budget(element, clock).pace()


def poll(element, clock, pages, *, read=None):
    """Read so many pages of both listings as a poll does, which expected `pages`, and return their moments."""
    paced, moments = budget(element, clock, pages=pages).pace(), []
    with paced.booked():
        for _ in range(pages if read is None else read):
            for operation in LISTINGS:
                paced.wait(operation)
            moments.append(clock.now)
    return moments


def booked(element, clock):
    """Begin a poll of 100 pages, which goes on as long as what is returned is kept."""
    reading = budget(element, clock, pages=100).pace().booked()
    reading.__enter__()
    return reading


def tokens(clock, kind="describe"):
    return CallBudget.objects.get(kind=kind).level(budgets.limit(kind, 25), clock.now)


def spend(paced, operation, number):
    for _ in range(number):
        paced.wait(operation)


def test_a_small_poll_costs_one_query(clock, django_assert_num_queries):
    row = element()
    spend(pace(row, clock), "DescribeInstances", 1)
    clock.now += 60

    with django_assert_num_queries(1):
        poll(row, clock, 1)


def test_the_next_small_poll_of_the_account_within_seconds_costs_none(clock, django_assert_num_queries):
    first, second = element("first"), element("second")
    poll(first, clock, 1)

    with django_assert_num_queries(0):
        poll(second, clock, 1)


def test_a_poll_of_ten_pages_costs_one_query(clock, django_assert_num_queries):
    row = element()
    poll(row, clock, 1)
    clock.now += 60

    with django_assert_num_queries(1):
        poll(row, clock, 10)


def test_a_poll_of_a_hundred_pages_costs_ten_queries_and_is_spaced(clock, django_assert_max_num_queries):
    row = element()
    poll(row, clock, 1)
    clock.now += 60
    began = clock.now

    with django_assert_max_num_queries(10):
        moments = poll(row, clock, 100)

    assert moments[19] == began, "the burst that is there"
    assert moments[-1] - began == pytest.approx(20, abs=1), "then 4 each second"
    assert all(later - sooner < 1 for sooner, later in pairwise(moments)), "evenly"


@pytest.mark.parametrize("read", [3, 21])
def test_a_poll_that_reads_less_than_it_expected_gives_the_rest_back(clock, read):
    row = element()
    poll(row, clock, 1)
    clock.now += 60

    poll(row, clock, 100, read=read)

    assert tokens(clock) == pytest.approx(20 - read, abs=1)


def test_a_poll_that_fails_gives_the_rest_back(clock):
    row = element()
    paced = budget(row, clock, pages=100).pace()

    with pytest.raises(KeyError), paced.booked():
        paced.wait("DescribeInstances")
        raise KeyError

    assert tokens(clock) == 19


def test_time_refills_what_a_host_that_died_had_booked(clock):
    _reading = booked(element(), clock)
    assert tokens(clock) == -20

    clock.now += 10

    assert tokens(clock) == 20


def test_a_small_poll_behind_a_large_one_begins_within_seconds(clock):
    large, small = element("large"), element("small")
    _reading, began = booked(large, clock), clock.now

    poll(small, clock, 1)

    assert clock.now - began < 8


def test_a_large_poll_of_a_throttled_account_books_no_more_than_seconds_ahead(clock):
    row = element()
    for _ in range(4):
        budget(row, clock).throttled("DescribeInstances")
        clock.now += 10
    began = clock.now

    moments = poll(row, clock, 20)

    assert moments[-1] - began > 15, "half a token each second, and slowly more"


@pytest.mark.parametrize("operation", LISTINGS)
def test_more_than_the_burst_is_spaced(clock, operation):
    began = clock.now

    spend(pace(element(), clock), operation, 125)

    assert (clock.now - began) == pytest.approx(20, rel=0.25), "a burst of 25, then 5 each second"


def test_five_hundred_starts_are_five_calls_spaced_by_the_budget(clock):
    paced, began, sent_at = pace(element(), clock), clock.now, []

    for _ in range(5):
        paced.wait("StartInstances")
        sent_at.append(clock.now - began)

    assert sent_at == [pytest.approx(at, abs=0.3) for at in (0, 1.5, 3.5, 5.5, 7.5)]


def test_all_processes_share_one_budget(clock, monkeypatch):
    row, began = element(), clock.now

    for _ in range(5):
        monkeypatch.setattr(budgets, "_purses", type(budgets._purses)(budgets.Purse))
        spend(pace(row, clock), "DescribeInstances", 20)

    assert clock.now - began > 12


def test_another_account_and_another_region_have_budgets_of_their_own(clock):
    for row in (element(), element("other account", "999"), element("other region", region="us-east-1")):
        spend(pace(row, clock), "DescribeInstances", 20)

    assert sum(clock.slept) == 0
    assert CallBudget.objects.count() == 3


def test_what_somebody_waits_for_comes_before_polls(clock):
    row = element()
    _readings = [booked(row, clock) for _ in range(3)]
    clock.now += 0.1

    for _ in range(4):
        pace(row, Still(clock)).wait("DescribeInstances")
    pace(row, Still(clock)).wait("StopInstances")


class Still(Clock):
    """The clock of another, for somebody who may not sleep."""

    def __init__(self, other):
        super().__init__()
        self.now = other.now

    def sleep(self, seconds):
        if seconds:
            raise AwsRejected("would sleep", operation="")


def test_who_would_have_to_wait_for_long_is_told_that_aws_was_not_asked(clock):
    row = element()
    spend(pace(row, clock), "StartInstances", 1)
    CallBudget.objects.update(tokens=-20)

    with pytest.raises(AwsRejected, match="own budget of requests to account 111122223333 in eu-central-1") as raised:
        pace(row, clock).wait("StartInstances")

    assert raised.value.throttled and raised.value.definite


def test_a_throttled_request_slows_down_every_element_of_the_account_and_region(clock):
    throttled, same, other = element("throttled"), element("same"), element("other", region="us-east-1")

    budget(throttled, clock).throttled("DescribeInstances")

    assert {poll.element_id for poll in Poll.objects.filter(paced_until__gt=timezone.now())} == {throttled.pk, same.pk}
    assert Element.objects.get(pk=same.pk).connection(timezone.now()).state != "late", "it has not been polled yet"
    builders.polled(same)
    assert Element.objects.get(pk=same.pk).connection(timezone.now()).word == "Late"
    assert not Poll.objects.get(element=other).paced_until


def test_the_budget_is_halved_by_each_sign_and_recovers_slowly(clock):
    row, began = element(), clock.now
    budget(row, clock).throttled("DescribeInstances")

    spend(pace(row, clock), "DescribeInstances", 10)
    halved_s = clock.now - began
    clock.now += 600
    spend(pace(row, clock), "DescribeInstances", 25)

    assert halved_s == pytest.approx(4, rel=0.3), "2.5 each second, and none at first"
    assert clock.now - began - halved_s - 600 < 1


def test_requests_that_were_throttled_together_are_one_sign(clock):
    for name in ("first", "second", "third"):
        budget(element(name), clock).throttled("DescribeInstances")

    assert {row.lowered_to for row in CallBudget.objects.all()} == {0.5}
    clock.now += 10
    budget(element("fourth"), clock).throttled("DescribeInstances")
    assert CallBudget.objects.get(kind="describe").lowered_to == pytest.approx(0.27, abs=0.01)


def test_a_write_that_is_throttled_does_not_space_the_polls(clock):
    budget(element(), clock).throttled("StartInstances")

    assert not Poll.objects.get().paced_until


def test_a_clock_that_was_an_hour_ahead_stops_nobody(clock):
    row = element()
    budget(row, clock).throttled("DescribeInstances")
    CallBudget.objects.update(at=clock.now + 3600, lowered_at=clock.now + 3600)

    pace(row, clock).wait("DescribeInstances")

    assert sum(clock.slept) < 5


def test_without_a_database_aws_is_asked_all_the_same(clock, monkeypatch, caplog):
    def away(*args, **kwargs):
        raise DatabaseError("it is away")

    paced = pace(element(), clock)
    monkeypatch.setattr(CallBudgetQuerySet, "take", away)

    paced.wait("StopInstances")

    assert "cannot be used, AWS is asked without: it is away" in caplog.text


def test_polls_are_spaced_while_the_account_is_throttled(aws):
    row = builders.element(aws, aws.add_keys(), interval_s=30)
    now = timezone.now()
    Poll.objects.update(due_at=now, paced_until=now + timedelta(seconds=150))

    poll_once(row.pk, caller="poll", now=now)

    assert Poll.objects.get().due_at == now + timedelta(seconds=60)


def test_throttling_of_a_real_poll_is_said_by_its_neighbour(aws):
    aws.add_instances(count=1)
    row = builders.element(aws, aws.add_keys(), name="first", account_id=ACCOUNT)
    other = builders.element(aws, aws.add_keys(), name="second", account_id=ACCOUNT)
    aws.fault("throttle", "DescribeInstances", times=1)

    poll_once(row.pk, caller="poll", now=timezone.now())

    assert Poll.objects.get(element=other).is_paced(timezone.now())


def test_the_first_poll_with_new_keys_spends_what_their_account_has(aws):
    row = builders.element(aws, aws.add_keys())

    poll_once(row.pk, caller="poll", now=timezone.now())

    assert set(CallBudget.objects.values_list("account", flat=True)) == {ACCOUNT}


def test_five_hundred_starts_reach_aws_in_five_calls(aws, settings):
    settings.REQUEST_BUDGET_PERCENT = 100
    aws.add_instances(count=500, state="stopped")
    row = builders.element(aws, aws.add_keys())
    poll_once(row.pk, caller="poll", now=timezone.now())
    row = Element.objects.with_poll().get()
    ids = list(row.instances.values_list("instance_id", flat=True))
    asked = request(row, "start", ids, batch=uuid.uuid4(), by="maria", now=timezone.now())

    perform(row, [action.pk for action in asked.actions], clock=timezone.now)

    assert [len(call.parameters["InstanceIds"]) for call in aws.journal("StartInstances")] == [100] * 5


@pytest.mark.django_db(transaction=True)
def test_many_at_once_take_no_more_than_there_is(settings):
    row, clock = element(), Clock()
    CallBudget.objects.make(row.budget_account, row.region, "write", limit=budgets.limit("write", 25), now=clock.now)
    taken, lock = [], threading.Lock()

    def take():
        try:
            for _ in range(5):
                mine = (row.budget_account, row.region, "write")
                if CallBudget.objects.take(*mine, 1, limit=budgets.limit("write", 25), now=clock.now):
                    with lock:
                        taken.append(time.monotonic())
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(taken) == 12
