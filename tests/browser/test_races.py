"""What happens in an odd order: late answers, a second question before the first is answered, the way back."""

import re

import pytest
from playwright.sync_api import expect

DEBUG = "/e/gallery/debug/"
# Let each answer to a question of a kind wait until the test lets it in: `gates[0]()` is the first that was asked.
HOLD = """(kind) => {
  const ask = window.fetch;
  window.gates = [];
  window.asks = 0;
  window.fetch = async (url, options) => {
    const isHeld = options?.headers?.["X-Fragment"] === kind;
    window.asks += isHeld;
    const answer = await ask(url, options);
    if (isHeld) await new Promise((go) => window.gates.push(go));
    return answer;
  };
}"""
HELD = "(count) => window.gates.length === count"


def asked(page):
    """Return the addresses that a page goes to from now on."""
    found = []
    page.on("request", lambda each: found.append(each.url) if each.is_navigation_request() else None)
    return found


@pytest.fixture
def lists(gallery, sign_in):
    gallery.reset()
    return lambda: sign_in("olga", gallery.instances)


def test_a_choice_made_with_the_arrows_waits_for_enter(gallery, sign_in):
    page = sign_in("vera", DEBUG)
    gone = asked(page)
    operation = page.get_by_label("Operation")

    operation.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    wanted = operation.input_value()
    expect(page.get_by_role("button", name="Filter")).to_be_visible()
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(f"op={wanted}&"))
    assert [f"op={wanted}&" in each for each in gone] == [True]


def test_a_choice_made_with_the_arrows_goes_when_the_form_is_left(gallery, sign_in):
    page = sign_in("maria", "/e/gallery/events/")
    gone = asked(page)
    kind = page.get_by_label("Scheduled Events Display Key Format")

    kind.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    wanted = kind.input_value()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Apply")).to_be_focused()
    with page.expect_navigation():
        page.keyboard.press("Tab")

    expect(kind).to_have_value(wanted)
    assert len([each for each in gone if "display-key" in each]) == 1


def test_back_from_a_filtered_list_the_fields_say_what_is_shown(gallery, sign_in):
    page = sign_in("vera", DEBUG)
    page.get_by_label("Operation").select_option("DescribeInstances")
    expect(page).to_have_url(re.compile("op=DescribeInstances"))

    page.go_back()

    expect(page).to_have_url(re.compile(f"{DEBUG}$"))
    expect(page.get_by_label("Operation")).to_have_value("")


def test_a_late_answer_does_not_change_the_question_that_is_open(lists, gallery):
    page = lists()
    page.evaluate(HOLD, "dialog")

    for name in ("encoder-1", "encoder-2"):
        page.get_by_role("link", name=f"Stop {name}").click()
    page.wait_for_function(HELD, arg=2)
    page.evaluate("gates[1]()")
    question = page.get_by_role("dialog", name="Stop encoder-2?")
    expect(question).to_be_visible()
    page.evaluate("async () => { gates[0](); await new Promise((go) => setTimeout(go, 300)); }")

    expect(question).to_be_visible()


def test_a_key_that_is_held_down_asks_once(lists, gallery):
    page = lists()
    page.evaluate(HOLD, "dialog")
    page.get_by_role("link", name="encoder-1", exact=True).focus()

    for _ in range(3):
        page.keyboard.down("s")
    page.keyboard.up("s")
    page.wait_for_function("() => window.gates.length > 0")
    page.evaluate("gates[0]()")

    expect(page.get_by_role("dialog", name="Stop encoder-1?")).to_be_visible()
    assert page.evaluate("asks") == 1


def test_what_changed_is_asked_one_at_a_time_so_that_no_old_answer_comes_after_a_newer(lists, gallery):
    page = lists()
    page.evaluate(HOLD, "live")

    for _ in range(3):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_function(HELD, arg=1)
    page.evaluate("gates[0]()")
    page.wait_for_function("() => window.gates.length > 1")

    assert page.evaluate("asks") == 2


def test_a_preview_that_is_not_answered_says_that_it_is_of_an_earlier_text(gallery, sign_in):
    page = sign_in("maria", "/e/gallery/configuration/")
    page.route("**/preview/**", lambda route: route.abort())

    page.get_by_role("textbox", name="Naming Format").fill("{instance_id}")

    expect(page.locator("#preview-sum")).to_have_text(re.compile("^No answer from the ec2mon server"))
    assert sign_in.complaints
    sign_in.complaints.clear()


def test_a_preview_after_the_sign_in_ended_says_so_and_keeps_what_is_typed(gallery, sign_in):
    page = sign_in("maria", "/e/gallery/configuration/")
    page.context.clear_cookies()

    page.get_by_role("textbox", name="Naming Format").fill("{instance_id}")

    expect(page.get_by_text("You were signed out")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("What you typed is kept here only")
    expect(page.get_by_role("textbox", name="Naming Format")).to_have_value("{instance_id}")
