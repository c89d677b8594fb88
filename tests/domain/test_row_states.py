from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.row_states import ShownAction, row_state

NOW = datetime(2026, 3, 18, 14, 2, 11, tzinfo=UTC)


def shown(state="running", since=None, action=None, gone_at=None, viewer="maria"):
    return row_state(state, gone_at=gone_at, since=since, action=action, viewer=viewer, now=NOW)


def action(status, verb="stop", by="maria", ago_s=10, **more):
    asked = NOW - timedelta(seconds=ago_s)
    is_open = status in ("requested", "sent", "accepted", "unanswered")
    values = {"answered_at": asked, "settled_at": None if is_open else asked, "request_id": "r-1", **more}
    return ShownAction(verb, status, by, asked, is_open=is_open, **values)


def test_a_settled_state_stands_alone():
    said = shown("stopped", since=NOW - timedelta(days=3))

    assert (said.view.word, said.view.tone, said.note, said.since) == ("Stopped", "idle", "", None)


def test_a_state_on_the_move_says_since_when():
    since = NOW - timedelta(seconds=52)

    assert shown("pending", since=since).since == since
    assert shown("pending", since=since).view.word == "Starting"


@pytest.mark.parametrize(
    ("state", "word"), [("stopping", "Still stopping, after"), ("pending", "Still starting, after")]
)
@pytest.mark.parametrize(("seconds", "is_slow"), [(299, False), (300, True)])
def test_a_move_that_takes_longer_than_five_minutes_is_amber(state, word, seconds, is_slow):
    said = shown(state, since=NOW - timedelta(seconds=seconds))

    assert (said.view.word == word, said.view.tone == "warn", said.is_slow) == (is_slow, is_slow, is_slow)


def test_what_aws_no_longer_lists_is_gone_whatever_was_asked():
    said = shown("stopping", gone_at=NOW - timedelta(hours=2), action=action("accepted"))

    assert (said.view.word, said.is_ago) == ("Gone", True)


@pytest.mark.parametrize(("verb", "word"), [("stop", "Stop requested,"), ("start", "Start requested,")])
@pytest.mark.parametrize(("viewer", "note"), [("maria", "you,"), ("olga", "maria,")])
def test_a_request_names_who_asked(viewer, note, verb, word):
    said = shown(action=action("requested", verb), viewer=viewer)

    assert (said.view.word, said.view.tone, said.view.icon, said.note) == (word, "busy", "c-late", note)
    assert said.since == NOW - timedelta(seconds=10)


@pytest.mark.parametrize("viewer", ["maria", "olga"])
def test_what_aws_accepted_is_under_way_by_name_for_everybody(viewer):
    said = shown("stopping", action=action("accepted"), viewer=viewer)

    assert (said.view.word, said.view.tone, said.note) == ("Stopping", "busy", "by maria")


def test_an_accepted_request_that_takes_long_counts_from_the_answer():
    said = shown("stopping", action=action("accepted", ago_s=400))

    assert (said.view.word, said.view.tone) == ("Still stopping, after", "warn")
    assert said.since == NOW - timedelta(seconds=400)


def test_without_an_answer_the_row_is_as_before():
    assert shown(action=action("unanswered")).view.word == "Running"


@pytest.mark.parametrize("status", ["failed", "refused", "expired"])
def test_a_failure_links_its_record_and_says_the_state_meanwhile(status):
    said = shown(action=action(status, error_code="UnauthorizedOperation", message="Not allowed."))

    assert (said.view.word, said.note, said.request_id, said.is_failure) == (
        "Stop failed",
        "still running",
        "r-1",
        True,
    )
    assert said.explanation == "UnauthorizedOperation. Not allowed"


def test_a_failure_is_forgotten_after_an_hour_or_when_the_state_changed_since():
    old = action("failed", ago_s=3601)
    overtaken = action("failed", ago_s=60)

    assert shown(action=old).view.word == "Running"
    assert shown("stopped", since=NOW, action=overtaken).view.word == "Stopped"
    assert shown("running", since=NOW - timedelta(days=1), action=overtaken).view.word == "Stop failed"
