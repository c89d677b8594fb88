"""Stopping and starting in a browser: the question, what became of it, and that everybody sees it."""

import pytest
from playwright.sync_api import expect

LIVE_MS = 45_000
REGION = "ap-southeast-2"


@pytest.fixture
def fleet(stack, request):
    """Return the address of an element of this test's own and its instance IDs by name."""
    name = f"fleet-{len(request.node.name)}"
    names = ["encoder-1", "encoder-2", "gateway", "ocr", "spare"]
    found = dict(zip(names, stack.aws.add_instances(REGION, names=names, account=account(name)), strict=True))
    stack.aws.set(delay_s=2)
    keys = stack.add_element(name, REGION)
    stack.aws.world.keys[keys.access_key_id].account = account(name)
    stack.aws.instance(found["spare"]).state = "stopped"
    stack.manage("poll", name)
    return f"/e/{name}/instances/", found


def account(name):
    return f"{sum(map(ord, name)):012}"


def row_of(page, instance_id):
    return page.locator(f"tr[data-key='{instance_id}']")


def select(page, found, *names):
    for name in names:
        row_of(page, found[name]).locator("input[name=id]").check()


def test_some_are_stopped_together_and_the_one_that_fails_stays_named(stack, fleet, sign_in):
    address, found = fleet
    stack.aws.change_instance(found["ocr"], type="g5.xlarge")
    stack.aws.instance(found["gateway"]).protect()
    stack.attempt("poll", "--all")
    page, other = sign_in("olga", address), sign_in("vera", address)

    select(page, found, "encoder-1", "encoder-2", "gateway", "ocr", "spare")
    page.get_by_role("button", name="Stop 4").click()
    dialog = page.get_by_role("dialog", name="Stop 4 instances?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    expect(dialog).to_contain_text("spare (stopped)")
    expect(dialog.locator(".named li").first).to_contain_text("ocr")
    go = dialog.get_by_role("button", name="Stop 4 instances")
    expect(go).to_be_disabled()
    dialog.get_by_label("Type 4 to confirm.").fill("4")
    go.dblclick()

    for each in (page, other):
        dock = each.get_by_role("region", name="Results of actions")
        expect(dock).to_contain_text("3 of 4 instances stopped, 1 failed", timeout=LIVE_MS)
        expect(dock.get_by_role("link", name="OperationNotPermitted")).to_be_visible()
    # one call for all of them, and one for the rest when AWS had named the protected one
    assert len(stack.aws.journal("StopInstances", access_key_id=key_of(stack, found))) == 2

    page.reload()
    dock = page.get_by_role("region", name="Results of actions")
    dock.get_by_role("button", name="Select the failed one").click()
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(row_of(page, found["gateway"]).locator("input[name=id]")).to_be_checked()
    dock.get_by_role("button", name="Dismiss").click()
    page.reload()
    expect(page.get_by_text("3 of 4 instances stopped")).to_be_hidden()


def key_of(stack, found):
    calls = [call for call in stack.aws.journal("StopInstances") if found["gateway"] in str(call)]
    return calls[0].access_key_id


def test_a_state_that_changed_behind_the_dialog_is_asked_about_anew(stack, fleet, sign_in):
    address, found = fleet
    page = sign_in("olga", address)
    select(page, found, "encoder-1", "encoder-2")
    page.get_by_role("button", name="Stop 2").click()
    dialog = page.locator("#dlg-act")
    expect(dialog).to_contain_text("Stop 2 instances?")

    stack.aws.instance(found["encoder-1"]).state = "stopped"
    stack.attempt("poll", "--all")
    dialog.get_by_role("button", name="Stop 2 instances").click()

    expect(dialog).to_contain_text("1 of 2 is no longer running. Nothing was done. Look again?")
    dialog.get_by_role("button", name="Stop instance").click()
    expect(row_of(page, found["encoder-2"])).to_contain_text("Stopped", timeout=LIVE_MS)


def test_an_instance_is_started_on_its_own_page_and_polled_now(stack, fleet, sign_in):
    address, found = fleet
    page = sign_in("olga", f"{address}{found['spare']}/")

    page.get_by_role("link", name="Start", exact=True).click()
    page.get_by_role("dialog", name="Start spare?").get_by_role("button", name="Start instance").click()
    expect(page.locator(".head__meta")).to_contain_text("Running", timeout=LIVE_MS)
    expect(page.locator(".log")).to_contain_text("Started by olga")

    page.goto(address)
    page.get_by_role("button", name="Poll now").click()
    expect(page.get_by_text("now", exact=False).filter(has_text="Polling").first).to_be_visible()


def test_without_script_the_question_is_a_page_and_the_result_is_shown(stack, fleet, sign_in):
    address, found = fleet
    page = sign_in("olga", address, java_script_enabled=False)

    select(page, found, "encoder-1")
    page.get_by_role("button", name="Stop selected").click()
    expect(page.get_by_role("heading", name="Stop encoder-1?")).to_be_visible()
    page.get_by_role("button", name="Stop instance").click()

    page.wait_for_url(f"**{address}*")
    expect(page.get_by_role("region", name="Results of actions")).to_contain_text("encoder-1")
    assert stack.aws.instance(found["encoder-1"]).state in ("stopping", "stopped")


def test_a_viewer_has_no_control_anywhere(fleet, sign_in):
    address, found = fleet
    page = sign_in("vera", address)
    for path in (address, f"{address}{found['gateway']}/"):
        page.goto(path)
        expect(page.get_by_text("gateway").first).to_be_visible()
        for word in ("Start", "Stop", "Reboot", "Poll now"):
            assert page.get_by_role("button", name=word, exact=True).count() == 0
            assert page.locator("[data-act]").count() == 0


def test_the_page_of_an_instance_never_scrolls_sideways(fleet, sign_in):
    address, found = fleet
    page = sign_in("olga", f"{address}{found['ocr']}/")

    for width in (320, 390, 800, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
