"""The whole way of a passkey, in Chromium with an authenticator that needs no finger, under the real headers."""

import pytest
from django.test import Client

from elements.models import Activity
from tests import builders
from tests.browser.chromium import ARGUMENTS, program

PASSWORD = "only-for-tests-1"
AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def page(live_server):
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        page = browser.new_context(base_url=live_server.url.replace("127.0.0.1", "localhost")).new_page()
        page.set_default_timeout(30_000)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda message: page.complaints.append(message.text))
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        page.key = session.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})["authenticatorId"]
        page.cdp = session
        yield page
        browser.close()


def sign_in_by_password(page):
    page.goto("/login/")
    page.get_by_label("User name").fill("maria")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


@pytest.mark.django_db(transaction=True)
def test_a_passkey_is_added_and_signs_in_after_the_password_and_alone(page):
    from playwright.sync_api import expect

    builders.user("maria", "viewers")
    sign_in_by_password(page)
    page.goto("/second-factor/passkeys/add/")
    page.get_by_label("Name").fill("this laptop")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.goto("/second-factor/")
    expect(page.get_by_text("this laptop").first).to_be_visible()

    page.context.clear_cookies()
    sign_in_by_password(page)
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_title("Overview – ec2mon")

    page.context.clear_cookies()
    page.goto("/login/?next=/activity/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_title("Activity – ec2mon")

    page.context.clear_cookies()
    page.cdp.send("WebAuthn.clearCredentials", {"authenticatorId": page.key})
    page.goto("/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_text("Your browser gave no passkey")).to_be_visible()
    assert Client().get("/").status_code == 302
    assert Activity.objects.filter(text="Signed in").count() == 3
    assert page.complaints == []
