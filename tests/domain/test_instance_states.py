import pytest

from elements.domain.instance_states import CHANGING, RULES, STATES, state_name, state_view
from elements.domain.snapshots import digest


@pytest.mark.parametrize(("code", "name"), [(0, "pending"), (16, "running"), (272, "running"), (65_616, "stopped")])
def test_a_code_is_read_by_its_low_byte(code, name):
    assert state_name(None, code) == name


def test_a_name_wins_over_its_code():
    assert state_name("stopping", 16) == "stopping"
    assert state_name("", None) == "unknown"


@pytest.mark.parametrize(
    ("state", "icon", "tone", "word"),
    [
        ("running", "s-running", "ok", "Running"),
        ("pending", "s-pending", "busy", "Starting"),
        ("stopping", "s-stopping", "busy", "Stopping"),
        ("stopped", "s-stopped", "idle", "Stopped"),
        ("shutting-down", "s-shutting-down", "busy", "Shutting down"),
        ("terminated", "s-terminated", "idle", "Terminated"),
        ("gone", "s-unknown", "idle", "Gone"),
        ("hovering", "s-unknown", "idle", "Unknown"),
    ],
)
def test_every_state_has_its_glyph_tone_and_word_and_what_nobody_knows_looks_unknown(state, icon, tone, word):
    view = state_view(state)

    assert (view.icon, view.tone, view.word) == (icon, tone, word)


def test_verbs_start_from_states_that_last_and_pass_through_those_that_do_not():
    for rule in RULES.values():
        assert set(rule.passing) <= set(CHANGING)
        assert rule.goal in STATES


def test_a_digest_refuses_what_it_cannot_tell_apart():
    with pytest.raises(TypeError):
        digest({"a": object()})
    assert digest({"a": "\ud800"}) != digest({"a": "\ud801"})
