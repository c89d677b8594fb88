from datetime import timedelta

import pytest
from django.utils import timezone

from elements.models import CallBudget, Element, Poll
from elements.usecases.machinery import gather
from tests import builders

pytestmark = pytest.mark.django_db


def gathered(now):
    return gather(now, [], Element.objects.with_poll())


def test_polls_are_counted_by_how_they_keep_their_times():
    now = timezone.now()
    for name, values in {
        "on time": {"due_at": now + timedelta(seconds=20), "succeeded_at": now - timedelta(seconds=10)},
        "due": {"due_at": now - timedelta(seconds=4), "succeeded_at": now - timedelta(seconds=34)},
        "late": {"due_at": now + timedelta(seconds=20), "succeeded_at": now - timedelta(seconds=90)},
        "silent": {"due_at": now + timedelta(seconds=20), "failures": 3},
    }.items():
        Poll.objects.filter(element=builders.element(name=name, slug=name.replace(" ", "-"), interval_s=30)).update(
            **values
        )
    builders.element(name="paused", slug="paused", paused=True)

    polls = gathered(now).polls

    assert (polls.polled, polls.paused, polls.due, polls.late, polls.not_connected) == (4, 1, 1, 1, 1)
    assert (polls.p50_s, polls.p95_s, polls.max_s) == (0.0, 60.0, 60.0)


def test_an_element_that_is_emptied_after_a_move_is_not_late():
    """Its poll follows that, and no worker more would bring it sooner."""
    now = timezone.now()
    moved = builders.element(cleared_at=now - timedelta(seconds=50))
    Poll.objects.filter(element=moved).update(due_at=now - timedelta(seconds=50))

    polls = gathered(now).polls

    assert (polls.polled, polls.due, polls.max_s) == (1, 0, 0.0)


def test_only_budgets_that_have_not_recovered_are_named():
    now = timezone.now()
    for region, seconds_ago in (("eu-central-1", 30), ("us-east-1", 200)):
        builders.element(name=region, region=region, account_id="123456789012")
        CallBudget.objects.create(
            account="123456789012",
            region=region,
            kind="describe",
            tokens=0,
            at=now.timestamp(),
            lowered_to=0.5,
            lowered_at=now.timestamp() - seconds_ago,
        )

    CallBudget.objects.create(
        account="999999999999",
        region="eu-central-1",
        kind="describe",
        tokens=0,
        at=now.timestamp(),
        lowered_to=0.5,
        lowered_at=now.timestamp(),
    )

    [slowed] = gathered(now).slowed

    assert (slowed.region, slowed.percent) == ("eu-central-1", 60)
    assert abs((slowed.whole_at - now).total_seconds() - 120) < 1
