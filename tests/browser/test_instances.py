"""The list of instances in a browser: filter, selection, columns, and rows that hold still while they change."""

import pytest
from playwright.sync_api import expect

LIVE_MS = 45_000
REGION = "eu-west-3"


@pytest.fixture(scope="module")
def fleet(stack):
    """Return the instance IDs of an element with 60 instances, by name."""
    names = [f"node-{number:02}" for number in range(60)]
    found = dict(zip(names, stack.aws.add_instances(REGION, names=names), strict=True))
    stack.add_element("Fleet", REGION)
    stack.manage("poll", "Fleet")
    return found


def open_list(sign_in, user="olga", query="", **options):
    page = sign_in(user, "/e/fleet/instances/", **options)
    if query:
        page.goto(f"/e/fleet/instances/{query}")
    return page


def test_a_filter_is_typed_sent_emptied_and_the_address_says_it(fleet, sign_in):
    page = open_list(sign_in)

    page.keyboard.press("/")
    page.keyboard.type("name:node-0*")
    page.keyboard.press("Enter")

    expect(page.get_by_text("10 of 60 instances")).to_be_visible()
    assert "q=name%3Anode-0*" in page.url
    page.get_by_role("link", name="Display key").click()
    expect(page.locator("tbody tr").first).to_contain_text("node-09")
    page.keyboard.press("/")
    page.keyboard.press("Escape")
    page.wait_for_url("**q=&sort=-name")
    expect(page.locator("tbody tr").first).to_contain_text("node-59")


def test_a_filter_is_begun_from_the_menu(fleet, sign_in):
    page = open_list(sign_in, query="?q=node-1")

    page.get_by_role("button", name="Add filter").click()
    page.locator("#pop-filter").get_by_role("button", name="State").click()
    expect(page.get_by_label("Filter instances")).to_be_focused()
    expect(page.get_by_label("Filter instances")).to_have_value("node-1 state:")
    page.keyboard.type("running")
    page.keyboard.press("Enter")

    expect(page.get_by_text("10 of 60 instances")).to_be_visible()
    assert "q=node-1+state%3Arunning" in page.url


def test_another_order_is_said_and_the_keyboard_keeps_its_place(fleet, sign_in):
    page = open_list(sign_in)

    page.get_by_role("link", name="Type").click()
    expect(page.locator("#say")).to_have_text("Sorted by Type, ascending")
    page.get_by_role("link", name="Type").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#say")).to_have_text("Sorted by Type, descending")
    expect(page.get_by_role("link", name="Type")).to_be_focused()
    page.reload()
    expect(page.locator("#say")).to_have_text("")


def test_on_a_narrow_screen_targets_are_large_and_row_buttons_leave_while_some_are_selected(fleet, sign_in):
    page = open_list(sign_in, viewport={"width": 390, "height": 844})
    row = page.locator(f"tr[data-key='{fleet['node-00']}']")
    button = row.get_by_role("link", name="Stop node-00")

    box = button.bounding_box()
    assert min(box["width"], box["height"]) >= 40
    field = page.get_by_label("Filter instances")
    assert field.evaluate("(input) => parseFloat(getComputedStyle(input).fontSize)") >= 16
    row.get_by_role("checkbox").check()
    expect(button).to_be_hidden()
    page.get_by_role("button", name="Clear").click()

    expect(button).to_be_visible()


def test_more_than_a_page_is_selected_by_name(fleet, sign_in):
    page = open_list(sign_in)
    bar = page.get_by_role("region", name="Selection")

    page.get_by_label("Select all shown").check()
    expect(bar).to_contain_text("50 selected")
    expect(bar).to_contain_text("All 50 on this page are selected.")
    table = page.locator(".tw").bounding_box()
    assert bar.bounding_box()["y"] >= table["y"] + table["height"]
    page.get_by_role("button", name="Select all 60 that match").click()

    expect(bar).to_contain_text("60 selected")
    expect(bar).to_contain_text("10 of them not shown here")
    expect(bar.get_by_role("button", name="Stop 60")).to_be_enabled()
    expect(bar.get_by_role("button", name="Start 0")).to_be_disabled()
    bar.get_by_role("button", name="Clear").click()
    expect(bar).to_be_hidden()


def test_a_changed_cell_leaves_selection_focus_and_scroll_alone(stack, fleet, sign_in):
    page = open_list(sign_in, hasty=True)
    row = page.locator(f"tr[data-key='{fleet['node-40']}']")
    row.get_by_role("checkbox").check()
    page.locator(f"tr[data-key='{fleet['node-41']}'] .key").focus()
    before = page.evaluate("[document.querySelector('.tw').scrollTop, document.activeElement.textContent]")

    stack.aws.instance(fleet["node-40"]).stop()

    expect(row).to_contain_text("Stopped", timeout=LIVE_MS)
    assert before == page.evaluate("[document.querySelector('.tw').scrollTop, document.activeElement.textContent]")
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(page.get_by_role("button", name="Start 1")).to_be_enabled()


def test_new_and_vanished_rows_wait_behind_a_notice(stack, fleet, sign_in):
    page = open_list(sign_in, query="?q=extra&sort=name", hasty=True)
    expect(page.get_by_text("No instance matches this filter")).to_be_visible()

    (extra,) = stack.aws.add_instances(REGION, names=["extra-1"])
    notice = page.locator("[data-notice]")
    expect(notice).to_contain_text("1 new instance.", timeout=LIVE_MS)
    expect(page.get_by_text("1 of 61 instances")).to_be_visible()
    notice.get_by_role("button", name="Show").click()
    row = page.locator(f"tr[data-key='{extra}']")
    expect(row).to_contain_text("extra-1")
    expect(page.get_by_text("No instance matches this filter")).to_be_hidden()

    stack.aws.vanish(extra)
    expect(notice).to_contain_text("1 no longer in this list.", timeout=LIVE_MS)
    expect(row).to_be_visible()
    notice.get_by_role("button", name="Show").click()
    expect(row).to_have_count(0)
    expect(page.get_by_text("No instance matches this filter")).to_be_visible()


def test_columns_are_chosen_in_the_menu_and_stay(fleet, sign_in):
    page = open_list(sign_in)

    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Platform").check()
    page.get_by_label("Public IP").uncheck()
    page.get_by_label("Tag", exact=True).fill("Name")
    page.get_by_role("button", name="Apply").click()

    expect(page.get_by_role("columnheader", name="Platform")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Public IP")).to_have_count(0)
    expect(page.get_by_role("columnheader", name="Name", exact=True)).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("columnheader", name="Public IP")).to_be_visible()


def test_without_script_filter_order_columns_and_the_question_work(fleet, sign_in):
    page = open_list(sign_in, java_script_enabled=False)

    page.get_by_label("Filter instances").fill("node-1")
    page.get_by_label("Filter instances").press("Enter")
    page.get_by_role("link", name="Type").click()
    assert "q=node-1&sort=type" in page.url
    page.get_by_label("Select node-10").check()
    page.get_by_label("Select node-11").check()
    page.get_by_role("button", name="Stop selected").click()

    expect(page.get_by_role("heading", name="Stop 2 instances?")).to_be_visible()
    assert "csrf" not in page.url


@pytest.mark.parametrize("width", [320, 390, 800, 1440, 1920])
def test_the_page_never_scrolls_sideways(fleet, sign_in, width):
    page = open_list(sign_in, viewport={"width": width, "height": 800})

    page.locator("tbody tr[data-key]").first.wait_for()

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_key_and_controls_stay_in_sight_when_a_wide_table_is_scrolled_sideways(fleet, sign_in):
    names = ("id", "state", "type", "private_ip", "launched", "tags", "vpc", "subnet", "image", "asg", "iam_role")
    page = open_list(sign_in, query="?" + "&".join(f"col={name}" for name in names))
    row, box = page.locator("tbody tr").first, page.locator(".tw")
    places = "(row) => ['.c-key', '.c-act'].map((cell) => row.querySelector(cell).getBoundingClientRect().x)"
    box.evaluate("(box) => { box.scrollLeft = 40; }")
    before = row.evaluate(places)

    box.evaluate("(box) => { box.scrollLeft = 300; }")

    assert box.evaluate("(box) => box.scrollLeft") == 300
    assert row.evaluate(places) == before
    key = row.locator(".c-key").bounding_box()
    seen = page.evaluate(
        "([x, y]) => document.elementFromPoint(x, y).closest('.c-key') !== null", [key["x"] + 60, key["y"] + 9]
    )
    assert seen


def test_a_row_of_a_narrow_screen_says_the_same_in_three_lines(fleet, sign_in):
    page = open_list(sign_in, viewport={"width": 390, "height": 844})

    row = page.locator("tbody tr").first

    expect(row.get_by_role("link", name="node-00", exact=True)).to_be_visible()
    expect(row.locator(".c-state")).to_contain_text("Running")
    expect(row.locator(".c-sub")).to_contain_text("3a")
    expect(row.locator(".id")).to_be_hidden()
    stop = row.get_by_role("link", name="Stop node-00").bounding_box()
    assert min(stop["width"], stop["height"]) >= 40
