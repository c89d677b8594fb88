"""The ledger counts over all processes of a run, and a broken promise fails the test and the run."""

import pytest

from tests.faults.ledger import NEVER, Ledger

pytestmark = pytest.mark.once


def test_a_broken_promise_fails_at_once_and_stays_counted():
    ledger = Ledger()
    ledger.never("actions lost", of=3)

    with pytest.raises(AssertionError, match="2 of 5: actions sent twice"):
        ledger.never("actions sent twice", 2, of=5)

    assert (ledger.looked.total(), ledger.broken.total()) == (8, 2)


def test_what_the_processes_of_a_run_noted_is_summed():
    ledger, other = Ledger(), Ledger()
    for each in (ledger, other):
        each.fault("throttle", 2)
        each.never(NEVER[0])

    ledger.add(other.notes)

    assert (ledger.faults["throttle"], ledger.looked[NEVER[0]]) == (4, 2)
