from datetime import UTC, datetime

import pytest

from elements.domain.changes import Changes, Known, Name, differs

READ_AT = datetime(2026, 3, 18, 14, tzinfo=UTC)


def known(*, is_gone=False):
    return Known(Name("web", "web"), is_gone, b"", b"", "running", None, READ_AT, "web\n", "a", "s")


def row(**values):
    return {"digest": "a", "status_digest": "s", "display_name": "web", "plain_name": "web", **values}


def test_what_is_the_same_is_no_change():
    assert not differs(known(), row())


@pytest.mark.parametrize(
    "values",
    [
        {"digest": "b"},
        {"status_digest": "t"},
        {"display_name": "web [abcdef]"},
        {"display_name": "web", "plain_name": "other"},
    ],
)
def test_a_difference_in_the_instance_its_status_or_its_name_is_a_change(values):
    assert differs(known(), row(**values))


def test_what_was_not_read_differs_in_nothing():
    assert not differs(known(), {"status_digest": "s"})
    assert not differs(known(), {"digest": "a"})


def test_what_is_gone_comes_back_when_it_is_listed():
    assert differs(known(is_gone=True), row())


def test_changes_add_up():
    total = Changes(1, 2, 3) + Changes(gone=1)

    assert total == Changes(1, 2, 4)
    assert not Changes()
