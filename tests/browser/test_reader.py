"""Whoever reads the pages: theme and zone follow the user, a session that ends loses nothing, script or not."""

import re

import pytest
from playwright.sync_api import expect

from elements.domain import wording
from tests.browser.stack import PASSWORD

REGION = "eu-north-1"


@pytest.fixture(scope="module")
def store(stack):
    """Return the instance IDs of an element of five."""
    ids = stack.aws.add_instances(REGION, names=[f"store-{number}" for number in range(5)])
    stack.add_element("Store", REGION)
    stack.manage("poll", "Store")
    return ids


def choose(page, label):
    page.get_by_role("button", name="Appearance").click()
    with page.expect_response("**/settings/") as kept:
        page.get_by_label(label).check()
    assert kept.value.status == 204


def test_theme_rows_and_zone_follow_the_user_to_another_computer(stack, store, sign_in):
    here = sign_in("vera", "/e/store/instances/", color_scheme="light")
    here.locator("[data-filter-input]").fill("typed and not sent")
    choose(here, "Dark")
    here.get_by_label("Roomy").check()
    here.keyboard.press("Escape")
    with here.expect_response("**/settings/"):
        here.get_by_role("button", name="UTC").click()

    there = sign_in("vera", "/e/store/events/", color_scheme="light", timezone_id="Asia/Tokyo")

    assert here.locator("[data-filter-input]").input_value() == "typed and not sent"
    assert here.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert there.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert there.locator("html").get_attribute("data-density") == "roomy"
    expect(there.locator("[data-tz-toggle]")).to_contain_text("UTC+09:00")
    html = there.request.get("/").text()
    assert 'data-theme="dark" data-density="roomy" data-tz="local"' in html[: html.index("</head>")]
    with there.expect_response("**/settings/"):
        there.locator("[data-tz-toggle]").click()
    choose(there, "Match system")


def test_the_days_of_the_state_bar_begin_at_midnight_of_the_chosen_zone(store, sign_in):
    page = sign_in("vera", f"/e/store/instances/{store[0]}/", timezone_id="Asia/Tokyo")
    first = "document.querySelector('[data-day] line').x1.baseVal.valueInSpecifiedUnits"
    panel = page.locator("[data-live-part=life]")
    expect(panel).to_contain_text("days in UTC")
    in_utc = page.evaluate(first)

    with page.expect_response("**/settings/"):
        page.locator("[data-tz-toggle]").click()

    expect(panel).to_contain_text("days in UTC+09:00")
    assert (in_utc - page.evaluate(first)) % (100 / 7) == pytest.approx(100 * 9 / 168, abs=0.02)
    with page.expect_response("**/settings/"):
        page.locator("[data-tz-toggle]").click()
    assert page.evaluate(first) == pytest.approx(in_utc, abs=0.02)


def test_the_keys_that_were_turned_off_stay_off(store, sign_in):
    page = sign_in("vera", "/e/store/instances/")
    page.keyboard.press("?")
    with page.expect_response("**/settings/"):
        page.get_by_label("Single-key shortcuts are on").uncheck()

    page.reload()
    page.keyboard.press("?")

    expect(page.locator("dialog[open]")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    with page.expect_response("**/settings/"):
        page.get_by_label("Single-key shortcuts are on").check()


def test_without_script_the_menu_is_a_form(store, sign_in):
    page = sign_in("vera", "/e/store/instances/", java_script_enabled=False, color_scheme="light")

    page.get_by_role("button", name="Appearance").click()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()

    assert page.url.endswith("/e/store/instances/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Appearance").click()
    page.get_by_label("Match system").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "auto")


def test_the_browser_writes_times_and_numbers_as_the_server_does(store, sign_in):
    page = sign_in("vera", "/e/store/instances/")
    seconds = [0, 1, 59, 60, 61, 3599, 3600, 12_420, 86_399, 86_400, 90_000, 863_999, 864_000, 1_900_800, 34_646_400]
    numbers = [0, 999, 1000, 1240, 1_234_567]

    spans, grouped = page.evaluate(
        "async ([seconds, numbers]) => { const named = (name) => performance.getEntriesByType('resource')"
        " .find((each) => each.name.includes('/js/' + name + '.')).name;"
        " const time = await import(named('time')), dom = await import(named('dom'));"
        " return [seconds.map((each) => time.span(each * 1000)), numbers.map(dom.grouped)]; }",
        [seconds, numbers],
    )

    assert spans == [wording.span(each) for each in seconds]
    assert grouped == [wording.grouped(each) for each in numbers]


def test_ages_and_the_clock_run_by_the_server_s_time_whatever_the_computer_s_says(store, sign_in):
    page = sign_in("vera", "/")
    page.clock.install(time="2019-01-01T00:00:00Z")

    page.goto("/e/store/instances/")

    told = page.locator("html").get_attribute("data-now")
    expect(page.locator("[data-clock]")).to_have_text(re.compile(rf"{told[11:15]}\d:\d\d"))
    expect(page.locator(".livebar time")).to_have_text(re.compile(r"^\d+\s(s|min)$"))


def test_on_a_narrow_screen_the_elements_are_a_drawer_that_the_keyboard_opens_and_closes(store, sign_in):
    page = sign_in("vera", "/", viewport={"width": 390, "height": 844})
    drawer, button = page.get_by_role("navigation", name="Elements"), page.get_by_role("button", name="Elements")
    expect(drawer).to_be_hidden()

    button.focus()
    page.keyboard.press("Enter")
    expect(drawer).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    drawer.get_by_role("link").filter(has_text="Store").click()

    page.wait_for_url("**/e/store/instances/")
    page.set_viewport_size({"width": 800, "height": 800})
    expect(drawer).to_be_visible()
    expect(button).to_be_hidden()


@pytest.mark.parametrize("width", [390, 1440])
def test_no_news_covers_a_control_for_good(store, sign_in, width):
    page = sign_in("maria", "/e/store/configuration/", viewport={"width": width, "height": 700})
    page.route("**/settings/", lambda route: route.abort())
    page.get_by_role("button", name="Appearance").click()
    page.get_by_label("Roomy").check()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert").filter(has_text="This choice was not kept")).to_be_visible()

    last = page.locator("#main button:visible, #main input:visible").last
    last.evaluate(
        "() => { for (const at of [document.querySelector('main'), document.scrollingElement]) at.scrollTop = 1e6; }"
    )

    assert last.evaluate(
        "(control) => { const at = control.getBoundingClientRect();"
        " return control.contains(document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2)); }"
    )
    sign_in.complaints[:] = [each for each in sign_in.complaints if "ERR_FAILED" not in each]


def end_session(page):
    page.context.clear_cookies(name="sessionid")


def sign_in_again(page):
    page.get_by_label("User name").fill("olga")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_session_that_ends_in_the_middle_of_stopping_many_loses_nothing(stack, store, sign_in):
    page = sign_in("olga", "/e/store/instances/")
    for box in page.locator("tbody input[name=id]").all()[:3]:
        box.check()
    page.get_by_role("button", name="Stop 3").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Stop 3 instances?")).to_be_visible()

    end_session(page)
    dialog.get_by_role("button", name="Stop 3 instances").click()
    told = page.get_by_role("alert").filter(has_text="You were signed out")
    expect(told).to_contain_text("Nothing was asked of AWS, and your selection is kept.")
    told.get_by_role("link", name="Sign in").click()
    expect(page.get_by_text("You are signed out")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text(["Sign in to go back to Instances of Store"])
    sign_in_again(page)

    page.wait_for_url("**/e/store/instances/")
    expect(page.get_by_role("region", name="Selection")).to_contain_text("3 selected")
    assert page.locator("tbody input[name=id]:checked").count() == 3
    assert {stack.aws.instance(instance_id).state for instance_id in store} == {"running"}
    page.get_by_role("button", name="Stop 3").click()
    expect(page.get_by_role("heading", name="Stop 3 instances?")).to_be_visible()


def test_without_script_a_confirmation_sent_too_late_leads_back_to_the_question(stack, store, sign_in):
    page = sign_in("olga", "/e/store/instances/", java_script_enabled=False)
    page.goto(f"/e/store/actions/confirm/?action=stop&id={store[0]}&id={store[1]}")

    end_session(page)
    page.get_by_role("button", name="Stop 2 instances").click()
    sign_in_again(page)

    expect(page.get_by_role("heading", name="Stop 2 instances?")).to_be_visible()
    assert {stack.aws.instance(instance_id).state for instance_id in store} == {"running"}


PAGES = (
    "/",
    "/activity/",
    *(f"/e/store/{name}/" for name in ("general", "instances", "configuration", "events", "debug")),
)


@pytest.mark.parametrize("width", [320, 720])
def test_no_page_scrolls_sideways_on_a_phone_or_at_twice_the_size(store, sign_in, width):
    page = sign_in("vera", "/", viewport={"width": width, "height": 600})

    wide = []
    for address in PAGES:
        page.goto(address)
        shown, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        if shown > room:
            wide.append((address, shown))

    assert wide == []


def test_paper_is_white_and_says_when_the_data_was_read(store, sign_in):
    page = sign_in("olga", "/e/store/instances/", color_scheme="dark")

    page.emulate_media(media="print", color_scheme="dark")

    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    for gone in (page.get_by_role("banner"), page.get_by_role("button", name="Poll now"), page.locator(".c-act").first):
        expect(gone).to_be_hidden()
    expect(page.get_by_text("AWS data")).to_be_visible()
    said = page.evaluate("getComputedStyle(document.querySelector('.livebar time'), '::after').content")
    assert page.locator(".livebar time").get_attribute("datetime") in said


def test_in_colours_of_the_system_the_current_page_is_still_marked(store, sign_in):
    page = sign_in("vera", "/e/store/events/", forced_colors="active")

    marks = "(selector) => getComputedStyle(document.querySelector(selector))"
    tab = page.evaluate(f"({marks})('.tabs a[aria-current]').borderBottomWidth")
    other = page.evaluate(f"({marks})('.tabs a:not([aria-current])').borderBottomWidth")
    element = page.evaluate(f"({marks})('.side__link[aria-current]').outlineStyle")

    assert (tab, other, element) == ("3px", "2px", "solid")


@pytest.mark.parametrize(("motion", "tinted_by"), [("no-preference", "changed"), ("reduce", "none")])
def test_a_changed_cell_moves_only_where_motion_is_welcome(store, sign_in, motion, tinted_by):
    page = sign_in("vera", "/e/store/instances/", reduced_motion=motion)

    cell = page.locator("tbody td").last
    cell.evaluate("cell => cell.classList.add('changed')")

    name, edge = cell.evaluate("cell => [getComputedStyle(cell).animationName, getComputedStyle(cell).boxShadow]")
    assert name == tinted_by
    assert ("inset" in edge) == (motion == "reduce")


def test_the_set_up_pages_follow_the_theme_of_their_reader(store, sign_in):
    page = sign_in("maria", "/", color_scheme="light")
    choose(page, "Dark")

    page.goto("/admin/elements/element/add/")

    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 24, 28)"
    page.goto("/")
    choose(page, "Match system")
