"""What the tests of faults share."""

import random
import types

import pytest
from django.test import Client

from elements.aws.session import Patience
from elements.usecases import budgets, connect
from tests import builders
from tests.faults.ledger import LEDGER
from tests.faults.scene import Scene


@pytest.fixture
def ledger():
    """Return the ledger that is summed at the end of the run."""
    return LEDGER


@pytest.fixture
def brisk(monkeypatch):
    """Let retries come at once; return how long they would have waited."""
    waits = []
    monkeypatch.setattr("botocore.endpoint.time", types.SimpleNamespace(sleep=waits.append))
    monkeypatch.setattr(budgets, "_purses", type(budgets._purses)(budgets.Purse))
    random.seed(20260103)
    return waits


@pytest.fixture
def signed_in(db):
    """Sign somebody of a group in."""

    def of(group, name=""):
        client = Client()
        client.force_login(builders.user(name or group, group))
        return client

    return of


@pytest.fixture
def scene(aws, brisk, signed_in, monkeypatch):
    """Return an element that is well; afterwards what it left is compared with what AWS knows."""
    made = Scene(aws, signed_in("viewers"))
    monkeypatch.setattr(connect, "Patience", lambda **given: Patience(**{**given, **made.patience}))
    yield made
    made.audit()
