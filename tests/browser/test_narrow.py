"""The whole job on a phone and at 200 % zoom: from the drawer to two instances stopped, with nothing out of reach."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once
LIVE_MS = 45_000
WINDOWS = {
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
    # a window of 1440 x 900 at 200 %
    "zoomed": {"viewport": {"width": 720, "height": 450}, "device_scale_factor": 2},
}


# what has been stopped stays in the dock for a while, so each window has instances of its own
PAIRS = {390: ("encoder-1", "encoder-2"), 720: ("encoder-3", "encoder-4")}


@pytest.fixture(params=WINDOWS)
def page(request, gallery, sign_in):
    gallery.reset()
    gallery.stack.aws.set(delay_s=0)
    return sign_in("olga", hasty=True, **WINDOWS[request.param])


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


def in_sight(target):
    """Tell whether a press in the middle of a control meets it."""
    target.scroll_into_view_if_needed()
    return target.evaluate(
        "(node) => { const box = node.getBoundingClientRect();"
        " const met = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);"
        " return node.contains(met) || (met && met.contains(node)); }"
    )


def test_two_are_stopped_from_the_drawer_on(page, gallery):
    side = page.get_by_role("navigation", name="Elements")
    expect(side).to_be_hidden()
    page.get_by_role("button", name="Elements").click()
    expect(side).to_be_visible()
    side.get_by_role("link", name=re.compile("^Gallery|Gallery")).first.click()
    page.wait_for_url("**/e/gallery/**")
    expect(side).to_be_hidden()

    page.get_by_role("navigation", name="Gallery").get_by_role("link", name="Instances").click()
    page.get_by_role("group", name="Quick filters").get_by_role("link", name="All").click()
    page.wait_for_url("**/instances/*")
    pair = PAIRS[page.viewport_size["width"]]
    for name in pair:
        page.get_by_label(f"Select {name}", exact=True).check()
    bar = page.get_by_role("region", name="Selection")
    expect(bar).to_be_in_viewport()
    row = page.locator(f"tr[data-key='{gallery.found[pair[0]]}']")
    assert in_sight(row.locator(".key"))
    if page.viewport_size["width"] == 390:
        expect(row.locator(".act").first).to_be_hidden()
    bar.get_by_role("button", name="Stop 2").click()

    dialog = page.get_by_role("dialog", name="Stop 2 instances?")
    go = dialog.get_by_role("button", name="Stop 2 instances")
    assert in_sight(go)
    assert sideways(page) <= 0
    go.click()
    dock = page.get_by_role("region", name="Results of actions")
    expect(dock).to_contain_text("2 instances stopped", timeout=LIVE_MS)
    expect(row).to_contain_text("Stopped", timeout=LIVE_MS)
    assert {gallery.aws(name).state for name in pair} == {"stopped"}
    assert sideways(page) <= 0


def test_a_press_beside_the_drawer_and_escape_close_it(page):
    button, side = page.get_by_role("button", name="Elements"), page.get_by_role("navigation", name="Elements")
    for close in (
        lambda: page.mouse.click(page.viewport_size["width"] - 10, 400),
        lambda: page.keyboard.press("Escape"),
    ):
        button.click()
        expect(side).to_be_visible()
        close()
        expect(side).to_be_hidden()


def test_fields_are_large_enough_that_a_phone_does_not_zoom_and_targets_that_a_finger_meets(page, gallery):
    page.goto(gallery.instances)
    page.locator("tbody tr[data-key]").first.wait_for()

    small = page.evaluate(
        "() => Array.from(document.querySelectorAll('main a, main button, main label:has(input), .top a, .top button'))"
        ".filter((each) => each.checkVisibility({ visibilityProperty: true }) && each.offsetParent)"
        ".map((each) => [each.outerHTML.slice(0, 90), each.getBoundingClientRect()])"
        ".filter(([, box]) => box.width && Math.min(box.width, box.height) < 23.5)"
        ".map(([html, box]) => `${html} ${box.width} x ${box.height}`)"
    )
    sizes = page.evaluate(
        "Array.from(document.querySelectorAll('input[type=search], input[type=text], select'))"
        ".filter((each) => each.offsetParent).map((each) => parseFloat(getComputedStyle(each).fontSize))"
    )

    assert not small, "\n".join(small)
    assert min(sizes) >= 16
