"""How long a lease is kept."""

import threading

from django.db import InterfaceError

from elements.models.polls import PollQuerySet
from elements.usecases import leases


def test_a_database_that_goes_away_does_not_end_the_keeping_of_leases(monkeypatch):
    tries, went_on = [], threading.Event()

    def renew(self, tokens, until):
        tries.append(tokens)
        if len(tries) == 1:
            raise InterfaceError("the connection is closed")
        went_on.set()

    monkeypatch.setattr(PollQuerySet, "renew", renew)
    monkeypatch.setattr(leases, "RENEW_EVERY_S", 0.01)

    with leases.kept("mine"):
        assert went_on.wait(10)

    assert tries[1] == ["mine"]
