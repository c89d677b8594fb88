from datetime import UTC, datetime, timedelta

import pytest

from elements.domain.scheduled_events import EVENT_WORDS, event_icon, event_word, read_description, urgency

NOW = datetime(2026, 3, 18, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "stage", "text"),
    [
        ("[Completed] The instance was rebooted", "completed", "The instance was rebooted"),
        ("[Canceled] A reboot", "canceled", "A reboot"),
        ("  [COMPLETED]x", "completed", "x"),
        ("A reboot [Completed]", "scheduled", "A reboot [Completed]"),
        ("", "scheduled", ""),
    ],
)
def test_only_a_leading_prefix_tells_that_an_event_is_over(raw, stage, text):
    description = read_description(raw)

    assert (description.stage, description.text) == (stage, text)


@pytest.mark.parametrize(
    ("code", "hours", "tone"),
    [
        ("instance-reboot", 0.99, "crit"),
        ("instance-reboot", 1, "warn"),
        ("instance-reboot", 24, ""),
        ("instance-stop", 23.9, "crit"),
        ("instance-retirement", 23.9, "crit"),
        ("instance-retirement", 24, ""),
    ],
)
def test_urgency_follows_the_time_left_and_what_aws_will_do(code, hours, tone):
    assert urgency(code, NOW + timedelta(hours=hours), NOW) == tone


def test_an_event_without_a_start_is_not_urgent():
    assert urgency("instance-stop", None, NOW) == ""


def test_every_code_has_a_glyph_of_its_own_kind_and_an_unknown_one_stands_for_itself():
    assert {code for code in EVENT_WORDS if event_icon(code) == "i-cal"} == set()
    assert (event_word("new-code"), event_icon("new-code")) == ("new-code", "i-cal")
