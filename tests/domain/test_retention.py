import pytest

from elements.domain.retention import LEAST_ODDS, SLACK, odds


@pytest.mark.parametrize(
    ("limit", "written", "likely"),
    [
        (50_000, 0, LEAST_ODDS),
        (50_000, 250, 0.5),
        (50_000, 500, 1.0),
        (50_000, 9_999, 1.0),
        (0, 0, LEAST_ODDS),
        (0, 1, 1.0),
    ],
)
def test_the_more_was_written_for_its_limit_the_likelier_an_element_is_counted(limit, written, likely):
    assert odds(limit, written) == likely


@pytest.mark.parametrize("elements", [10, 1_000, 100_000])
def test_what_is_counted_follows_what_is_written_and_not_how_many_elements_there_are(elements):
    limit, written = 50_000, 4_000

    counted = elements * limit * (odds(limit, written / elements) - LEAST_ODDS)

    assert counted <= written / SLACK
