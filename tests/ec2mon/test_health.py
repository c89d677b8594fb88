"""What those who watch over machines are told."""

import pytest
from django.db import OperationalError
from django.test import Client

from ec2mon import health

pytestmark = pytest.mark.django_db


def test_the_health_is_told_without_a_sign_in_and_past_the_proxy_that_speaks_https(settings):
    settings.SECURE_SSL_REDIRECT = True

    answer = Client().get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert Client().get("/login/").status_code == 301


def test_a_database_that_cannot_be_reached_is_no_health(monkeypatch):
    def refuse():
        raise OperationalError("connection refused")

    monkeypatch.setattr(health.connection, "cursor", refuse)

    assert Client().get("/healthz").status_code == 503


def test_nothing_can_be_sent_there():
    assert Client().post("/healthz").status_code == 405
