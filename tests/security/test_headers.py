"""What every answer of every address carries, whoever asks and however it ends."""

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.test import Client

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "G\u0000T")
PROMISED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
MISSING = ("/nowhere/", "/e/atlantis/instances/", "/e/frankfurt/instances/i-none/", "/admin/elements/none/1/")


def policy(answer):
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in parts}


def lacks(answer, *, is_static=False):
    """Return what an answer does not carry of what it has to."""
    said = policy(answer)
    lacking = {name for name, value in PROMISED.items() if answer.headers.get(name) != value}
    if answer.headers.get("Referrer-Policy") not in ("same-origin", "no-referrer"):
        lacking.add("Referrer-Policy")
    if not is_static and "no-store" not in answer.headers.get("Cache-Control", ""):
        lacking.add("Cache-Control")
    for name in ("default-src", "base-uri", "frame-ancestors"):
        if said.get(name) != ["'none'"]:
            lacking.add(name)
    if said.get("form-action") != ["'self'"] or {source for each in said.values() for source in each} - {
        "'none'",
        "'self'",
    }:
        lacking.add("strict policy")
    lacking |= {
        f"cookie {name}" for name, cookie in answer.cookies.items() if cookie["samesite"] not in ("Lax", "Strict")
    }
    return lacking


def test_every_answer_of_every_address_carries_them_whoever_asks_and_however_it_ends(everywhere, admin_client):
    strangers, statuses, found = Client(raise_request_exception=False), set(), {}
    admin_client.raise_request_exception = False

    for address in (*everywhere.values(), *MISSING):
        for method in METHODS:
            for client in (strangers, admin_client):
                if "logout" in address and client is admin_client:
                    continue
                answer = client.generic(method, address)
                statuses.add(answer.status_code)
                if lacking := lacks(answer):
                    found[method, address] = lacking
                assert answer.status_code < 500 or address == "/readyz", (method, address)  # nothing polls in a test
                if method == "TRACE":
                    assert answer.status_code == 405

    print(f"{(len(everywhere) + len(MISSING)) * len(METHODS) * 2} requests, statuses {sorted(statuses)}")
    assert found == {}
    assert {200, 302, 404, 405} <= statuses


def test_a_mistake_of_ours_carries_them_too(element, viewer_client, monkeypatch):
    from elements.views.overview import Overview

    monkeypatch.setattr(Overview, "get", lambda *args, **kwargs: 1 / 0)

    answer = viewer_client.get("/")

    assert answer.status_code == 500
    assert lacks(answer) == set()


def test_static_files_carry_them_and_may_be_kept():
    for path in ("ec2mon/ec2mon.css", "ec2mon/js/main.js", "ec2mon/icon.svg", "admin/css/base.css"):
        assert finders.find(path)
        answer = Client().get(f"/static/{path}")

        assert answer.status_code == 200, path
        assert lacks(answer, is_static=True) == set(), path
        assert Client().generic("TRACE", f"/static/{path}").status_code == 405


def test_a_form_token_that_is_missing_is_refused_with_all_of_them(element):
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "x", "password": "y"})

    assert answer.status_code == 403
    assert lacks(answer) == set()


def test_under_https_browsers_are_bound_to_it_and_cookies_travel_on_nothing_else(settings, viewer_client):
    settings.SECURE_HSTS_SECONDS = 31_536_000

    answer = viewer_client.get("/login/", secure=True)

    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert django_settings.SESSION_COOKIE_HTTPONLY
    assert django_settings.SESSION_COOKIE_SAMESITE == django_settings.CSRF_COOKIE_SAMESITE == "Lax"


HOSTS = (
    "evil.example",
    "testserver.evil.example",
    "evil.example:443",
    "localhost@evil.example",
    "localhost\u0000.evil.example",
    "<script>alert(1)</script>",
    "evil.example\r\nX-Injected: 1",
    "[::1",
    "",
    "evil.example/testserver",
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_of_the_machine_that_is_not_its_own_is_refused_and_not_repeated(everywhere, host):
    client = Client(raise_request_exception=False)
    for address in everywhere.values():
        answer = client.get(address, HTTP_HOST=host)

        assert answer.status_code == 400, address
        assert "evil" not in answer.content.decode() and "<script>alert" not in answer.content.decode()
        assert not any("evil" in value for value in answer.headers.values())
        assert lacks(answer) == set()


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded"])
def test_no_header_of_a_stranger_changes_where_links_lead(element, header):
    answer = Client().get("/", headers={header: "host=evil.example"})

    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/?next=/")


TARGETS = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "https:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "/\t/evil.example/",
    "\x00//evil.example/",
    "/\r\nLocation: https://evil.example/",
    "https://evil.example%2f@testserver/",
)


@pytest.mark.parametrize("target", TARGETS)
def test_no_sign_in_leads_to_another_site(viewer_client, target):
    from tests.builders import user

    user("otto", "operators")
    form = {"username": "otto", "password": "only-for-tests-1", "next": target}

    answers = [
        Client().post("/login/", form),
        viewer_client.get("/login/", {"next": target}),
        viewer_client.post("/logout/", {"next": target}),
        Client().get("/admin/login/", {"next": target}),
        Client().post("/e/frankfurt/poll/", headers={"Referer": target.replace("\r\n", "")}),
    ]

    for answer in answers:
        location = answer.headers["Location"]
        assert location.startswith("/") and not location.startswith(("//", "/\\", "/\t")), location
        assert "\n" not in location and "\r" not in location
