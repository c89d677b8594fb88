"""Find with the keyboard alone, and a Wall that is never frozen green, in a real browser."""

import re
from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import expect

from tests.browser.stack import PASSWORD, wait_for

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOST_MS = 25_000


def findings(page):
    return page.evaluate(
        "async ([source, rules]) => { (0, eval)(source); const found = await axe.run(document, {runOnly: rules});"
        " return found.violations.map((one) => one.id + ' ' + one.nodes.map((node) => node.target)); }",
        [AXE, RULES],
    )


@pytest.fixture(scope="module")
def finders(stack):
    """Have an element with two instances polled."""
    stack.aws.add_instances("ap-south-1", names=["finder-main", "finder-backup"])
    stack.add_element("Mumbai", "ap-south-1")


@pytest.fixture
def walled(stack, finders, sign_in):
    """Sign in once the instances can be found."""

    def open_page(**options):
        page = sign_in("maria", **options)
        wait_for(lambda: "finder-main" in _found(page), "nothing is found", stack.log)
        return page

    return open_page


def _found(page):
    page.goto("/find/?q=finder")
    return page.content()


def test_an_instance_is_found_and_opened_with_the_keyboard_alone(walled):
    page = walled()
    page.goto("/activity/")
    page.locator(".brand").focus()

    page.keyboard.press("Control+k")
    field = page.locator("#dlg-find [role=combobox]")
    expect(field).to_be_focused()
    expect(page.locator("#find-list [role=option]").first).to_be_visible()
    page.keyboard.type("finder")

    options = page.locator("#find-list [role=option]", has_text="finder-")
    expect(options).to_have_count(2)
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(field).to_have_attribute("aria-activedescendant", "find-1")
    expect(page.locator("[data-find-status]")).to_have_text("2 results")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "find-2")
    expect(page.locator("#find-2")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#find-1")).to_have_attribute("aria-selected", "false")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "find-1")
    expect(field).to_be_focused()
    name = page.locator("#find-1 bdi").first.inner_text()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1, name=re.compile(name))).to_be_visible()


def test_esc_closes_find_and_the_focus_returns(walled):
    page = walled()
    page.goto("/activity/")
    page.locator(".brand").focus()

    page.keyboard.press("Control+k")
    page.keyboard.type("nothing-like-this")
    expect(page.locator("[data-find-status]")).to_have_text("Nothing found in any element")
    page.keyboard.press("Escape")

    expect(page.locator("#dlg-find")).to_be_hidden()
    expect(page.locator(".brand")).to_be_focused()


def test_enter_before_an_answer_leads_to_the_page_of_all_results(walled):
    page = walled()
    page.goto("/activity/")

    page.keyboard.press("Control+k")
    page.locator("#dlg-find [role=combobox]").evaluate("field => { field.value = 'finder'; }")
    page.keyboard.press("Enter")

    page.wait_for_url("**/find/?q=finder")
    expect(page.get_by_role("link", name=re.compile("finder-main"))).to_be_visible()


def test_find_works_without_script(walled):
    page = walled(java_script_enabled=False)
    page.goto("/")

    page.get_by_role("link", name="Find an instance, IP or element").click()
    page.get_by_role("searchbox", name="Find an instance").fill("finder-backup")
    page.get_by_role("button", name="Find").click()

    expect(page.get_by_role("link", name=re.compile("finder-backup")).first).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_of_find_and_wall_is_closed_to_anybody(walled, width, theme):
    page = walled(viewport={"width": width, "height": 844}, bypass_csp=True)

    page.goto("/find/?q=finder")
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
    found = {"page": findings(page)}
    page.keyboard.press("Control+k")
    expect(page.locator("#find-list [role=option]").first).to_be_visible()
    found["dialog"] = findings(page)
    page.goto(f"/wall/?theme={theme}")
    found["wall"] = findings(page)
    page.evaluate("() => { document.querySelector('[data-wall-lost]').hidden = false; }")
    found["lost"] = findings(page)
    page.goto("/wall/screens/")
    found["screens"] = findings(page)

    assert found == {name: [] for name in found}


def test_a_screen_says_that_its_data_is_old_when_the_server_is_silent_and_comes_back(walled, sign_in):
    page = walled()
    page.goto("/wall/screens/")
    page.get_by_label("Name").fill("Foyer")
    page.get_by_role("button", name="Add screen").click()
    address = page.locator("#wall-address").inner_text()
    screen = sign_in.page()
    screen.goto(address)
    lost = screen.locator("[data-wall-lost]")
    expect(screen.locator(".wall__el", has_text="Mumbai").locator(".cells li")).not_to_have_count(0)
    expect(lost).to_be_hidden()

    screen.context.set_offline(True)

    expect(lost).to_be_visible(timeout=LOST_MS)
    expect(lost).to_contain_text(re.compile(r"Data is \d+\s(s|min) old"))
    expect(lost.get_by_role("alert")).to_contain_text("The ec2mon server does not answer")
    assert screen.locator("main").evaluate("main => main.inert")
    box = lost.bounding_box()
    assert (box["width"], box["height"]) == (1280, 720)
    screen.context.set_offline(False)
    expect(lost).to_be_hidden(timeout=LOST_MS)
    page.locator("summary", has_text="Revoke").click()
    page.get_by_role("button", name="Revoke Foyer").click()
    expect(page.get_by_text("Screen Foyer revoked")).to_be_visible()
    expect(screen.get_by_text("There is nothing at this address").first).to_be_visible(timeout=LOST_MS)
    # the server was out of reach, then the address was revoked
    sign_in.complaints[:] = [each for each in sign_in.complaints if not re.search("DISCONNECTED|404", each)]


def test_the_wall_of_somebody_signed_out_does_not_go_on_in_green(walled):
    page = walled()
    page.goto("/wall/")
    expect(page.locator(".wall__el").first).to_be_visible()

    page.context.clear_cookies()

    lost = page.locator("[data-wall-lost]")
    expect(lost).to_be_visible(timeout=LOST_MS)
    expect(lost).to_contain_text("Nobody is signed in any more")
    lost.get_by_role("link", name="Load the wall again").click()
    page.wait_for_url("**/login/?next=/wall/")
    page.get_by_label("User name").fill("maria")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/wall/")


def test_the_wall_loads_itself_anew_once_a_day(walled):
    page = walled()
    page.clock.install()
    page.goto("/wall/")
    page.evaluate("window.loadedBefore = true")

    page.clock.fast_forward("23:59:00")
    page.wait_for_timeout(3_000)
    assert page.evaluate("window.loadedBefore")

    with page.expect_event("load", timeout=LOST_MS):
        page.clock.fast_forward("02:00")

    assert not page.evaluate("window.loadedBefore")


def test_the_account_gives_way_on_the_overview_where_there_is_little_room(walled):
    page = walled()
    page.goto("/")
    account = page.get_by_role("columnheader", name="Account")

    page.set_viewport_size({"width": 1440, "height": 900})
    expect(account).to_be_visible()
    page.set_viewport_size({"width": 1200, "height": 900})

    expect(account).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Region")).to_be_visible()
