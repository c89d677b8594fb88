"""Guessing passwords: few tries for a name and an address, counted in the database, and nothing told by the answers."""

import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import hashers
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ec2mon.throttle import TRIES_OF_AN_ADDRESS, digest
from elements.models import Activity
from tests import builders

pytestmark = pytest.mark.django_db

LOGIN, PASSWORD = "/login/", "only-for-tests-1"
TRIES = settings.AXES_FAILURE_LIMIT


def sign_in(username="maria", password="wrong", **request):
    return Client().post(LOGIN, {"username": username, "password": password}, **request)


def lock(username="maria", **request):
    return [sign_in(username, **request) for _ in range(TRIES)]


def words(answer):
    found = re.search(r'<div class="banner banner--crit".*?</div></div>', answer.content.decode(), re.DOTALL)
    return re.sub(r"<[^>]+>|\s+", " ", found[0]).replace("\xa0", " ").strip() if found else ""


def minutes_pass(minutes):
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - timedelta(minutes=minutes))


def kept():
    return list(Activity.objects.order_by("pk").values_list("username", "text"))


def test_a_pause_says_how_long_it_is_and_so_does_its_status():
    builders.user("maria")
    last = lock()[-1]
    minutes_pass(2)

    later = sign_in(password=PASSWORD)

    assert "Too many wrong tries" in words(last)
    assert (last.status_code, later.status_code) == (429, 429)
    assert "Try again in 3 min." in words(later)  # never sooner than it is over
    assert 100 < int(later.headers["Retry-After"]) <= 180


def test_the_pause_ends_by_itself_and_tries_meanwhile_do_not_prolong_it():
    builders.user("maria")
    lock()
    minutes_pass(4)
    lock()

    minutes_pass(1.1)

    assert sign_in(password=PASSWORD).status_code == 302


def test_what_is_counted_is_in_the_database_for_all_processes():
    builders.user("maria")
    lock()

    assert list(AccessAttempt.objects.values_list("username", "ip_address", "failures_since_start")) == [
        (digest("maria"), "127.0.0.1", TRIES)
    ]


def test_another_browser_at_the_same_address_is_no_way_round():
    builders.user("maria")
    for number in range(TRIES):
        sign_in(headers={"user-agent": f"browser {number}"})

    assert sign_in(password=PASSWORD, headers={"user-agent": "yet another"}).status_code == 429
    assert AccessAttempt.objects.count() == 1  # one row, however many names a browser gives itself


def test_one_password_on_every_name_ends_too_and_other_addresses_go_on():
    builders.user("maria")
    sign_in("a name")
    AccessAttempt.objects.update(failures_since_start=TRIES_OF_AN_ADDRESS)

    assert sign_in("another name").status_code == 429
    assert sign_in(password=PASSWORD).status_code == 429
    assert sign_in(password=PASSWORD, REMOTE_ADDR="10.0.0.9").status_code == 302


def test_known_and_unknown_names_get_the_same_answers_and_as_much_hashing(monkeypatch):
    builders.user("maria")
    builders.user("olga")
    User.objects.filter(username="olga").update(is_active=False)
    hashed = []
    hasher = hashers.get_hasher()
    encode = type(hasher).encode
    monkeypatch.setattr(type(hasher), "encode", lambda *args, **more: hashed.append(1) or encode(*args, **more))

    def answers(name):
        told = []
        for _ in range(TRIES + 1):
            hashed.clear()
            with CaptureQueriesContext(connection) as queries:
                answer = sign_in(name)
            told.append((answer.status_code, words(answer), len(hashed), len(queries)))
        return told

    known = answers("maria")

    assert known == answers("nobody") == answers("olga")
    assert [count for _, _, count, _ in known] == [1, 1, 1, 1, 1, 0]


def test_a_lock_out_is_kept_in_activity_once():
    builders.user("maria")
    for answer in (*lock(), *lock()):
        assert answer.status_code in (200, 429)

    assert kept() == [("maria", "Sign-in refused")] * (TRIES - 1) + [
        ("maria", "Sign-in refused, and paused from there for 5\xa0min")
    ]


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # a stranger says so
        ("10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # the first is the stranger's own word
        ("10.0.0.2", "198.51.100.1, 10.0.0.3", "198.51.100.1"),  # two proxies
        ("10.0.0.2", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.2", "[2001:db8::7]:4711", "2001:db8::"),
        ("10.0.0.2", "nonsense", "10.0.0.2"),
        ("10.0.0.2", "198.51.100.1, nonsense", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("::ffff:10.0.0.2", "198.51.100.1", "198.51.100.1"),
        ("2001:db8:0:1:aaaa::1", "", "2001:db8:0:1::"),  # a customer's network counts as one
    ],
)
def test_only_a_trusted_proxy_says_whose_address_it_is(settings, peer, forwarded, counted):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/28")]

    sign_in(REMOTE_ADDR=peer, headers={"x-forwarded-for": forwarded})

    assert AccessAttempt.objects.get().ip_address == counted


def test_without_a_trusted_proxy_nobody_can_choose_an_address():
    for number in range(TRIES):
        sign_in(headers={"x-forwarded-for": f"198.51.100.{number}", "x-real-ip": f"198.51.100.{number}"})

    assert sign_in(headers={"x-forwarded-for": "198.51.100.99"}).status_code == 429


def test_nothing_that_was_typed_is_stored_or_logged_but_the_name(caplog):
    with caplog.at_level(logging.DEBUG):
        Client().post(f"{LOGIN}?q=planted-1", {"username": "m", "password": "planted-2", "other": "planted-3"})

    assert "planted" not in repr(AccessAttempt.objects.values().get()) + caplog.text


def test_a_superuser_ends_a_pause_in_the_admin_and_it_is_kept():
    builders.user("maria")
    root = Client()
    root.force_login(User.objects.create_superuser("root", password=PASSWORD))
    lock()

    root.post("/admin/auth/user/", {"action": "end_pauses", "_selected_action": User.objects.get(username="maria").pk})

    assert sign_in(password=PASSWORD).status_code == 302
    assert ("root", "Pause of the sign-in of maria ended") in kept()


def test_a_pause_is_ended_from_the_command_line():
    builders.user("maria")
    lock()

    call_command("axes_reset_username", "maria", verbosity=0)

    assert sign_in(password=PASSWORD).status_code == 302


@pytest.mark.parametrize("group", ["viewers", "operators", "administrators"])
def test_what_is_counted_has_no_page_in_the_admin(group):
    user = builders.user("maria", group)
    user.user_permissions.add(*Permission.objects.filter(content_type__app_label="axes"))
    client = Client()
    client.force_login(user)

    assert client.get("/admin/axes/accessattempt/").status_code in (302, 403, 404)
    assert "axes" not in client.get("/admin/").content.decode()


def test_the_admins_own_sign_in_is_the_one_of_the_pages():
    builders.user("maria", "administrators")
    lock()

    answer = Client().post("/admin/login/", {"username": "maria", "password": PASSWORD}, follow=True)

    assert answer.redirect_chain[0][0].startswith("/login/")
    assert not answer.wsgi_request.user.is_authenticated


def test_the_old_password_cannot_be_guessed_where_somebody_is_signed_in():
    client = Client()
    client.force_login(builders.user("maria"))
    new = {"new_password1": "of-the-thief-2026", "new_password2": "of-the-thief-2026"}
    for _ in range(TRIES):
        client.post("/password/", {"old_password": "wrong", **new})

    answer = client.post("/password/", {"old_password": PASSWORD, **new})

    assert answer.status_code == 429
    assert "Try again in" in answer.content.decode()
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.django_db(transaction=True)
def test_tries_at_the_same_moment_are_all_counted():
    builders.user("maria")
    together = threading.Barrier(8)

    def wrong_try(_):
        together.wait(60)
        try:
            return sign_in().status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(wrong_try, range(8)))

    assert set(statuses) <= {200, 429}
    assert AccessAttempt.objects.get().failures_since_start >= TRIES
    assert sign_in(password=PASSWORD).status_code == 429


def test_a_sign_in_costs_few_queries_and_few_writes():
    builders.user("maria")
    sign_in()

    with CaptureQueriesContext(connection) as right:
        sign_in(password=PASSWORD)
    with CaptureQueriesContext(connection) as wrong:
        sign_in()
    with CaptureQueriesContext(connection) as page:
        Client().get(LOGIN)

    writes = [
        len([each for each in done if each["sql"].startswith(("INSERT", "UPDATE", "DELETE"))])
        for done in (right, wrong)
    ]
    assert writes[0] <= 6
    assert writes[1] <= 2
    assert len(page) == 0
