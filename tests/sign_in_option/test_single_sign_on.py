"""Sign-in by OpenID Connect, over real HTTP: who gets in, with what rights, and what is refused."""

import logging
import time
from urllib.parse import urlsplit

import environ
import jwt
import pytest
from allauth.socialaccount.models import SocialAccount, SocialToken
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from ec2mon import sign_in_option
from ec2mon.logs import LineFilter
from elements.models import Activity
from tests import builders
from tests.sign_in_option.provider import BEGIN, KEY, sign_in

pytestmark = pytest.mark.django_db


def is_in(client):
    return client.get("/").status_code == 200


def groups():
    return set(User.objects.get().groups.values_list("name", flat=True))


def test_the_sign_in_offers_it_by_name_and_keeps_the_way_back():
    html = Client().get("/login/?next=/activity/").content.decode()

    assert '<a class="btn" href="/login/oidc/?next=/activity/">Sign in with House of Tests</a>' in html


def test_somebody_with_a_group_gets_an_account_with_the_rights_of_it(provider):
    client = sign_in(provider, page="/activity/")

    assert client.answer.headers["Location"] == "/activity/"
    assert is_in(client)
    user = User.objects.get()
    assert (user.username, user.first_name, user.has_usable_password()) == ("maria.k", "Maria", False)
    assert groups() == {"viewers"}
    assert set(Activity.objects.values_list("text", flat=True)) == {
        "Account made for somebody of House of Tests",
        "Groups by House of Tests",
        "Signed in",
    }


def test_the_question_has_state_nonce_and_challenge_new_each_time(provider):
    sign_in(provider)
    sign_in(provider)

    first, second = provider.asked
    assert (first["code_challenge_method"], first["response_type"], first["client_id"]) == ("S256", "code", "ec2mon")
    assert set(first["scope"].split()) == {"openid", "profile", "email"}
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) >= 16
        assert first[name] != second[name]


def test_the_rights_follow_the_groups_of_the_provider(provider):
    sign_in(provider)
    provider.claims["groups"] = ["noc-leads", "kitchen"]

    sign_in(provider)

    assert User.objects.count() == 1
    assert groups() == {"operators"}


@pytest.mark.parametrize(
    "claim", [[], ["kitchen"], None, "kitchen", 7, [None, 7, ["noc"]], {"noc": True}, "administrators"]
)
def test_somebody_without_a_group_gets_nothing_and_is_told_so(provider, claim):
    provider.claims["groups"] = claim

    client = sign_in(provider)

    assert client.answer.status_code == 403
    assert "none of your groups there is one of ec2mon’s" in client.answer.content.decode()
    assert not User.objects.exists()
    assert not is_in(client)


def test_who_lost_the_last_group_is_out_and_loses_the_rights_here(provider):
    sign_in(provider)
    provider.claims["groups"] = []

    client = sign_in(provider)

    assert client.answer.status_code == 403
    assert groups() == set()
    assert not is_in(client)


def test_a_name_that_somebody_here_has_does_not_make_one_of_two(provider):
    here = builders.user("maria.k", "administrators")
    User.objects.update(email="maria@example.org")
    provider.claims |= {"email": "maria@example.org", "email_verified": True}

    sign_in(provider)

    other = User.objects.exclude(pk=here.pk).get()
    assert other.username != "maria.k"
    assert not other.has_perm("elements.change_element")
    assert SocialAccount.objects.get().user == other


def test_groups_given_by_hand_stay(provider):
    sign_in(provider)
    from django.contrib.auth.models import Group

    User.objects.get().groups.add(Group.objects.create(name="night shift"))

    sign_in(provider)

    assert groups() == {"viewers", "night shift"}


def test_who_is_switched_off_here_does_not_get_in(provider):
    sign_in(provider)
    User.objects.update(is_active=False)

    assert not is_in(sign_in(provider))


def refused(client):
    return (
        client.answer.status_code == 401
        and "You are not signed in" in client.answer.content.decode()
        and not is_in(client)
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.update(state="x" * 16),
        lambda query: query.pop("state"),
        lambda query: query.update(code="guessed"),
        lambda query: query.pop("code"),
        lambda query: query.update(error="access_denied"),
        lambda query: query.update(code="\0" * 10),
    ],
)
def test_an_answer_that_was_tampered_with_is_refused(provider, change):
    assert refused(sign_in(provider, change=change))
    assert not User.objects.exists()


def test_an_answer_is_taken_once_and_only_by_the_browser_that_asked(provider):
    asked = Client()
    back = urlsplit(provider.approve(asked.get(BEGIN).headers["Location"]))
    address = f"{back.path}?{back.query}"

    victim = Client()
    victim.answer = victim.get(address)
    asked.get(address)
    again = Client()
    again.cookies = asked.cookies.copy()
    again.answer = again.get(address)

    assert refused(victim)
    assert is_in(asked)
    assert again.answer.status_code == 401


OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    "token",
    [
        {"nonce": "of-somebody-else"},
        {"nonce": None},
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"exp": int(time.time()) - 3600},
        {"sub": "somebody-else"},
    ],
)
def test_a_token_for_somebody_or_something_else_is_refused(provider, token):
    provider.userinfo = dict(provider.claims)
    provider.token = token

    assert refused(sign_in(provider))
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "sign",
    [
        lambda claims: jwt.encode(claims, OTHER_KEY, algorithm="RS256", headers={"kid": "of-the-tests"}),
        lambda claims: jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "unknown"}),
        lambda claims: jwt.encode(claims, KEY, algorithm="RS256"),
        lambda claims: jwt.encode(claims, "", algorithm="none", headers={"kid": "of-the-tests"}),
        lambda claims: jwt.encode(claims, "x" * 64, algorithm="HS256", headers={"kid": "of-the-tests"}),
        lambda claims: "nonsense",
        lambda claims: "",
        lambda claims: None,
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(provider, sign):
    provider.sign = sign

    assert refused(sign_in(provider))
    assert not User.objects.exists()


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/userinfo", "/jwks"])
def test_a_provider_that_is_broken_lets_nobody_in_and_is_no_error_of_ours(provider, path):
    client = Client()
    provider.broken = {path}
    answer = client.get(BEGIN)
    if answer.status_code == 302:
        back = urlsplit(provider.approve(answer.headers["Location"]))
        answer = client.get(f"{back.path}?{back.query}")
    client.answer = answer

    assert refused(client)


def test_a_provider_that_is_down_is_no_error_of_ours():
    client = Client()
    client.answer = client.get(BEGIN)

    assert refused(client)


def test_wild_claims_are_no_error(provider):
    provider.claims |= {"preferred_username": "x\0" * 5000, "given_name": ["a"], "email": "no\0mail", "name": {}}

    assert is_in(sign_in(provider))
    assert len(User.objects.get().username) <= 150


def test_no_claim_and_no_token_is_kept(provider):
    provider.claims["secret_of_hers"] = "planted-claim"

    sign_in(provider)

    assert SocialAccount.objects.get().extra_data == {}
    assert not SocialToken.objects.exists()


def test_the_secret_of_the_client_gets_into_no_line_of_the_log():
    (app,) = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    record = logging.getLogger("allauth").makeRecord("allauth", 40, "f", 1, "sent %s", (app["secret"],), None)

    LineFilter().filter(record)

    assert "sent" in record.getMessage()
    assert app["secret"] not in record.getMessage()


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_other_site_begins_a_sign_in(provider, site):
    answer = Client().get(BEGIN, headers={"sec-fetch-site": site})

    assert answer.headers["Location"] == "/login/"
    assert provider.asked == []


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_the_way_back_stays_here(provider, target):
    client = Client()
    back = urlsplit(provider.approve(client.get(BEGIN, {"next": target, "process": "connect"}).headers["Location"]))

    assert client.get(f"{back.path}?{back.query}").headers["Location"] == "/"


def test_the_provider_asks_for_its_own_second_factor(provider, settings):
    settings.REQUIRE_SECOND_FACTOR = "ALL"

    assert is_in(sign_in(provider))


def test_an_answer_cannot_be_posted_and_other_providers_do_not_exist():
    for address in ("/login/google/", "/oidc/x/login/", "/social/", "/login/oidc/connections/"):
        assert Client().get(address).status_code in (302, 404)
        assert not Client().get(address).headers.get("Location", "").startswith("http")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"OIDC_ISSUER": "http://login.example.org"}, "OIDC_ISSUER must begin with https://."),
        ({"OIDC_CLIENT_SECRET": ""}, "OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET."),
        ({"OIDC_GROUPS": ""}, "OIDC_GROUPS must say who gets in"),
        ({"OIDC_GROUPS": "noc"}, "OIDC_GROUPS must say who gets in"),
        ({"OIDC_GROUPS": "noc="}, "OIDC_GROUPS must say who gets in"),
    ],
)
def test_settings_that_cannot_work_are_told_at_the_start(monkeypatch, wrong, said):
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=said):
        sign_in_option.settings_of(environ.Env(), ["after"], [], "after")


def test_the_claim_of_groups_may_lie_within_another(provider, monkeypatch):
    monkeypatch.setitem(settings.OIDC, "claim", "realm_access.roles")
    provider.claims |= {"groups": [], "realm_access": {"roles": ["noc-admins"]}}

    sign_in(provider)

    assert groups() == {"administrators"}
