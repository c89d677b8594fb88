"""What happens in an odd order: late answers, a second question before the first is answered, the way back."""

import re

import pytest
from django.template.loader import get_template
from playwright.sync_api import expect

from tests.browser.stack import PASSWORD

DEBUG = "/e/gallery/debug/"
# Let each answer to a question of a kind wait until the test lets it in: `gates[0]()` is the first that was asked.
HOLD = """(kind) => {
  const ask = window.fetch;
  window.gates = [];
  window.asks = 0;
  window.fetch = async (url, options) => {
    const isHeld = options?.headers?.["X-Fragment"] === kind;
    const place = window.asks;
    window.asks += isHeld;
    const answer = await ask(url, options);
    if (isHeld) await new Promise((go) => { window.gates[place] = go; });
    return answer;
  };
}"""
HELD = "(count) => Object.keys(window.gates).length === count"


def asked(page):
    """Return the addresses that a page goes to from now on."""
    found = []
    page.on("request", lambda each: found.append(each.url) if each.is_navigation_request() else None)
    return found


def sign_in_again(page, user, path=None):
    if path:
        page.goto(f"/login/?next={path}")
    page.get_by_label("User name").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login/" not in url)


def add_button(page, name, kind, value):
    """Add a button as a page has it that shows more instances or a failed batch."""
    page.evaluate(
        "([name, kind, value]) => { const button = document.createElement('button');"
        " Object.assign(button, { textContent: name, type: 'button' });"
        " button.dataset[kind] = value; document.querySelector('.bar').append(button); }",
        [name, kind, value],
    )


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


def test_what_the_database_did_not_take_is_said_to_be_not_sent(lists, gallery, sign_in):
    page = lists()
    body = get_template("503.html").render({"fate": "nothing", "trouble": "busy", "again": "/"})
    page.route("**/actions/", lambda route: route.fulfill(status=503, content_type="text/html", body=body))
    page.get_by_role("link", name="Stop encoder-1", exact=True).click()
    question = page.get_by_role("dialog", name="Stop encoder-1?")

    question.locator("[data-act-go]").click()

    expect(page.get_by_role("alert").filter(has_text="Not recorded, nothing was sent to AWS")).to_be_visible()
    expect(question).to_have_count(0)
    sign_in.complaints[:] = [each for each in sign_in.complaints if "status of 503" not in each]


def test_a_key_that_is_held_down_asks_once(lists, gallery):
    page = lists()
    page.evaluate(HOLD, "dialog")
    page.get_by_role("link", name="encoder-1", exact=True).focus()

    for _ in range(3):
        page.keyboard.down("s")
    page.keyboard.up("s")
    page.wait_for_function("() => window.gates[0]")
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


def test_all_that_match_are_not_selected_in_silence_when_no_answer_comes_or_the_sign_in_ended(lists, gallery, sign_in):
    page = lists()
    page.locator(f"tr[data-key='{gallery.found['encoder-1']}'] input[name=id]").check()
    add_button(page, "Select all that match", "selectMatching", f"{gallery.instances}selection.json")
    more = page.get_by_role("button", name="Select all that match")

    page.route("**/selection.json", lambda route: route.abort())
    more.click()
    expect(page.get_by_role("alert")).to_contain_text("The ec2mon server did not answer")
    page.unroute("**/selection.json")
    page.context.clear_cookies()
    more.click()

    expect(page.get_by_text("You were signed out")).to_be_visible()
    expect(page.get_by_text("1 selected")).to_be_visible()
    assert sign_in.complaints
    sign_in.complaints.clear()


def test_the_failed_ones_join_the_selection_and_those_that_are_elsewhere_are_counted(lists, gallery):
    page = lists()
    ids = f"{gallery.found['encoder-2']} i-00000000000000001 i-00000000000000002"
    page.locator(f"tr[data-key='{gallery.found['encoder-1']}'] input[name=id]").check()
    add_button(page, "Select the failed ones", "selectIds", ids)

    page.get_by_role("button", name="Select the failed ones").click()

    expect(page.get_by_text("2 selected")).to_be_visible()
    expect(page.get_by_text("2 of 3 are not on this page")).to_be_visible()


def test_a_selection_is_not_taken_over_by_who_signs_in_next(lists, gallery):
    page = lists()
    page.locator(f"tr[data-key='{gallery.found['encoder-1']}'] input[name=id]").check()
    expect(page.get_by_text("1 selected")).to_be_visible()

    page.context.clear_cookies()
    sign_in_again(page, "maria", gallery.instances)

    expect(page.get_by_text("1 selected")).to_be_hidden()
    expect(page.locator("input[name=id]:checked")).to_have_count(0)


def test_what_was_typed_is_back_after_a_save_that_only_found_the_sign_in(gallery, sign_in):
    page = sign_in("maria", "/e/gallery/configuration/")
    name = page.get_by_role("textbox", name="Naming Format")
    name.fill("{instance_id} kept")
    page.context.clear_cookies(name="sessionid")

    page.get_by_role("button", name="Save format").click()
    expect(page.get_by_text("What you sent was not saved")).to_be_visible()
    sign_in_again(page, "maria")

    expect(page.get_by_text("so nothing was saved")).to_be_visible()
    expect(name).to_have_value("{instance_id} kept")
    page.reload()
    expect(page.get_by_text("so nothing was saved")).to_be_hidden()
    expect(name).not_to_have_value("{instance_id} kept")


def test_keys_are_never_kept_in_the_browser(gallery, sign_in):
    page = sign_in("maria", "/e/keyless/general/")
    page.get_by_label("Account ID").fill("123456789012")
    page.get_by_label("Access Key ID").fill("AKIAOFTESTSONLY00000")
    page.get_by_label("Secret Access Key").fill("secret-of-tests-only-secret-of-tests-onl")
    page.get_by_label("Session Token").fill("token-of-tests-only")
    page.context.clear_cookies(name="sessionid")

    page.get_by_role("button", name="Save and test").click()
    page.wait_for_url("**/login/**")
    stored = page.evaluate("JSON.stringify(Object.values(sessionStorage))")
    sign_in_again(page, "maria")

    expect(page.get_by_label("Account ID")).to_have_value("123456789012")
    expect(page.get_by_label("Access Key ID")).to_have_value("")
    assert "123456789012" in stored
    assert "AKIAOFTESTS" not in stored and "secret-of" not in stored and "token-of" not in stored


def test_a_choice_that_follows_another_is_sent_after_it_is_answered(lists, gallery):
    page = lists()
    page.evaluate(HOLD, "settings")

    page.keyboard.press("u")
    page.keyboard.press("u")
    page.wait_for_function(HELD, arg=1)
    assert page.evaluate("asks") == 1
    page.evaluate("gates[0]()")

    page.wait_for_function(HELD, arg=2)


def test_a_form_that_did_not_get_away_still_asks_before_it_is_left(gallery, sign_in):
    page = sign_in("maria", "/e/gallery/configuration/")
    page.get_by_role("textbox", name="Naming Format").fill("{instance_id} unsaved")
    page.route("**/configuration/", lambda route: route.fulfill(status=204) if route.request.method == "POST" else None)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))

    with page.expect_response(lambda answer: answer.status == 204):
        page.get_by_role("button", name="Save format").click()
    assert asked == []
    page.get_by_role("link", name="Events").first.click()

    expect(page).to_have_url(re.compile("/events/"))
    assert asked == ["beforeunload"]


def test_a_paused_page_follows_what_was_begun_on_it_and_nothing_else(lists, gallery):
    page = lists()
    page.keyboard.press("p")
    row = page.locator(f"tr[data-key='{gallery.found['encoder-2']}']")

    page.get_by_role("link", name="Stop encoder-2").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop instance").click()
    expect(page.get_by_role("region", name="Results of actions")).to_contain_text("encoder-2 stopped", timeout=60_000)

    expect(page.locator("[data-pause]")).to_have_attribute("aria-pressed", "true")
    expect(row).to_contain_text("Running")
    page.keyboard.press("p")
    expect(row).to_contain_text("Stopped")
