import pytest

from elements.domain.status_checks import checks_view, checks_word


@pytest.mark.parametrize(
    ("rank", "word", "tone", "aws"),
    [
        (0, "2/3", "crit", "impaired"),
        (1, "Insufficient data", "idle", "insufficient-data"),
        (2, "Initializing", "busy", "initializing"),
        (3, "2/3", "ok", "ok"),
        (9, "not checked while shutting down", "", ""),
    ],
)
def test_the_worst_check_gives_the_word(rank, word, tone, aws):
    said = checks_view(rank, 2, 3, "shutting-down")

    assert (said.word, said.tone, checks_word(rank)) == (word, tone, aws)
