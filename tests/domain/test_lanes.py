"""Fairness, as it is planned: who goes with whom, and of whom there are only so many at once."""

from itertools import pairwise

from elements.domain.lanes import BIG, QUICK, SLOW, DuePoll, lane, plan

CLOCK_EVERY_S, QUICK_POLL_S, BIG_POLL_S = 1, 0.25, 12


def small(number, **facts):
    return DuePoll(**{"element_id": number, "instances": 10, "duration_ms": 200, "failures": 0, **facts})


def big(number, **facts):
    return small(number, **{"instances": 50_000, "duration_ms": 12_000, **facts})


def test_an_element_goes_by_its_size_and_by_how_long_aws_let_it_wait():
    assert lane(small(1)) is QUICK
    assert lane(small(1, duration_ms=0)) is QUICK, "a new one"
    assert lane(small(1, duration_ms=2_500)) is SLOW
    assert lane(big(1)) is BIG


def test_one_that_failed_takes_no_place_of_a_big_one():
    assert lane(big(1, failures=1)) is SLOW
    assert lane(small(1, failures=1)) is SLOW


def test_a_thousand_small_elements_are_a_few_tasks():
    batches = plan([small(number) for number in range(1000)], room=1)

    assert len(batches) == 21
    assert sorted(pk for batch in batches for pk in batch.element_ids) == list(range(1000))


def test_no_batch_holds_elements_of_two_kinds():
    due = [small(1), big(2), small(3, failures=1), small(4)]

    batches = plan(due, room=5)

    assert [(batch.lane, batch.element_ids) for batch in batches] == [("quick", [1, 4]), ("slow", [3]), ("big", [2])]


def test_big_ones_wait_for_room_in_the_order_in_which_they_are_due():
    assert [batch.element_ids for batch in plan([big(7), big(8), big(9)], room=2)] == [[7], [8]]
    assert plan([big(7)], room=0) == []
    assert plan([big(7)], room=-3) == []


def test_with_ten_big_and_five_hundred_small_elements_the_small_ones_keep_their_intervals():
    """Two workers, one of which may read a big one: ten minutes of their time, by arithmetic."""
    due_at, begun = dict.fromkeys(range(510), 0.0), {pk: [] for pk in range(510)}
    free_at, big_until = [0.0, 0.0], 0.0

    for now in range(0, 600, CLOCK_EVERY_S):
        due = [big(pk) if pk >= 500 else small(pk) for pk in sorted(due_at, key=due_at.get) if due_at[pk] <= now]
        for batch in plan(due, room=1 if big_until <= now else 0):
            worker = free_at.index(min(free_at))
            begins = max(free_at[worker], now)
            if batch.lane == "big":
                free_at[worker], big_until = begins + min(BIG_POLL_S, BIG.patience_s), begins + BIG_POLL_S
            else:
                free_at[worker] = begins + -(-len(batch.element_ids) // QUICK.at_once) * QUICK_POLL_S
            for pk in batch.element_ids:
                begun[pk].append(begins)
                due_at[pk] += 30

    gaps = [later - earlier for pk in range(500) for earlier, later in pairwise(begun[pk])]
    assert max(abs(gap - 30) for gap in gaps) < 5
    assert {len(begun[pk]) for pk in range(500)} == {20}
    assert min(len(begun[pk]) for pk in range(500, 510)) >= 4, "nor is a big one forgotten"
