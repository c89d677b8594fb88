import pytest

from elements.domain.budgets import (
    LONGEST_STRETCH,
    LOWEST_SPEED,
    RECOVERY_S,
    Limit,
    kind,
    limit,
    lowered,
    recovers_in_s,
    speed,
    stretched,
)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("DescribeInstances", "describe"),
        ("DescribeInstanceStatus", "describe"),
        ("StartInstances", "start"),
        ("StopInstances", "write"),
        ("RebootInstances", "write"),
        ("ModifyInstanceEventStartTime", "write"),
        ("GetCallerIdentity", ""),
    ],
)
def test_each_request_belongs_to_the_bucket_that_aws_counts_it_in(operation, expected):
    assert kind(operation) == expected


def test_a_quarter_of_what_is_published_is_used_unless_somebody_says_otherwise():
    assert (limit("describe", 100), limit("urgent", 100)) == (Limit(80, 16), Limit(20, 4))
    assert limit("describe", 25) == Limit(20, 4)
    assert limit("write", 25) == Limit(12.5, 1.25)
    assert limit("start", 25) == Limit(1.25, 0.5)
    assert limit("start", 100) == Limit(5, 2)


def test_however_small_the_share_one_request_fits_in():
    assert limit("start", 1).burst == 1


def test_each_sign_halves_the_speed_down_to_a_limit():
    assert (lowered(1.0), lowered(0.5), lowered(LOWEST_SPEED)) == (0.5, 0.25, LOWEST_SPEED)


def test_the_speed_comes_back_slowly_and_the_moment_is_known():
    assert speed(0.5, 0) == 0.5
    assert speed(0.5, RECOVERY_S / 4) == 0.75
    assert speed(0.5, recovers_in_s(0.5)) == 1.0
    assert speed(0.5, 10 * RECOVERY_S) == 1.0
    assert speed(0.5, -30) == 0.5, "whose clock is behind sees the same"


def test_polls_are_spaced_by_as_much_as_the_budget_is_smaller_yet_seldom_enough_to_look_lost_never():
    assert stretched(30, recovers_in_s(0.5)) == 60
    assert stretched(30, recovers_in_s(LOWEST_SPEED)) == 30 * LONGEST_STRETCH
    assert stretched(30, 0) == 30
    assert stretched(30, -5) == 30
    assert stretched(30, RECOVERY_S + 1) == 30
