"""A story per page without a mouse: whatever is needed is reached with Tab, and done with Enter and Space."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.stack import PASSWORD

pytestmark = pytest.mark.once
LIVE_MS = 45_000
REGION = "eu-west-2"


@pytest.fixture(scope="module")
def named(stack, gallery):
    """Return the instance ID of an element of its own, whose naming format may change."""
    (instance_id,) = stack.aws.add_instances(REGION, names=["muxer"])
    stack.add_element("Named", REGION, interval="86400")
    stack.manage("poll", "Named")
    return instance_id


def reach(page, target, *, by="Tab", most=150):
    """Press Tab until a control has the focus."""
    target.wait_for()
    for _ in range(most):
        page.keyboard.press(by)
        if target.evaluate("(node) => node === document.activeElement"):
            return
    raise AssertionError(f"{target} is not reached with {most} times Tab")


def press(page, target, key="Enter", *, by="Tab"):
    reach(page, target, by=by)
    page.keyboard.press(key)


def write(page, target, text):
    reach(page, target)
    page.keyboard.press("Control+a")
    page.keyboard.type(text)


def test_signing_in(gallery, sign_in):
    page = sign_in.page()
    page.goto("/login/?next=/e/gallery/events/")

    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type("vera")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")

    page.wait_for_url("**/e/gallery/events/")
    press(page, page.get_by_role("button", name="vera account menu"))
    press(page, page.get_by_role("button", name="Sign out"))
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_from_what_needs_attention_to_the_keys_that_are_refused(gallery, sign_in):
    page = sign_in("maria")

    item = page.locator(".attn li", has_text="Refused is not connected")
    press(page, item.get_by_role("link", name="Check credentials"))
    page.wait_for_url("**/e/refused/general/")
    good = gallery.stack.aws.add_keys()
    write(page, page.get_by_label("Access Key ID", exact=True), good.access_key_id)
    write(page, page.get_by_label("Secret Access Key", exact=True), good.secret_access_key)
    press(page, page.get_by_role("button", name="Save and test"))

    expect(page.get_by_text("Connected in").first).to_be_visible()
    assert good.secret_access_key not in page.content()


def test_from_a_tile_to_the_instances_it_counts(gallery, sign_in):
    page = sign_in("olga")

    press(page, page.get_by_role("link", name=re.compile("failing status checks")))

    expect(page.get_by_role("link", name=re.compile("gateway")).first).to_be_visible()


def test_a_naming_format_with_an_error_is_mended_and_seen_at_the_next_poll(stack, named, sign_in):
    page = sign_in("maria", "/e/named/configuration/", hasty=True)
    field = page.get_by_role("textbox", name="Naming Format")

    write(page, field, "{pivate_ip}")
    expect(page.locator("#fmt-e")).to_contain_text("Did you mean {private_ip}?")
    page.keyboard.press("Control+a")
    page.keyboard.type("{tag:Name} ")
    press(page, page.get_by_role("button", name="{az}"), "Space")
    expect(field).to_have_value(re.compile(r"\{tag:Name\} \{az\}"))
    expect(field).to_be_focused()
    expect(page.locator("#preview")).to_contain_text(f"muxer {REGION}a")
    press(page, page.get_by_role("button", name="Save format"))
    expect(page.get_by_text("Saved. Takes effect after the next polling cycle")).to_be_visible()

    stack.manage("poll", "Named")
    expect(page.get_by_text(re.compile(r"^In effect since \d\d:\d\d:\d\d UTC\.$"))).to_be_visible()
    press(page, page.get_by_role("navigation", name="Named").get_by_role("link", name="Instances"))
    expect(page.locator(f"tr[data-key='{named}'] .key")).to_have_text(f"muxer {REGION}a")


def test_an_event_is_moved_and_shows_its_new_start_at_the_next_poll(gallery, sign_in):
    page = sign_in("olga", "/e/gallery/events/", hasty=True)
    row = page.locator("tr[data-key]", has_text="gateway")

    press(page, page.get_by_role("link", name="Reschedule reboot of gateway"))
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    start = dialog.get_by_label("New start, UTC")
    write(page, start, "2020-01-01 00:00")
    expect(dialog.locator("#rs-echo")).to_contain_text("AWS needs at least 60 min notice")
    press(page, dialog.get_by_role("button", name="Next 04:00"), "Space")
    chosen = start.input_value()
    press(page, dialog.get_by_role("button", name="Reschedule"))
    expect(page.get_by_text(f"Reboot of gateway moved to {chosen} UTC")).to_be_visible()

    gallery.poll()
    expect(row.locator("td", has_text="asked for by olga")).to_have_count(0, timeout=LIVE_MS)
    expect(row).to_contain_text(chosen)


def test_a_record_is_found_unfolded_and_folded(gallery, sign_in):
    page = sign_in("vera", "/e/gallery/debug/")
    write(page, page.get_by_label("Filter records"), "DescribeInstanceStatus")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=DescribeInstanceStatus*")

    press(page, page.locator("tr[data-key] .exp").first)
    opened = page.locator("tr.detail:not([hidden])")
    expect(opened).to_contain_text("IncludeAllInstances")
    reach(page, opened.get_by_role("button", name="Copy").first)
    press(page, page.locator("tr[data-key] .exp").first, by="Shift+Tab")
    expect(opened).to_have_count(0)


def test_an_instance_is_opened_stopped_on_its_page_and_seen_to_have_stopped(gallery, sign_in):
    gallery.stack.aws.set(delay_s=0)
    page = sign_in("olga", gallery.instances, hasty=True)
    press(page, page.get_by_role("link", name="encoder-3", exact=True))
    page.wait_for_url(f"**/{gallery.found['encoder-3']}/")

    press(page, page.get_by_role("link", name="Stop", exact=True))
    dialog = page.get_by_role("dialog", name="Stop encoder-3?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Stop", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    press(page, dialog.get_by_role("button", name="Stop instance"))

    expect(page.locator(".head__meta")).to_contain_text("Stopped", timeout=LIVE_MS)
    expect(page.locator(".log")).to_contain_text("Stopped by olga", timeout=LIVE_MS)
    assert gallery.aws("encoder-3").state == "stopped"


def test_wall_activity_and_find_are_walked(gallery, sign_in):
    page = sign_in("olga")

    press(page, page.get_by_role("link", name="Wall", exact=True))
    page.wait_for_url("**/wall/")
    press(page, page.get_by_role("link", name=re.compile("^gateway")).first)
    expect(page.get_by_role("heading", level=1, name=re.compile("gateway"))).to_be_visible()
    page.goto("/activity/")
    write(page, page.get_by_role("searchbox").first, "Signed in")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=Signed*")
    expect(page.locator("tbody tr").first).to_contain_text("Signed in")


def test_the_look_is_chosen_in_the_menu(gallery, sign_in):
    page = sign_in("vera", gallery.instances, color_scheme="light")

    press(page, page.get_by_role("button", name="Appearance"))
    reach(page, page.get_by_label("Match system"))
    with page.expect_response("**/settings/"):
        page.keyboard.press("ArrowUp")
    chosen = page.locator("html").get_attribute("data-theme")
    with page.expect_response("**/settings/"):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")

    assert chosen in ("light", "dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "auto")
    expect(page.get_by_role("button", name="Appearance")).to_be_focused()
