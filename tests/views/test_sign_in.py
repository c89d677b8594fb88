"""Sign-in: told why one is out, back to the page, a pause after wrong tries; and error pages that say what to do."""

import logging
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from ec2mon.logs import LineFilter
from elements.views import overview, sign_in
from tests import builders

pytestmark = pytest.mark.django_db

LOGIN, PASSWORD = "/login/", "only-for-tests-1"
TRIES = settings.AXES_FAILURE_LIMIT
INSTANCES = "/e/frankfurt-playout/instances/?q=state%3Arunning"


@pytest.fixture
def browser():
    """Return a browser in which maria signed in."""
    builders.user("maria", "operators")
    builders.element(name="Frankfurt – Playout")
    client = Client()
    client.post(LOGIN, {"username": "maria", "password": PASSWORD})
    return client


@pytest.fixture
def time_passes(browser, monkeypatch):
    """Let the session end as browsers and server end it, and the clock of the sign-in run on."""

    def after(**span):
        real, seconds = sign_in.time.time, timedelta(**span).total_seconds()
        monkeypatch.setattr(sign_in.time, "time", lambda: real() + seconds)
        Session.objects.all().delete()
        del browser.cookies[settings.SESSION_COOKIE_NAME]

    return after


def banner(client, next_page=INSTANCES):
    html = client.get(LOGIN, {"next": next_page}).content.decode()
    found = re.search(r'<div class="banner.*?</div></div>', html, re.DOTALL)
    return re.sub(r"<[^>]+>|\s+", " ", found[0]).replace("\xa0", " ").replace("  ", " ").strip() if found else ""


def test_who_was_signed_out_by_time_hears_so_and_where_the_way_back_leads(browser, time_passes):
    time_passes(hours=8, minutes=1)

    said = banner(browser)

    assert "You were signed out after 8 h" in said
    assert "Sign in to go back to Instances of Frankfurt – Playout ." in said
    assert "Nothing you started was interrupted." in said


def test_a_session_that_ended_before_its_time_is_not_told_to_have_lived_so_long(browser, time_passes):
    time_passes(hours=1)

    assert "You are signed out" in banner(browser)


def test_the_sign_in_leads_back_with_filter_and_all(browser, time_passes):
    time_passes(hours=9)
    sent_to = browser.get(INSTANCES).headers["Location"]

    answer = browser.post(LOGIN, {"username": "maria", "password": PASSWORD, "next": INSTANCES})

    assert sent_to.startswith("/login/?next=/e/frankfurt-playout/instances/")
    assert answer.headers["Location"] == INSTANCES


def test_a_form_sent_too_late_leads_back_to_its_page_and_does_nothing(browser, time_passes):
    time_passes(hours=9)

    answer = browser.post("/e/frankfurt-playout/actions/", headers={"referer": f"http://testserver{INSTANCES}"})
    page = "/e/frankfurt-playout/instances/%3Fq%3Dstate%253Arunning"
    assert answer.headers["Location"] == f"/login/?next={page}&unsaved=1"


@pytest.mark.parametrize("referer", ["https://evil.example/x", "http://[", "", "//", "\x00"])
def test_a_form_sent_too_late_from_no_page_of_ours_leads_to_the_overview(client, referer):
    answer = client.post("/e/frankfurt-playout/actions/", headers={"referer": referer})

    assert answer.headers["Location"] == "/login/?next=/&unsaved=1"


@pytest.mark.parametrize("change", [{"is_active": False}, {"groups": []}])
def test_who_may_no_longer_see_an_element_is_not_told_its_name(browser, time_passes, change):
    user = User.objects.get()
    if "groups" in change:
        user.groups.clear()
    User.objects.update(is_active=change.get("is_active", True))
    time_passes(hours=9)

    assert "Frankfurt" not in banner(browser)


def test_the_name_is_forgotten_by_signing_out_and_a_day_after_the_end(browser, time_passes, monkeypatch):
    there = Client()
    there.cookies = browser.cookies.copy()
    browser.post("/logout/")

    assert "Frankfurt" not in banner(browser)
    time_passes(hours=8 + 25)
    assert "Frankfurt" not in banner(there)


def test_a_forged_memory_is_none():
    builders.user("maria", "operators")
    builders.element(name="Frankfurt – Playout")
    stranger = Client()
    stranger.cookies[sign_in.COOKIE] = "1.0:forged:forged"

    assert "Frankfurt" not in banner(stranger)


@pytest.mark.parametrize("address", ["/e/\0/instances/", "//evil.example/", "/nowhere/", "x" * 5000, "/e/x/instances/"])
def test_wild_ways_back_are_no_error(browser, time_passes, address):
    time_passes(hours=9)

    assert "where you were" in banner(browser, address) or "Instances" in banner(browser, address)


def words(client, **fields):
    html = client.post(LOGIN, {"username": "maria", "password": "wrong", **fields}).content.decode()
    found = re.search(r'<div class="banner banner--crit".*?</div></div>', html, re.DOTALL)
    return re.sub(r"<[^>]+>|\s+", " ", found[0]).replace("\xa0", " ").strip() if found else ""


def test_wrong_tries_are_counted_and_then_there_is_a_pause():
    builders.user("maria")
    client = Client()

    said = [words(client) for _ in range(TRIES)]

    assert "User name or password is wrong 4 tries left, then a pause of 5 min." in said[0].replace("  ", " ")
    assert "1 try left" in said[-2]
    assert "Too many wrong tries" in said[-1]
    assert "Try again in" in words(client, password=PASSWORD)


def test_the_pause_of_one_name_or_one_computer_holds_nobody_else():
    builders.user("maria")
    builders.user("olga")
    for _ in range(TRIES):
        words(Client())

    assert words(Client(), username="olga", password=PASSWORD) == ""
    assert words(Client(REMOTE_ADDR="10.9.8.7"), password=PASSWORD) == ""


def test_the_right_password_forgets_the_wrong_ones():
    builders.user("maria")
    for _ in range(TRIES - 1):
        words(Client())
    words(Client(), password=PASSWORD)

    assert "4 tries left" in words(Client())


def test_nothing_typed_is_told_without_counting():
    assert "User name and password are needed" in words(Client(), username="", password="")


def fail(client, monkeypatch, caplog):
    monkeypatch.setattr(overview.Overview, "get_context_data", lambda *args, **kwargs: 1 / 0)
    client.raise_request_exception = False
    with caplog.at_level(logging.ERROR, logger="django.request"):
        return client.get(reverse("elements:overview"))


def test_a_mistake_of_ours_has_a_reference_that_the_log_knows_and_no_trace(viewer, monkeypatch, caplog):
    answer = fail(viewer, monkeypatch, caplog)

    html = answer.content.decode()
    reference = re.search(r'data-copy="(req-[0-9a-f]{12})"', html)[1]
    record = next(record for record in caplog.records if record.name == "django.request")
    LineFilter().filter(record)
    assert answer.status_code == 500
    assert record.trace_id == reference == answer["X-Request-ID"]
    assert "ZeroDivision" not in html and "Traceback" not in html
    assert "Go to the overview" in html


def test_who_has_no_right_at_all_is_not_sent_round_in_a_circle(viewer):
    nobody = Client()
    nobody.force_login(builders.user("nobody"))

    of_nobody, of_viewer = nobody.get("/").content.decode(), viewer.get("/e/x/actions/confirm/").content.decode()

    assert "Go to the overview" not in of_nobody
    assert 'action="/logout/"' in of_nobody
    assert "Go to the overview" in of_viewer


def test_an_old_page_is_told_apart_from_a_missing_right_for_the_script(viewer):
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get())

    answer = client.post("/settings/", {"theme": "dark"})

    assert (answer.status_code, answer.headers["X-Page"]) == (403, "old")
    assert "This page was open for too long" in answer.content.decode()
    assert "X-Page" not in viewer.get("/nowhere/").headers


@pytest.mark.parametrize(
    ("address", "status", "title", "works"),
    [
        (
            "/e/nothing/instances/",
            404,
            "There is nothing at this address",
            "The element or instance may have been removed",
        ),
        ("/wall/screens/", 403, "You may not do this", "Everything else works as before"),
    ],
)
def test_what_is_not_there_or_not_allowed_is_one_card_with_a_way_back(viewer, address, status, title, works):
    answer = viewer.get(address)

    html = answer.content.decode()
    assert answer.status_code == status
    assert f"<h1>{title}</h1>" in html
    assert works in html
    assert '<a class="btn btn--primary" href="/">Go to the overview</a>' in html


def test_the_sign_in_after_a_form_says_that_nothing_was_saved(browser, time_passes):
    time_passes(hours=9)

    sent_to = browser.post(INSTANCES, headers={"referer": f"http://testserver{INSTANCES}"}).headers["Location"]
    said = browser.get(sent_to).content.decode()

    assert "What you sent was not saved, and nothing was asked of AWS." in said
    assert "Nothing you started was interrupted." not in said
