import pytest

from elements.domain.status_checks import checks_view, checks_word


@pytest.mark.parametrize(
    ("rank", "word", "tone", "icon", "aws"),
    [
        (0, "2/3", "crit", "s-alert", "impaired"),
        (1, "Insufficient data", "idle", "s-dotted", "insufficient-data"),
        (2, "Initializing", "busy", "s-dotted", "initializing"),
        (3, "2/3", "ok", "s-ok", "ok"),
        (9, "not checked while shutting down", "", "", ""),
    ],
)
def test_the_worst_check_gives_glyph_tone_and_word(rank, word, tone, icon, aws):
    said = checks_view(rank, 2, 3, "shutting-down")

    assert (said.word, said.tone, said.icon, checks_word(rank)) == (word, tone, icon, aws)
