"""Every page and action without script: links navigate, forms post."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once
PAGES = ("general", "instances", "configuration", "debug", "events")


@pytest.fixture
def page(gallery, sign_in):
    return sign_in("maria", gallery.instances, java_script_enabled=False)


def rows(page):
    return page.locator("tbody tr[data-key]")


def test_every_page_is_readable_and_nothing_on_it_waits_for_script(page, gallery):
    addresses = [f"/e/gallery/{name}/" for name in PAGES]
    for address in ("/", "/wall/", "/find/?q=encoder", "/activity/", "/system/", *addresses):
        page.goto(address)

        expect(page.locator("h1")).to_have_count(1)
        expect(page.locator(".js-only:visible")).to_have_count(0)


def test_rows_are_filtered_sorted_and_their_columns_chosen(page, gallery):
    page.get_by_label("Filter instances").fill("name:encoder-*")
    page.get_by_label("Filter instances").press("Enter")
    expect(rows(page).first).to_contain_text("encoder-1")
    page.get_by_role("link", name="Display key").click()
    expect(rows(page).first).not_to_contain_text("encoder-1")
    page.get_by_role("group", name="Quick filters").get_by_role("link", name="Failing").click()
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("gateway")

    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Platform").check()
    page.locator("#pop-cols").get_by_role("button", name="Apply").click()
    expect(page.get_by_role("columnheader", name="Platform")).to_be_visible()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("columnheader", name="Platform")).to_have_count(0)


def test_an_instance_is_stopped_and_started_by_the_controls_of_its_row(page, gallery):
    aws = gallery.aws("encoder-3")
    aws.state = "running"
    gallery.poll()
    gallery.stack.aws.set(delay_s=0)
    page.reload()

    page.get_by_role("link", name="Stop encoder-3").click()
    expect(page.get_by_role("heading", name="Stop encoder-3?")).to_be_visible()
    page.get_by_role("button", name="Stop instance").click()
    expect(page.get_by_role("region", name="Results of actions")).to_contain_text("encoder-3")
    settle(page, "Start encoder-3")
    assert aws.state == "stopped"
    page.get_by_role("link", name="Start encoder-3").click()
    page.get_by_role("button", name="Start instance").click()
    settle(page, "Stop encoder-3")
    assert aws.state == "running"


def settle(page, label):
    """Load the page again, as somebody without script does, until a control of a row may be pressed."""
    control = page.get_by_role("link", name=label)
    for _ in range(80):
        page.goto("/e/gallery/instances/")
        if control.get_attribute("aria-disabled") is None:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"{label} stayed off: {control.get_attribute('title')}")


def test_a_naming_format_is_previewed_and_saved(page):
    page.goto("/e/gallery/configuration/")
    field = page.get_by_role("textbox", name="Naming Format")
    before = field.input_value()

    field.fill("{pivate_ip}")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#fmt-e")).to_contain_text("Did you mean {private_ip}?")
    page.get_by_role("textbox", name="Naming Format").fill(f"{before} ")
    page.get_by_role("button", name="Save format").click()
    expect(page.locator("#fmt-e")).to_be_hidden()


def test_events_are_named_otherwise_and_moved(page):
    page.goto("/e/gallery/events/")
    page.get_by_label("Scheduled Events Display Key Format").select_option("Instance Name/Events ID")
    page.get_by_role("button", name="Apply").click()
    expect(rows(page).filter(has_text="gateway").first).to_be_visible()
    page.get_by_label("Scheduled Events Display Key Format").select_option("Instance ID/Events ID")
    page.get_by_role("button", name="Apply").click()

    start = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d %H:%M")
    page.get_by_role("link", name="Reschedule reboot of gateway").click()
    page.get_by_label("New start, UTC").fill(start)
    page.get_by_role("button", name="Reschedule").click()
    expect(page.get_by_text(f"moved to {start} UTC")).to_be_visible()


def test_a_poll_is_asked_for(page, gallery):
    before = len(gallery.stack.aws.journal("DescribeInstances"))

    page.get_by_role("button", name="Poll now").click()

    expect(page.get_by_text(re.compile("poll", re.I)).first).to_be_visible()
    for _ in range(60):
        if len(gallery.stack.aws.journal("DescribeInstances")) > before:
            break
        page.wait_for_timeout(250)
    assert len(gallery.stack.aws.journal("DescribeInstances")) > before
