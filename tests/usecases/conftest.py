"""What every test of a use case proves besides."""

import pytest

from tests.versions import Versions


@pytest.fixture(autouse=True)
def every_change_makes_a_version():
    """Let no use case change what a filter finds without a new version: pages would go on with what they found."""
    with Versions() as versions:
        yield
    assert versions.missing == []
