import pytest

from tests.browser.chromium import ARGUMENTS, program
from tests.browser.stack import PASSWORD, Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        running.add_user("maria", "administrators")
        running.add_user("olga", "operators")
        running.add_user("vera", "viewers")
        yield running


@pytest.fixture(scope="session")
def chromium():
    if program() is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def sign_in(chromium, stack):
    """Open the product as a user; whatever the console says or a page throws fails the test at its end."""
    contexts, complaints = [], []

    def open_as(user, path="/", **options):
        context = chromium.new_context(base_url=stack.url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"/login/?next={path}")
        page.get_by_label("User name").fill(user)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{path}")
        return page

    yield open_as

    for context in contexts:
        context.close()
    assert complaints == []
