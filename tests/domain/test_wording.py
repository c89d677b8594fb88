from datetime import UTC, datetime, timedelta

import pytest

from elements.domain import wording

NOW = datetime(2026, 3, 18, 14, 2, 5, tzinfo=UTC)
NB = "\u00a0"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (12_420, "3 h 27 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
        (22 * 86_400 + 3600, "22 d"),
        (401 * 86_400, "1 y 36 d"),
        (-6, "6 s"),
    ],
)
def test_a_span_has_two_units_at_most(seconds, text):
    assert wording.span(seconds).replace(NB, " ") == text


def test_times_are_said_from_now():
    assert wording.relative(NOW + timedelta(hours=3), NOW).replace(NB, " ") == "in 3 h"
    assert wording.relative(NOW - timedelta(seconds=6), NOW).replace(NB, " ") == "6 s ago"
    assert wording.absolute(NOW) == "2026-03-18 14:02:05"
    assert wording.weekday(NOW) == "Wed 18 March 2026, 14:02"


def test_numbers_are_grouped_and_words_follow_them():
    assert wording.grouped(1_234_567) == f"1{NB}234{NB}567"
    assert [wording.plural(number, "instance").replace(NB, " ") for number in (0, 1, 2000)] == [
        "0 instances",
        "1 instance",
        "2 000 instances",
    ]
    assert wording.account("111122223333") == f"1111{NB}2222{NB}3333"
    assert [wording.duration(ms).replace(NB, " ") for ms in (412, 2200)] == ["412 ms", "2.2 s"]
