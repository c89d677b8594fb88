from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from elements.domain import machinery as m

NOW = datetime(2026, 3, 18, 14, 0, tzinfo=UTC)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


IDLE = m.Polls(polled=3, paused=0, due=0, late=0, not_connected=0, p50_s=0.0, p95_s=1.0, max_s=2.0)
WELL = m.Machinery(
    NOW,
    queues=[m.Queue("default", 0), m.Queue("ops", 1, ago(5))],
    beats=[m.Beat(queue, "one", ago(10)) for queue in ("clock", "default", "ops")],
    polls=IDLE,
    slowed=[],
)


def said(state):
    return [each.text.replace("\u00a0", " ") for each in m.findings(state)]


def test_nothing_is_said_of_what_works():
    assert m.findings(WELL) == []


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"beats": WELL.beats[1:]}, "No clock ticks: there was no beat within the last day."),
        (
            {"beats": [m.Beat("clock", "one", ago(90)), *WELL.beats[1:]]},
            "No clock ticks: the last beat was 1 min ago.",
        ),
        (
            {"beats": WELL.beats[:2]},
            "No worker takes actions from the queue ops: there was no beat within the last day.",
        ),
        (
            {"beats": [*WELL.beats, m.Beat("default", "two", ago(300))]},
            "The workers of the queue default on two: the last beat was 5 min ago. Others do its work.",
        ),
        (
            {"beats": [m.Beat("clock", "one", ago(-3600)), *WELL.beats[1:]]},
            "No clock ticks: the last beat is of a clock that was wrong.",
        ),
        (
            {"beats": [*WELL.beats, m.Beat("default", "two", ago(-3600))]},
            "The workers of the queue default on two: the last beat is of a clock that was wrong. Others do its work.",
        ),
        (
            {"queues": [m.Queue("default", 12, ago(200))]},
            "The queue default is 3 min old: 12 tasks with polls wait for a worker.",
        ),
        ({"queues": [m.Queue("ops", None)]}, "The queue ops cannot be read."),
        ({"polls": replace(IDLE, p95_s=31.0)}, "One poll in twenty is at least 31 s late."),
        ({"polls": replace(IDLE, not_connected=2)}, "2 elements are not connected."),
        (
            {"slowed": [m.Slowed("123456789012", "eu-central-1", "describe", 50, NOW + timedelta(seconds=150))]},
            "AWS throttled account 1234 5678 9012 in eu-central-1: 50 % of the budget for listings is used, all in"
            " 2 min.",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_said_once_with_what_to_do(changed, text):
    state = replace(WELL, **changed)

    assert said(state) == [text]
    assert all(each.advice.endswith(".") and each.word and each.icon for each in m.findings(state))


def test_a_minute_is_not_yet_too_long():
    state = replace(WELL, beats=[replace(each, at=ago(60)) for each in WELL.beats])

    assert said(replace(state, queues=[m.Queue("default", 1, ago(60))])) == []


def test_what_stops_everything_comes_first():
    state = replace(WELL, beats=[], polls=replace(IDLE, not_connected=1))

    assert [each.tone for each in m.findings(state)] == ["crit", "crit", "crit", "warn"]


@pytest.mark.parametrize(
    ("facts", "late_s"),
    [
        ({"due_at": NOW + timedelta(seconds=10), "succeeded_at": ago(20)}, 0),
        ({"due_at": ago(7), "succeeded_at": ago(33)}, 7),
        ({"due_at": ago(7), "is_read": True, "succeeded_at": ago(33)}, 3),
        ({"due_at": NOW + timedelta(seconds=10), "succeeded_at": ago(50)}, 20),
        ({"due_at": NOW + timedelta(seconds=10), "succeeded_at": ago(500), "failures": 3}, 0),
        ({"due_at": ago(9), "succeeded_at": None}, 9),
    ],
)
def test_a_poll_is_late_by_its_time_or_by_its_last_success(facts, late_s):
    assert m.lateness_s(NOW, **{"is_read": False, "failures": 0, "interval_s": 30, **facts}) == late_s


def test_percentiles_are_values_that_occurred():
    values = [float(number) for number in range(1, 101)]

    assert (m.percentile(values, 50), m.percentile(values, 95)) == (50.0, 95.0)
    assert m.percentile([3.0], 95) == 3.0
    assert m.percentile([], 95) is None


def test_days_are_one_number_or_a_spread():
    assert [m.spread(days) for days in ([7, 7], [3, 30], [])] == ["7 days", "3 to 30 days", ""]
