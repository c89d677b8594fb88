"""The main job, as an operator does it, against the real stack: simulated EC2, web, clock, workers, database."""

import re

from playwright.sync_api import expect

LIVE_MS = 45_000


def row_of(page, instance_id):
    return page.locator(f"tr[data-key='{instance_id}']")


def test_an_operator_stops_an_instance_sees_the_call_and_renames_all(stack, sign_in):
    main, backup = stack.aws.add_instances("eu-west-1", names=["playout-a-main", "playout-a-backup"])
    page = sign_in("maria")
    keys = stack.add_element("Story", "eu-west-1")

    # the page is open before the first poll, and fills itself
    page.goto("/e/story/instances/")
    row = row_of(page, main)
    expect(row).to_contain_text("Running", timeout=LIVE_MS)

    # what changes in AWS shows without a reload
    page.evaluate("window.sameDocument = true")
    stack.aws.instance(backup).stop()
    expect(row_of(page, backup)).to_contain_text("Stopped", timeout=LIVE_MS)

    # stopping asks first, and says what happened until AWS shows it
    stack.aws.set(delay_s=6)
    row.get_by_role("link", name="Stop playout-a-main").click()
    dialog = page.get_by_role("dialog", name="Stop playout-a-main?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Stop instance").click()
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text(re.compile("Stop requested|Stopping by"))
    expect(row).to_contain_text("Stopping by", timeout=LIVE_MS)
    expect(row).to_contain_text("Stopped", timeout=LIVE_MS)
    assert stack.aws.instance(main).state == "stopped"
    assert len(stack.aws.journal("StopInstances", access_key_id=keys.access_key_id)) == 1
    assert page.evaluate("window.sameDocument") is True

    # the call stands in Debug
    page.get_by_role("link", name="Debug").click()
    record = page.locator("tr", has_text="StopInstances").first
    expect(record).to_contain_text("maria")
    record.get_by_role("button").first.click()
    expect(page.locator("tr:not([hidden])", has_text=main).first).to_be_visible()

    # a new naming format is seen at the next poll
    page.get_by_role("link", name="Configuration").click()
    field = page.get_by_role("textbox", name="Naming Format")
    field.fill("{tag:Nam}")
    expect(page.locator("#preview")).to_contain_text(main)
    field.fill("{tag:Name} ({short_id})")
    expect(page.locator("#preview")).to_contain_text(f"playout-a-main ({main[-6:]})")
    page.get_by_role("button", name="Save format").click()
    expect(page.get_by_text("Takes effect after the next polling cycle").first).to_be_visible()
    page.get_by_role("link", name="Instances", exact=False).first.click()
    expect(row_of(page, main)).to_contain_text(f"playout-a-main ({main[-6:]})", timeout=LIVE_MS)


def test_wrong_keys_become_connected_on_general(stack, sign_in):
    page = sign_in("maria", hasty=True)
    revoked = stack.add_element("Mistyped", "eu-west-2")
    good = stack.aws.add_keys()
    page.goto("/e/mistyped/general/")
    expect(page.locator(".head__title")).to_contain_text("Connected", timeout=LIVE_MS)

    del stack.aws.world.keys[revoked.access_key_id]
    expect(page.locator(".head__title")).to_contain_text("Not connected", timeout=LIVE_MS)
    page.reload()
    page.get_by_label("Access Key ID").fill(good.access_key_id)
    page.get_by_label("Secret Access Key").fill(good.secret_access_key)
    page.get_by_role("button", name="Save and test").click()

    expect(page.get_by_text("Connected in").first).to_be_visible()
    expect(page.locator(".head__title")).to_contain_text("Connected", timeout=LIVE_MS)
    assert good.secret_access_key not in page.content()
