"""Clients of the three groups."""

import pytest
from django.test import Client

from tests import builders


@pytest.fixture
def viewer(db):
    return _signed_in("vera", "viewers")


@pytest.fixture
def operator(db):
    return _signed_in("olga", "operators")


@pytest.fixture
def administrator(db):
    return _signed_in("maria", "administrators")


def _signed_in(name, group):
    client = Client()
    client.force_login(builders.user(name, group))
    return client
