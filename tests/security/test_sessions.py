"""Sessions: new at each sign-in, ended by time, by not being used, by whoever owns them and by administrators."""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from elements.models import Activity
from elements.usecases import sign_ins
from tests import builders

pytestmark = pytest.mark.django_db

LOGIN, PASSWORD = "/login/", "only-for-tests-1"
IDLE_S = settings.SESSION_IDLE_S


@pytest.fixture
def maria():
    return builders.user("maria", "viewers")


@pytest.fixture
def root():
    client = Client()
    client.force_login(User.objects.create_superuser("root", password=PASSWORD))
    return client


@pytest.fixture
def time_passes(monkeypatch):
    """Let the clocks of sessions run on by some seconds."""
    real, ahead = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + ahead[0])

    def after(seconds):
        ahead[0] += seconds

    return after


def signed_in(name="maria", password=PASSWORD):
    client = Client()
    client.post(LOGIN, {"username": name, "password": password})
    assert is_in(client)
    return client


def is_in(client):
    return client.get("/").status_code == 200


def cookie(client):
    return client.cookies[settings.SESSION_COOKIE_NAME]


def copied(client):
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = cookie(client).value
    return thief


def test_the_id_of_a_session_is_new_at_the_sign_in_and_no_guest_brings_one(maria):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    client.post(LOGIN, {"username": "maria", "password": PASSWORD})
    first = cookie(client).value

    client.post("/logout/")
    client.cookies[settings.SESSION_COOKIE_NAME] = first
    client.post(LOGIN, {"username": "maria", "password": PASSWORD})

    assert len({first, cookie(client).value, "x" * 32}) == 3
    assert list(Session.objects.values_list("pk", flat=True)) == [cookie(client).value]


def test_signing_out_ends_a_copied_cookie_too(maria):
    client = signed_in()
    thief = copied(client)

    client.post("/logout/")

    assert not is_in(thief)


def test_a_session_that_nobody_uses_ends_and_says_so(maria, time_passes):
    client = signed_in()
    time_passes(IDLE_S + 1)

    sent_to = client.get("/activity/").headers["Location"]
    said = client.get(sent_to).content.decode().replace("\xa0", " ")

    assert sent_to == "/login/?next=/activity/&idle=1"
    assert "You were signed out after 30 min without use" in said
    assert Session.objects.count() == 0


def test_an_open_page_is_use(maria, time_passes):
    client = signed_in()
    for _ in range(4):
        time_passes(IDLE_S * 0.6)
        assert client.get("/", headers={"x-fragment": "live"}).status_code == 200

    time_passes(IDLE_S + 1)
    assert not is_in(client)


def test_use_does_not_move_the_end_of_a_session(maria, time_passes):
    client = signed_in()
    ends, sent = Session.objects.get().expire_date, cookie(client)["max-age"]

    time_passes(IDLE_S * 0.6)
    answer = client.get("/")

    assert Session.objects.get().expire_date == ends
    assert sent == settings.SESSION_COOKIE_AGE or sent == settings.SESSION_COOKIE_AGE - 1
    assert settings.SESSION_COOKIE_NAME not in answer.cookies


def test_the_end_of_a_session_ends_it_however_much_it_is_used(maria, time_passes):
    client = signed_in()
    time_passes(IDLE_S * 0.6)
    client.get("/")
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))

    assert not is_in(client)


def test_most_requests_write_nothing_and_a_used_session_one_row(maria, time_passes):
    client = signed_in()
    with CaptureQueriesContext(connection) as at_once:
        client.get("/")
    time_passes(IDLE_S / 5)
    with CaptureQueriesContext(connection) as later:
        client.get("/")

    written = [
        [each["sql"] for each in done if each["sql"].startswith(("UPDATE", "INSERT"))] for done in (at_once, later)
    ]
    assert written[0] == []
    assert [sql.split()[1] for sql in written[1]] == ['"django_session"']


def test_a_database_that_cannot_be_written_still_shows_pages(maria, time_passes, monkeypatch):
    client = signed_in()
    time_passes(IDLE_S / 5)

    def full(*args, **kwargs):
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(Session, "save", full)

    assert is_in(client)


def test_a_session_of_before_the_upgrade_ends(maria):
    client = signed_in()
    session = client.session
    del session[sign_ins.USED_AT]
    session.save()

    assert not is_in(client)


def test_another_password_ends_the_other_sessions_and_keeps_this_one(maria):
    here, there = signed_in(), signed_in()
    new = "another-for-tests-2"

    here.post("/password/", {"old_password": PASSWORD, "new_password1": new, "new_password2": new})

    assert User.objects.get().check_password(new)
    assert (is_in(here), is_in(there)) == (True, False)


def test_a_user_who_is_switched_off_is_out_and_stays_out_when_switched_on_again(maria):
    client = signed_in()

    maria.is_active = False
    maria.save()
    off = is_in(client)
    maria.is_active = True
    maria.save()

    assert (off, is_in(client)) == (False, False)


def test_who_ends_all_sessions_is_out_everywhere_and_nobody_else_is(maria):
    builders.user("olga", "viewers")
    here, there, olga = signed_in(), signed_in(), signed_in("olga")

    answer = here.post("/sessions/end/")

    assert answer.headers["Location"] == "/login/?ended=1"
    assert "All your sessions are ended" in here.get("/login/?ended=1").content.decode()
    assert [is_in(client) for client in (here, there, olga)] == [False, False, True]
    assert Activity.objects.newest().values_list("username", "text")[0] == ("maria", "All sessions of maria ended")


def test_the_page_of_the_password_offers_it(maria):
    assert 'action="/sessions/end/"' in signed_in().get("/password/").content.decode()


def test_a_superuser_ends_the_sessions_of_others_in_the_admin(maria, root):
    client = signed_in()

    root.post("/admin/auth/user/", {"action": "end_sessions", "_selected_action": maria.pk})

    assert (is_in(client), is_in(root)) == (False, True)
    assert Activity.objects.newest().values_list("username", "text")[0] == ("root", "All sessions of maria ended")


@pytest.mark.parametrize(("arguments", "left"), [(["maria"], [False, True]), (["--all"], [False, False])])
def test_sessions_are_ended_from_the_command_line(maria, arguments, left, capsys):
    builders.user("olga", "viewers")
    clients = [signed_in(), signed_in("olga")]

    call_command("end_sessions", *arguments)

    assert [is_in(client) for client in clients] == left
    assert "ended." in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["nobody"], []])
def test_a_name_that_nobody_has_is_told_at_the_command_line(arguments):
    with pytest.raises(CommandError):
        call_command("end_sessions", *arguments)


def test_cookies_are_for_the_server_alone(maria):
    client = Client()
    client.get(LOGIN)
    client.post(LOGIN, {"username": "maria", "password": PASSWORD})

    assert len(client.cookies) >= 2
    for sent in client.cookies.values():
        assert (sent["httponly"], sent["samesite"]) == (True, "Lax"), sent.key


@pytest.mark.once
def test_with_https_no_other_host_can_set_them():
    names = ["SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"]
    code = f"import json, ec2mon.settings as of; print(json.dumps([getattr(of, name) for name in {names}]))"
    run = [sys.executable, "-c", code]

    shown = subprocess.run(run, env={**os.environ, "HTTPS": "true"}, capture_output=True, check=True, text=True).stdout

    assert json.loads(shown) == ["__Host-sessionid", "__Host-csrftoken", True, True]
    assert (settings.SESSION_COOKIE_DOMAIN, settings.SESSION_COOKIE_PATH, settings.CSRF_COOKIE_PATH) == (None, "/", "/")


def test_a_hidden_tab_which_asks_once_a_minute_keeps_its_session_whatever_is_set():
    run = [sys.executable, "-c", "import ec2mon.settings as of; print(of.SESSION_IDLE_S)"]

    env = {**os.environ, "SESSION_IDLE_MINUTES": "1"}
    shown = subprocess.run(run, env=env, capture_output=True, check=True, text=True).stdout

    assert int(shown) > 60


@pytest.mark.parametrize("password", ["short-one-1", "qwerty123456", "2026112520261", "maria-maria-maria"])
def test_weak_passwords_are_refused(maria, password):
    maria.username = "maria-maria"
    maria.save()
    client = signed_in("maria-maria")

    answer = client.post("/password/", {"old_password": PASSWORD, "new_password1": password, "new_password2": password})

    assert answer.status_code == 200
    assert User.objects.get().check_password(PASSWORD)
