"""What the tests of faults share."""

import pytest

from tests.faults.ledger import LEDGER


@pytest.fixture
def ledger():
    """Return the ledger that is summed at the end of the run."""
    return LEDGER
