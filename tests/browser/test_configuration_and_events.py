"""Configuration and Events in a real browser."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

LIVE_MS = 45_000
REGION = "sa-east-1"


@pytest.fixture
def open_page(stack, sign_in):
    """Open a page of a new element with an instance and its event, once it is connected; it is polled every 10 s."""

    def open_as(user, name, path, **options):
        (instance_id,) = stack.aws.add_instances(REGION, names=[f"{name}-1"])
        stack.aws.instance(instance_id).schedule_event("instance-reboot", in_s=90_000, deadline_s=500_000)
        page = sign_in(user, **options)
        stack.add_element(name, REGION)
        address = f"/e/{name.lower()}/{path}/"
        for _ in range(60):
            page.goto(address)
            if page.locator(".head__title", has_text="Connected").count():
                return page
            page.wait_for_timeout(500)
        raise AssertionError(f"it was not connected\n{stack.log()}")

    return open_as


def test_the_preview_follows_the_field_and_a_saved_format_comes_into_effect(open_page):
    page = open_page("maria", "Naming", "configuration")
    field = page.get_by_role("textbox", name="Naming Format")

    field.fill("{pivate_ip}")
    expect(page.locator("#fmt-e")).to_have_text(
        "There is no placeholder {pivate_ip}, at character 1. Did you mean {private_ip}?"
    )
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#preview-sum")).to_have_text("The format has an error, so this still shows the last good one.")
    field.fill("of ")
    page.get_by_role("button", name="{short_id}").click()
    expect(field).to_have_value("of {short_id}")
    expect(page.locator("#preview strong").first).to_have_text(re.compile(r"^of [0-9a-f]{6}$"))
    expect(page.locator("#fmt-e")).to_be_hidden()

    page.get_by_role("button", name="Save format").click()
    expect(page.get_by_text("Saved. Takes effect after the next polling cycle")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^In effect since \d\d:\d\d:\d\d UTC\.$"))).to_be_visible(timeout=LIVE_MS)


def test_an_event_is_moved_in_the_dialog_and_shows_its_new_start_at_the_next_poll(open_page):
    page = open_page("olga", "Moving", "events")
    row = page.locator("tr[data-key]", has_text="Moving-1")

    row.get_by_role("link", name="Reschedule reboot of Moving-1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    start = dialog.get_by_label("New start, UTC")
    start.fill("2020-01-01 00:00")
    expect(dialog.locator("#rs-echo")).to_have_text(re.compile("AWS needs at least 60 min notice"))
    dialog.get_by_role("button", name="Next 04:00").click()
    chosen = start.input_value()
    expect(dialog.locator("#rs-echo")).to_have_text(re.compile("04:00 UTC, in "))
    dialog.get_by_role("button", name="Reschedule").click()

    expect(page.get_by_text(f"Reboot of Moving-1 moved to {chosen} UTC")).to_be_visible()
    expect(dialog).to_be_hidden()
    expect(row.locator("td", has_text="asked for by olga")).to_have_count(0, timeout=LIVE_MS)
    expect(row).to_contain_text(chosen)


def test_without_script_events_are_moved_and_named_and_a_format_is_previewed_and_saved(open_page):
    page = open_page("maria", "Scriptless2", "events", java_script_enabled=False)
    start = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d %H:%M")

    page.get_by_label("Scheduled Events Display Key Format").select_option("Events ID")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tr[data-key] .id").first).to_have_text(re.compile("^instance-event-"))
    page.get_by_role("link", name="Reschedule reboot of Scriptless2-1").click()
    page.get_by_label("New start, UTC").fill(start)
    page.get_by_role("button", name="Reschedule").click()
    expect(page.get_by_text(f"Reboot of Scriptless2-1 moved to {start} UTC")).to_be_visible()

    page.get_by_role("link", name="Configuration").click()
    page.get_by_role("textbox", name="Naming Format").fill("{tag:Name}/{az}")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text(f"Scriptless2-1/{REGION}")
    page.get_by_role("button", name="Save format").click()
    expect(page.get_by_text("Saved. Takes effect after the next polling cycle")).to_be_visible()


def test_leaving_with_unsaved_changes_is_asked_about(open_page):
    page = open_page("maria", "Unsaved", "configuration")
    questions = []
    page.on("dialog", lambda dialog: (questions.append(dialog.type), dialog.accept()))

    page.get_by_role("textbox", name="Naming Format").press_sequentially("x")
    page.get_by_role("link", name="Debug").click()
    page.wait_for_url("**/debug/")

    assert questions == ["beforeunload"]


@pytest.mark.parametrize("path", ["configuration", "events"])
@pytest.mark.parametrize("width", [320, 390, 1440])
def test_no_page_scrolls_sideways(open_page, path, width):
    page = open_page("maria", f"Wide-{path}-{width}", path, viewport={"width": width, "height": 800})

    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
