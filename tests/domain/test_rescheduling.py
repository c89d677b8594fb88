from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.connections import CONNECTED, LATE, NEW, NOT_CONNECTED, PAUSED
from elements.domain.rescheduling import InvalidStart, closed, earliest_start, obstacle, parse_start, quick_choices

NOW = datetime(2026, 3, 18, 14, 2, 11, tzinfo=UTC)  # a Wednesday
DEADLINE = datetime(2026, 3, 25, 0, 2, 30, tzinfo=UTC)


def read(text, **changed):
    facts = {"not_before": NOW + timedelta(hours=3), "deadline": DEADLINE, "now": NOW, **changed}
    return parse_start(text, **facts)


@pytest.mark.parametrize("text", ["2026-03-19 02:00", " 2026-03-19T02:00 ", "2026-03-19T02:00:00Z"])
def test_a_start_is_read_as_utc(text):
    assert read(text) == datetime(2026, 3, 19, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("2026-03-18 15:02", "AWS needs at least 60 min notice: 2026-03-18 15:04 UTC or later."),
        ("2026-03-25 00:03", "After the deadline AWS set: 2026-03-25 00:02 UTC."),
        ("2026-02-29 10:00", "There is no such day or time. Write it as 2026-03-19 02:00, in UTC."),
        ("19.03.2026", "Write it as 2026-03-19 02:00, in UTC."),
        ("2026-03-19 02:00:30", "Write it as 2026-03-19 02:00, in UTC."),
        ("٢٠٢٦-03-19 02:00", "Write it as 2026-03-19 02:00, in UTC."),
    ],
)
def test_a_start_that_breaks_a_rule_is_refused_with_the_limit(text, sentence):
    with pytest.raises(InvalidStart) as error:
        read(text)

    assert str(error.value) == sentence


def test_the_limits_themselves_are_allowed():
    assert read("2026-03-25 00:02") == DEADLINE.replace(second=0)
    assert read(f"{earliest_start(NOW):%Y-%m-%d %H:%M}") >= NOW + timedelta(minutes=60)


def test_the_start_it_has_is_no_new_one():
    with pytest.raises(InvalidStart, match="It starts then already"):
        read("2026-03-19 02:00", not_before=datetime(2026, 3, 19, 2, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("starts_in", "deadline_in", "active", "why"),
    [
        (timedelta(hours=3), timedelta(days=2), True, ""),
        (timedelta(hours=3), None, True, "Cannot be moved"),
        (timedelta(0), timedelta(days=2), True, "Already started"),
        (timedelta(minutes=5), timedelta(days=2), True, "Starts within 5 min"),
        (timedelta(minutes=5, seconds=1), timedelta(days=2), True, ""),
        (timedelta(hours=3), timedelta(minutes=59), True, "Too close to the latest start"),
        (timedelta(hours=3), timedelta(days=2), False, "It is over"),
        (None, None, True, "Cannot be moved"),
    ],
)
def test_what_keeps_an_event_from_being_moved_is_named(starts_in, deadline_in, active, why):
    not_before = None if starts_in is None else NOW + starts_in
    deadline = None if deadline_in is None else NOW + deadline_in

    assert obstacle(active=active, not_before=not_before, deadline=deadline, now=NOW) == why


def test_the_quick_choices_are_quiet_hours_that_aws_allows():
    assert [(label, f"{start:%a %d %H:%M}") for label, start in quick_choices(DEADLINE, NOW)] == [
        ("Next 02:00", "Thu 19 02:00"),
        ("Next 04:00", "Thu 19 04:00"),
        ("Saturday 03:00", "Sat 21 03:00"),
        ("Latest possible", "Wed 25 00:02"),
    ]


def test_choices_that_break_a_rule_are_left_out():
    assert quick_choices(NOW + timedelta(minutes=90), NOW)[0][0] == "Latest possible"
    assert quick_choices(NOW + timedelta(minutes=30), NOW) == []


def test_a_quiet_hour_too_near_is_the_next_nights():
    now = datetime(2026, 3, 18, 1, 30, tzinfo=UTC)

    assert dict(quick_choices(DEADLINE, now))["Next 02:00"] == datetime(2026, 3, 19, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("connection", "is_closed"), [(CONNECTED, False), (LATE, False), (PAUSED, True), (NOT_CONNECTED, True), (NEW, True)]
)
def test_aws_is_asked_only_while_its_answer_could_be_seen(connection, is_closed):
    assert bool(closed(connection)) == is_closed
