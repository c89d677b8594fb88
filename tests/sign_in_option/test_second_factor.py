"""A second factor: set up, asked for, taken once, counted like passwords, and encrypted where it is kept."""

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY, format_hotp_value, hotp_value
from axes.models import AccessAttempt
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import signing
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver, reverse
from encrypted_model_fields import fields

from elements.models import Activity
from tests import builders

pytestmark = pytest.mark.django_db

LOGIN, PASSWORD, ACTIVATE, CODE = (
    "/login/",
    "only-for-tests-1",
    "/second-factor/totp/activate/",
    "/second-factor/authenticate/",
)


@pytest.fixture(autouse=True)
def no_code_taken_yet():
    cache.clear()


@pytest.fixture
def clock(monkeypatch):
    """Let the time of codes run on by their 30 s, so that each is a new one."""
    real, ahead = time.time, [0]
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])

    def tick(seconds=90):
        ahead[0] += seconds

    return tick


def sign_in(name="maria", client=None):
    client = client or Client()
    client.answer = client.post(LOGIN, {"username": name, "password": PASSWORD})
    return client


def code_of(secret, steps=0):
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


@pytest.fixture
def enrolled(django_capture_on_commit_callbacks):
    """Make somebody with an app; return its secret, the recovery codes, and the browser where that was done."""

    def enrol(name="maria", group="viewers"):
        builders.user(name, group)
        client = sign_in(name)
        secret = shown_secret(client)
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(ACTIVATE, {"code": code_of(secret)})
        client.answer = client.get(answer.headers["Location"])
        cache.clear()
        return secret, re.findall(r"\b\d{8}\b", client.answer.content.decode()), client

    return enrol


def shown_secret(client):
    return re.search(r'id="secret">([A-Z2-7]+)<', client.get(ACTIVATE).content.decode())[1]


def is_in(client):
    return client.get("/").status_code == 200


def test_an_app_is_set_up_and_then_asked_for(clock, enrolled):
    secret, codes, _ = enrolled()
    client = sign_in()
    before = is_in(client)

    clock()
    answer = client.post(CODE, {"code": code_of(secret)})

    assert client.answer.headers["Location"] == CODE
    assert (before, answer.headers["Location"], is_in(client)) == (False, "/", True)
    assert len(codes) == 10
    texts = list(Activity.objects.order_by("pk").values_list("text", flat=True))
    assert texts == [
        "Signed in",
        "Second factor: TOTP Authenticator added",
        "Second factor: Recovery codes added",
        "Signed in",
    ]


def test_the_way_back_is_kept_over_both_steps(clock, enrolled):
    secret, _, _ = enrolled()
    client = Client()
    client.post(LOGIN, {"username": "maria", "password": PASSWORD, "next": "/activity/"})

    clock()

    assert client.post(CODE, {"code": code_of(secret)}).headers["Location"] == "/activity/"


def test_who_set_nothing_up_signs_in_as_before():
    builders.user("maria", "viewers")

    assert is_in(sign_in())


def test_a_code_of_a_minute_ago_and_a_wrong_one_are_refused(clock, enrolled):
    secret, _, _ = enrolled()
    clock()
    client = sign_in()

    for code in (code_of(secret, -3), code_of(secret, 3), "", "abc", "0" * 5000, "\x00", "١٢٣٤٥٦"):
        answer = client.post(CODE, {"code": code})
        assert answer.status_code in (200, 429)
        assert not is_in(client)


def test_a_code_is_taken_once_wherever_the_second_try_is_made(clock, enrolled):
    secret, _, _ = enrolled()
    clock()
    code = code_of(secret)
    sign_in().post(CODE, {"code": code})
    cache.clear()  # another web process knows nothing of it

    replayed = sign_in()
    answer = replayed.post(CODE, {"code": code})

    assert "The code is wrong" in answer.content.decode()
    assert not is_in(replayed)


def test_a_recovery_code_signs_in_once(enrolled):
    _, codes, _ = enrolled()
    first, again = sign_in(), sign_in()

    first.post(CODE, {"code": codes[0]})
    again.post(CODE, {"code": codes[0]})

    assert (is_in(first), is_in(again)) == (True, False)


def test_wrong_codes_lead_to_a_pause_whatever_the_address(clock, enrolled):
    secret, codes, _ = enrolled()
    client = sign_in()
    for number in range(settings.AXES_FAILURE_LIMIT):
        answer = client.post(CODE, {"code": "000000"}, REMOTE_ADDR=f"10.0.0.{number + 1}")

    clock()
    client_of_thief = sign_in()
    tried = client_of_thief.post(CODE, {"code": codes[0]}, REMOTE_ADDR="10.0.0.99")

    assert (answer.status_code, tried.status_code) == (429, 429)
    assert "Try again in" in tried.content.decode()
    assert not is_in(client_of_thief)
    assert AccessAttempt.objects.get(ip_address=None).failures_since_start == settings.AXES_FAILURE_LIMIT


def test_the_pause_of_one_second_factor_is_nobody_elses(enrolled):
    enrolled()
    _, codes, _ = enrolled("olga")
    client = sign_in()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        client.post(CODE, {"code": "000000"})

    other = sign_in("olga")
    other.post(CODE, {"code": codes[0]})

    assert is_in(other)


def test_secrets_are_encrypted_where_they_are_kept(enrolled):
    secret, codes, _ = enrolled()

    kept = repr(list(Authenticator.objects.values_list("data", flat=True)))

    assert Authenticator.objects.count() == 2
    assert secret not in kept
    assert not [code for code in codes if code in kept]
    assert kept.count("gAAAA") == 2


def test_with_another_encryption_key_no_code_is_taken(settings, clock, enrolled):
    secret, codes, _ = enrolled()
    clock()
    from encrypted_model_fields import fields

    settings.FIELD_ENCRYPTION_KEY = [Fernet.generate_key().decode()]
    crypter, fields.CRYPTER = fields.CRYPTER, fields.get_crypter()
    try:
        client = sign_in()
        for code in (code_of(secret), codes[0], code_of("")):
            assert "Codes cannot be checked" in client.post(CODE, {"code": code}).content.decode()
    finally:
        fields.CRYPTER = crypter

    assert not is_in(client)


def test_the_image_is_of_the_secret_and_only_while_it_is_set_up():
    builders.user("maria", "viewers")
    client = sign_in()
    before = client.get("/second-factor/totp/image.svg").status_code

    shown_secret(client)
    image = client.get("/second-factor/totp/image.svg")

    assert before == 404
    assert image.headers["Content-Type"] == "image/svg+xml"
    assert b"<svg" in image.content
    assert image.headers["Cache-Control"] == "no-store"


def test_the_secret_that_is_being_set_up_is_encrypted_in_the_session(monkeypatch):
    builders.user("maria", "viewers")
    client = sign_in()
    secret = shown_secret(client)
    store = client.session
    opened = store[SECRET_SESSION_KEY]

    kept = signing.loads(Session.objects.get().session_data, salt=store.key_salt, serializer=store.serializer)
    monkeypatch.setattr(fields, "CRYPTER", Fernet(Fernet.generate_key()))
    answer = client.post(ACTIVATE, {"code": code_of(secret)})

    assert SECRET_SESSION_KEY in kept and secret not in str(kept)
    assert opened == secret
    assert answer.status_code == 200 and not Authenticator.objects.exists()  # no key opens it: there is another one


def test_some_minutes_after_the_sign_in_the_password_is_asked_again(clock, enrolled):
    secret, _, _ = enrolled()
    client = sign_in()
    clock()
    client.post(CODE, {"code": code_of(secret)})
    clock(400)

    sent_to = client.post("/second-factor/totp/deactivate/").headers["Location"]
    wrong = client.post(sent_to, {"password": "wrong"})
    right = client.post(sent_to, {"password": PASSWORD}, follow=True)

    assert sent_to.startswith("/second-factor/password/")
    assert "The password is wrong" in wrong.content.decode()
    assert right.status_code == 200
    assert not Authenticator.objects.exists()


def test_a_session_that_does_not_know_how_it_began_is_asked_for_the_password():
    client = Client()
    client.force_login(builders.user("maria", "viewers"))

    assert client.get(ACTIVATE).headers["Location"].startswith("/second-factor/password/")


@pytest.mark.parametrize(
    ("who", "group", "leads"),
    [("ADMINISTRATORS", "administrators", True), ("ADMINISTRATORS", "operators", False), ("ALL", "viewers", True)],
)
def test_who_must_have_one_reaches_nothing_before(settings, who, group, leads):
    settings.REQUIRE_SECOND_FACTOR = who
    element = builders.element()
    builders.user("maria", group)
    client = sign_in()
    addresses = ["/", "/activity/", f"/e/{element.slug}/instances/", "/admin/", "/password/", "/second-factor/"]

    reached = {address: client.get(address) for address in addresses}
    posted = client.post(f"/e/{element.slug}/poll/")

    if leads:
        assert {answer.headers.get("Location") for answer in reached.values()} == {ACTIVATE}
        assert posted.headers["Location"] == ACTIVATE
        assert element.name not in client.get(ACTIVATE).content.decode()
    else:
        assert reached["/"].status_code == 200


@pytest.mark.django_db(transaction=True)
def test_with_one_set_up_all_is_reached(settings, clock, enrolled):
    settings.REQUIRE_SECOND_FACTOR = "ALL"
    secret, _, where_it_was_set_up = enrolled()
    client = sign_in()
    clock()

    assert is_in(where_it_was_set_up)

    client.post(CODE, {"code": code_of(secret)})

    assert is_in(client)


def test_a_session_from_before_it_was_asked_for_ends(settings, enrolled):
    enrolled()
    client = Client()
    client.force_login(User.objects.get())
    settings.REQUIRE_SECOND_FACTOR = "ALL"

    assert client.get("/").headers["Location"].startswith("/login/")
    assert not is_in(client)


def test_who_lost_the_telephone_is_helped_from_the_command_line(capsys, enrolled):
    enrolled()

    call_command("forget_second_factor", "maria")

    assert not Authenticator.objects.exists()
    assert is_in(sign_in())
    assert Activity.objects.filter(username="manage.py", text="Second factor of maria removed").exists()


def test_rotating_the_encryption_key_takes_second_factors_along(settings, clock, enrolled):
    secret, _, _ = enrolled()
    new = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEY = [new, *settings.FIELD_ENCRYPTION_KEY]
    crypter, fields.CRYPTER = fields.CRYPTER, fields.get_crypter()
    try:
        call_command("rotate_encryption_key")
    finally:
        fields.CRYPTER = crypter

    opened = Fernet(new).decrypt(Authenticator.objects.get(type="totp").data["secret"].encode()).decode()
    assert opened == secret


def test_nobody_signs_up_and_only_these_addresses_are_added():
    added = {
        pattern.name
        for resolver in get_resolver().url_patterns
        if getattr(resolver, "urlconf_name", None) and "sign_in_urls" in repr(resolver.urlconf_name)
        for pattern in flat(resolver)
    }

    assert added == {
        "login",
        "account_login",
        "account_reauthenticate",
        "totp_image",
        "mfa_index",
        "mfa_authenticate",
        "mfa_reauthenticate",
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "mfa_view_recovery_codes",
        "mfa_generate_recovery_codes",
        "mfa_download_recovery_codes",
        "mfa_list_webauthn",
        "mfa_add_webauthn",
        "mfa_reauthenticate_webauthn",
        "mfa_remove_webauthn",
        "mfa_login_webauthn",
        "openid_connect_login",
        "openid_connect_again",
        "openid_connect_callback",
    }
    for address in ("/signup/", "/accounts/", "/accounts/signup/", "/accounts/login/", "/password/reset/"):
        assert Client().get(address).status_code in (302, 404)
        assert "sign" not in Client().get(address).headers.get("Location", "")


def flat(resolver):
    for pattern in resolver.url_patterns:
        yield from flat(pattern) if hasattr(pattern, "url_patterns") else [pattern]


@pytest.mark.parametrize(
    "address", ["mfa_index", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_view_recovery_codes", "totp_image"]
)
def test_strangers_are_sent_to_the_sign_in(address):
    assert Client().get(reverse(address)).headers["Location"].startswith("/login/")


def test_every_page_keeps_the_content_security_policy(clock, enrolled):
    secret, _, _ = enrolled()
    client = sign_in()
    pages = [client.get(CODE)]
    clock()
    client.post(CODE, {"code": code_of(secret)})
    names = (
        "mfa_index",
        "mfa_deactivate_totp",
        "mfa_generate_recovery_codes",
        "mfa_view_recovery_codes",
        "mfa_reauthenticate",
    )
    pages += [client.get(reverse(name)) for name in (*names, "account_reauthenticate")]

    for page in pages:
        html = page.content.decode()
        assert page.status_code == 200, html
        assert "<h1>" in html
        assert not re.search(r"\sstyle=|\son\w+=|data:|<script(?![^>]*src=)", html)
