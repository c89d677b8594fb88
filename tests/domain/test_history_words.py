from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.history import USER_SHUTDOWN, Difference
from elements.domain.history_words import change_words, reason_words

NOW = datetime(2026, 3, 18, 14, 0, tzinfo=UTC)


def said(kind, before="", after="", **fields):
    words = change_words(Difference("i-1", kind, NOW, before=before, after=after, **fields))
    return f"{words.text}{words.joint}{fields['by']}" if fields.get("by") else words.text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("state", "running", "stopped"), "Stopped, not by ec2mon"),
        (("state", "stopped", "running"), "Started, not by ec2mon"),
        (("state", "running", "shutting-down"), "Shutting down, not by ec2mon"),
        (("state", "running", "terminated"), "Terminated, not by ec2mon"),
        (("state", "pending", "stopped"), "Start failed, not by ec2mon"),
        (("new", "", "running"), "New, first listed by AWS as running"),
        (("gone", "stopped", "gone"), "No longer listed by AWS"),
        (("back", "gone", "stopped"), "Listed by AWS again, stopped"),
    ],
)
def test_states_are_said_with_who_did_not_do_it(change, text):
    assert said(*change) == text


def test_what_was_asked_for_here_leads_to_who_asked():
    assert said("state", "running", "stopped", by="maria") == "Stopped, asked for by maria"


@pytest.mark.parametrize(
    ("after", "text"),
    [
        ("impaired", "System status check failed"),
        ("ok", "System status check passed again"),
        ("insufficient-data", "System status check no longer fails"),
    ],
)
def test_checks_are_named(after, text):
    assert said("check", "", after, what="system_status") == text


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ("", "scheduled", "Host reboot announced by AWS"),
        ("scheduled", "scheduled", "Host reboot moved, not by ec2mon"),
        ("scheduled", "completed", "Host reboot completed"),
        ("scheduled", "canceled", "Host reboot canceled by AWS"),
        ("scheduled", "cleared", "Host reboot no longer listed by AWS"),
        ("cleared", "scheduled", "Host reboot listed by AWS again"),
    ],
)
def test_scheduled_events_are_named_with_what_became_of_them(before, after, text):
    assert said("event", before, after, what="system-reboot") == text


def test_a_move_names_who_asked_for_it():
    assert said("event", "scheduled", "scheduled", what="system-reboot", by="olga") == "Host reboot moved by olga"


def test_a_gap_says_its_length():
    text = said("gap", from_at=NOW - timedelta(minutes=42), to_at=NOW)

    assert text.replace("\u00a0", " ") == "Not observed for 42 min"


def test_a_reason_is_said_in_words_and_as_aws_gave_it():
    assert reason_words(USER_SHUTDOWN, "User initiated") == (
        "Somebody asked AWS for it, for example in the AWS console. AWS reason: User initiated"
    )
    assert reason_words("Server.Unheard", "") == "AWS reason: Server.Unheard"
    assert reason_words("", "") == ""


def test_a_running_instance_gives_no_reason_that_was_left_from_before():
    change = Difference("i-1", "state", NOW, before="stopped", after="running", reason_code=USER_SHUTDOWN)

    assert change_words(change).more == ""
