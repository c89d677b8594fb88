from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.action_words import BatchFacts, action_view, batch_words, took

NOW = datetime(2026, 3, 18, 14, 2, 11, tzinfo=UTC)


def title(name="", **counts):
    facts = batch(name, **counts)
    words = batch_words(facts, NOW)
    return words.tone, f"{words.lead}{name}{words.tail}"


def batch(name="", *, total=5, done=0, failed=0, unknown=0, unanswered=0, ago_s=48, verb="stop"):
    asked = NOW - timedelta(seconds=ago_s)
    return BatchFacts(verb, name, 1 if name else total, done, failed, unknown, unanswered, asked, asked, NOW)


@pytest.mark.parametrize(
    ("counts", "tone", "text"),
    [
        ({}, "busy", "Stopping 5 instances"),
        ({"done": 2}, "busy", "Stopping 5 instances, 2 done"),
        ({"done": 2, "failed": 1}, "busy", "Stopping 5 instances, 2 done, 1 failed"),
        ({"verb": "start"}, "busy", "Starting 5 instances"),
        ({"done": 5}, "ok", "5 instances stopped"),
        ({"done": 4, "failed": 1}, "warn", "4 of 5 instances stopped, 1 failed"),
        ({"done": 3, "failed": 1, "unknown": 1}, "warn", "3 of 5 instances stopped, 1 failed, 1 unknown"),
        ({"failed": 5}, "crit", "None of 5 instances stopped, 5 failed"),
        ({"unknown": 5}, "warn", "None of 5 instances stopped, 5 unknown"),
        ({"ago_s": 360}, "warn", "Still stopping 5 instances, after 6\u00a0min"),
        ({"ago_s": 360, "done": 3}, "warn", "Still stopping 2 of 5 instances, after 6\u00a0min"),
        ({"unanswered": 5}, "warn", "AWS did not answer the request to stop 5 instances"),
        ({"name": "enc"}, "busy", "Stopping enc"),
        ({"name": "enc", "done": 1}, "ok", "enc stopped"),
        ({"name": "enc", "failed": 1}, "crit", "Stop of enc failed"),
        ({"name": "enc", "unknown": 1}, "warn", "Stop of enc may or may not have worked"),
    ],
)
def test_a_batch_says_how_it_stands(counts, tone, text):
    assert title(**counts) == (tone, text)


def test_how_long_it_took_is_said_when_all_ended():
    assert took(batch(done=5)) == "48\u00a0s"
    assert took(batch(done=4)) == ""


@pytest.mark.parametrize(
    ("status", "ago_s", "tone", "word"),
    [
        ("requested", 2, "busy", "Stop requested"),
        ("sent", 2, "busy", "Stop requested"),
        ("accepted", 299, "busy", "Stopping"),
        ("accepted", 300, "warn", "Still stopping, after 5\u00a0min"),
        ("refused", 2, "crit", "Stop failed"),
        ("failed", 2, "crit", "Stop failed"),
        ("expired", 2, "crit", "Stop failed"),
        ("unknown", 2, "idle", "Outcome of stop unknown"),
    ],
)
def test_an_action_under_way_or_failed_is_said_instead_of_the_state(status, ago_s, tone, word):
    asked = NOW - timedelta(seconds=ago_s)

    view = action_view("stop", status, requested_at=asked, answered_at=asked, now=NOW)

    assert (view.tone, view.word) == (tone, word)


@pytest.mark.parametrize("status", ["confirmed", "unanswered"])
def test_otherwise_the_state_says_it_all(status):
    assert action_view("stop", status, requested_at=NOW, answered_at=NOW, now=NOW) is None
