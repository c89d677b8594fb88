"""Whoever has nothing but an account of the provider is asked again by the provider before second factors change."""

import time
from urllib.parse import unquote, urlsplit

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests import builders
from tests.sign_in_option.provider import sign_in

pytestmark = pytest.mark.django_db
ACTIVATE, AGAIN = "/second-factor/totp/activate/", "/login/oidc/again/"


@pytest.fixture
def client(provider):
    """Return the browser of somebody who signed in by a provider that said nothing of when it asked."""
    return sign_in(provider)


def answered(provider, client):
    """Want to change a second factor, be asked by the provider, and come back."""
    sent_to = client.get(ACTIVATE).headers["Location"]
    assert unquote(sent_to) == f"{AGAIN}?next={ACTIVATE}"
    return sign_in(provider, client, begin=AGAIN, page=ACTIVATE).answer


def test_the_provider_is_told_to_ask_and_leads_back_to_what_was_wanted(provider, client):
    provider.claims["auth_time"] = int(time.time())

    answer = answered(provider, client)

    assert (provider.asked[-1]["prompt"], provider.asked[-1]["max_age"]) == ("login", "300")
    assert answer.headers["Location"] == ACTIVATE
    assert 'id="secret"' in client.get(ACTIVATE).content.decode()


def test_a_provider_that_does_not_say_when_it_asked_is_taken_at_its_word(provider, client):
    answer = answered(provider, client)

    assert answer.headers["Location"] == ACTIVATE
    assert client.get(ACTIVATE).status_code == 200


def test_a_provider_that_did_not_ask_again_changes_nothing(provider, client):
    provider.claims["auth_time"] = int(time.time()) - 3600

    answer = answered(provider, client)

    assert answer.status_code == 401
    assert "You are not signed in" in answer.content.decode()
    assert client.get(ACTIVATE).headers["Location"].startswith(AGAIN)


def test_a_sign_in_at_which_the_provider_asked_just_now_is_enough(provider):
    provider.claims["auth_time"] = int(time.time())

    assert sign_in(provider).get(ACTIVATE).status_code == 200


@pytest.mark.parametrize("said", ["now", True, None, [], -1])
def test_a_moment_that_is_none_is_not_believed(provider, said):
    provider.claims["auth_time"] = said

    assert sign_in(provider).get(ACTIVATE).headers["Location"].startswith(AGAIN)


def test_what_was_shown_to_the_provider_is_worth_nothing_some_minutes_later(provider, client, monkeypatch):
    provider.claims["auth_time"] = int(time.time()) + 3600  # its clock is ahead
    answered(provider, client)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 301)

    assert client.get(ACTIVATE).headers["Location"].startswith(AGAIN)


def test_somebody_with_a_password_or_a_second_factor_is_asked_for_those(provider, client):
    user = User.objects.get()
    Authenticator.objects.create(user=user, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert urlsplit(client.get(ACTIVATE).headers["Location"]).path == reverse("mfa_reauthenticate")

    Authenticator.objects.all().delete()
    other = Client()
    other.force_login(builders.user("olga", "viewers"))
    assert urlsplit(other.get(ACTIVATE).headers["Location"]).path == reverse("account_reauthenticate")


def test_the_page_of_the_password_leads_on_who_has_none(client):
    answer = client.get(reverse("account_reauthenticate"), {"next": ACTIVATE})

    assert answer.headers["Location"].startswith(AGAIN)
