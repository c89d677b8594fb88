"""Debug and Overview in a real browser."""

import re

import pytest
from playwright.sync_api import expect

LIVE_MS = 45_000


@pytest.fixture
def debug(stack, sign_in):
    """Open the Debug page of an element that is polled every 10 s, once it has records."""

    def open_page(name, **options):
        stack.aws.add_instances("eu-west-3", names=["relay-1"])
        page = sign_in("vera", **options)
        stack.add_element(name, "eu-west-3")
        address = f"/e/{name.lower()}/debug/"
        page.goto(address)
        for _ in range(60):
            if page.locator("tr[data-key]").count() and page.locator(".head__title", has_text="Connected").count():
                return page
            page.wait_for_timeout(500)
            page.goto(address)
        raise AssertionError(f"no records came\n{stack.log()}")

    return open_page


def detail_of(page, row):
    return page.locator(f"#{row.locator('.exp').get_attribute('aria-controls')}")


def test_new_records_wait_until_they_are_asked_for_and_an_unfolded_one_stays_with_its_row(debug):
    page = debug("Records")
    row = page.locator("tr[data-key]").first
    key = row.get_attribute("data-key")
    row = page.locator(f"tr[data-key='{key}']")
    place = row.bounding_box()

    row.locator(".exp").click()
    notice = page.locator("[data-notice]")
    expect(notice).to_contain_text(re.compile(r"^\d+ new records?\. Show$"), timeout=LIVE_MS)

    assert page.locator("tr[data-key]").first.get_attribute("data-key") == key
    assert row.bounding_box() == place
    notice.get_by_role("button", name="Show").click()
    expect(notice).to_be_hidden()
    assert page.locator("tr[data-key]").first.get_attribute("data-key") != key
    expect(detail_of(page, row)).to_be_visible()
    assert row.evaluate("row => row.nextElementSibling.id") == f"r{key}"
    fresh = page.locator("tr[data-key]").first
    fresh.locator(".exp").click()
    expect(detail_of(page, fresh)).to_contain_text("Secrets and signatures are removed")
    assert fresh.evaluate("row => row.nextElementSibling.className") == "detail"


def test_an_address_with_a_request_id_opens_that_record_wherever_it_stands(debug):
    page = debug("Addressed")
    request_id = page.locator("tr[data-key]").last.get_attribute("id")

    page.goto(f"{page.url}#{request_id}")
    expect(detail_of(page, page.locator(f"[id='{request_id}']"))).to_be_visible()

    page.goto("/")
    page.goto(f"/e/addressed/debug/?op=DescribeRegions&t=1h&q={request_id}#{request_id}")
    expect(detail_of(page, page.locator(f"[id='{request_id}']"))).to_be_visible()


def test_without_script_a_record_is_unfolded_by_its_button_and_filtered_by_the_form(debug):
    page = debug("Scriptless", java_script_enabled=False)
    row = page.locator("tr[data-key]", has_text="DescribeInstanceStatus").first
    key = row.get_attribute("data-key")

    row.locator(".exp").click()
    expect(page.locator(f"#r{key}")).to_be_visible()
    assert f"record={key}" in page.url

    page.get_by_label("Operation").select_option("GetCallerIdentity")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tr[data-key]")).to_have_count(1)


def test_the_overview_refreshes_its_tiles_by_itself(stack, sign_in):
    (instance_id,) = stack.aws.add_instances("ap-south-1", names=["probe-1"])
    page = sign_in("vera", hasty=True)
    stack.add_element("Tiles", "ap-south-1")
    page.goto("/")
    row = page.locator("tr[data-key]", has_text="Tiles")
    expect(row).to_contain_text("1 of 1", timeout=LIVE_MS)
    page.evaluate("window.sameDocument = true")

    stack.aws.instance(instance_id).fail_check("instance")

    item = page.locator(".attn li", has_text="probe-1")
    expect(item).to_contain_text("fails its instance status check", timeout=LIVE_MS)
    expect(row).to_contain_text("1 failing")
    assert page.evaluate("window.sameDocument") is True
