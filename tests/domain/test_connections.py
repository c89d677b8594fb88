from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.connections import CONNECTED, LATE, NEW, NOT_CONNECTED, PAUSED, PollFacts, connection, why_late

NOW = datetime(2026, 3, 18, 14, tzinfo=UTC)


def state(age_s=None, **facts):
    succeeded_at = None if age_s is None else NOW - timedelta(seconds=age_s)
    values = {"paused": False, "interval_s": 30, "failures": 0, "refused": False, "throttled": False, **facts}
    return connection(PollFacts(succeeded_at=succeeded_at, **values), NOW).state


@pytest.mark.parametrize(
    ("age_s", "facts", "expected"),
    [
        (None, {}, "new"),
        (None, {"failures": 1}, "late"),
        (0, {}, "connected"),
        (65, {}, "connected"),
        (66, {}, "late"),
        (150, {}, "late"),
        (151, {}, "not-connected"),
        (120, {"interval_s": 10}, "late"),
        (121, {"interval_s": 10}, "not-connected"),
        (7200, {"interval_s": 3600}, "connected"),
        (5, {"failures": 2}, "connected"),
        (5, {"failures": 3}, "not-connected"),
        (5, {"failures": 1, "refused": True}, "not-connected"),
        (5, {"throttled": True}, "late"),
        (9999, {"paused": True, "failures": 9, "refused": True}, "paused"),
        (-30, {}, "connected"),
        (-3600, {}, "not-connected"),
    ],
)
def test_the_state_follows_the_age_the_failures_and_their_kind(age_s, facts, expected):
    assert state(age_s, **facts) == expected


@pytest.mark.parametrize(
    ("view", "icon", "tone", "word"),
    [
        (CONNECTED, "c-ok", "ok", "Connected"),
        (LATE, "c-late", "warn", "Late"),
        (NOT_CONNECTED, "c-fail", "crit", "Not connected"),
        (PAUSED, "c-paused", "idle", "Polling paused"),
        (NEW, "c-new", "idle", "Waiting for first poll"),
    ],
)
def test_each_connection_has_its_glyph_tone_and_word(view, icon, tone, word):
    assert (view.icon, view.tone, view.word) == (icon, tone, word)


@pytest.mark.parametrize(
    ("duration_ms", "words"),
    [
        (None, "no worker was free for it"),
        (30_000, "no worker was free for it"),
        (45_000, "A poll takes 45.0 s, longer than the interval of 30 s."),
    ],
)
def test_late_without_a_failure_is_for_want_of_workers_or_of_time(duration_ms, words):
    assert words in why_late(duration_ms, 30).replace("\u00a0", " ")
