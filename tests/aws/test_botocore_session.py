from datetime import UTC, datetime

import pytest

from elements.aws.botocore_session import moment

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T14:00:00+02:00",
        "Sun, 01 Mar 2026 12:00:00 GMT",
        "1772366400",
        "2026-03-01T12:00:00",
        "2026-03-01 12:00",
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text):
    found = moment(text)

    assert (found, found.utcoffset() is not None) == (NOON, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1772366398398398",
        "inf",
        "1:1777236639999999999999999999998",
        "9999-12-31T23:59:59-02:00",
        "0001-01-01T00:00:00+02:00",
    ],
)
def test_what_is_no_time_is_a_bad_value(text):
    with pytest.raises(ValueError):
        moment(text)
