import pytest

from tests.browser import gallery as galleries
from tests.browser.chromium import ARGUMENTS, program
from tests.browser.stack import PASSWORD, Stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Start the product anew for each file, so that no test sees another's elements, in whatever order they run."""
    with Stack(tmp_path_factory.mktemp("stack")) as running:
        running.add_user("maria", "administrators")
        running.add_user("olga", "operators")
        running.add_user("vera", "viewers")
        yield running


@pytest.fixture(scope="module")
def gallery(stack):
    return galleries.fill(stack)


@pytest.fixture(scope="session")
def chromium():
    if program() is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import expect, sync_playwright

    # a machine with two cores runs three products at once
    expect.set_options(timeout=15_000)

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open a page in a browser of its own. What its console says, what it throws, what its policy forbids and each
    request that fails make the test fail at its end: `open_page.complaints` are those, for tests which provoke one."""
    contexts, complaints = [], []

    def failed(request):
        # a page that is left gives up what it was asking for
        if request.failure != "net::ERR_ABORTED":
            complaints.append(f"{request.url}: {request.failure}")

    def open_one(url, **options):
        context = chromium.new_context(base_url=url, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on("requestfailed", failed)
        return page

    open_one.complaints = complaints
    yield open_one

    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def sign_in(open_page, stack):
    """Open the product as a user: `sign_in(name, path, **options of the browser)`. `hasty` makes the page ask what
    changed every second, for tests that are not about how often it asks."""

    def open_as(user, path="/", *, url=stack.url, hasty=False, **options):
        page = open_page(url, **options)
        if hasty:
            page.add_init_script("setInterval(() => document.dispatchEvent(new Event('visibilitychange')), 1000)")
        page.goto(f"/login/?next={path}")
        page.get_by_label("User name").fill(user)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"**{path}")
        return page

    open_as.page = lambda **options: open_page(stack.url, **options)
    open_as.complaints = open_page.complaints
    return open_as
