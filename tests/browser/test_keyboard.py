"""The keyboard alone: every key of the list of shortcuts, where the focus goes, a stop of five from start to end."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once
LIVE_MS = 45_000
FIVE = [f"encoder-{number}" for number in range(1, 6)]


@pytest.fixture
def page(gallery, sign_in):
    gallery.reset()
    page = sign_in("olga", f"{gallery.instances}?q=name:encoder-*")
    page.locator("tbody tr[data-key]").first.wait_for()
    return page


def press(page, *keys):
    for key in keys:
        page.keyboard.press(key)


def focused_row(page):
    return page.evaluate("document.activeElement.closest('tr')?.dataset.name || ''")


def selected(page):
    return page.evaluate(
        "Array.from(document.querySelectorAll('tbody input:checked'), (box) => box.closest('tr').dataset.name)"
    )


def test_the_first_stop_skips_to_the_content(page):
    press(page, "Tab")

    link = page.get_by_role("link", name="Skip to content")
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    press(page, "Enter")
    expect(page.locator("#main")).to_be_focused()
    press(page, "Tab")
    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")


def test_j_and_k_walk_the_rows_x_selects_and_enter_opens(page, gallery):
    press(page, "j")
    assert focused_row(page) == "encoder-1"
    press(page, "j", "j", "k", "x")
    assert (focused_row(page), selected(page)) == ("encoder-2", ["encoder-2"])
    expect(page.locator("#say")).to_have_text("Selected encoder-2")

    press(page, "j", "j", "Shift+X")
    assert selected(page) == FIVE[1:4]
    press(page, "x")
    assert selected(page) == FIVE[1:3]
    press(page, "Enter")
    page.wait_for_url(f"**/{gallery.found['encoder-4']}/")


def test_s_asks_about_the_row_starts_on_cancel_and_gives_the_focus_back(page):
    press(page, "j", "s")

    dialog = page.get_by_role("dialog", name="Stop encoder-1?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    press(page, "j", "x", "s")
    assert selected(page) == []
    press(page, "Escape")
    expect(dialog).to_be_hidden()
    assert focused_row(page) == "encoder-1"


def test_a_starts_what_is_stopped_and_says_what_cannot_be_started(page, gallery):
    press(page, "j", "a")
    expect(page.locator("#say")).to_have_text("encoder-1 cannot be asked to start now")
    expect(page.locator("dialog[open]")).to_have_count(0)

    page.goto(f"{gallery.instances}?q=spare")
    press(page, "j", "a")
    expect(page.get_by_role("dialog", name="Start spare?").get_by_role("button", name="Cancel")).to_be_focused()
    press(page, "Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_slash_goes_to_the_filter_and_escape_empties_it_then_the_selection(page):
    press(page, "j", "x", "/")
    field = page.locator("[data-filter-input]")
    expect(field).to_be_focused()
    press(page, "x")
    assert field.input_value() == "x" and selected(page) == ["encoder-1"]

    press(page, "Escape")
    page.wait_for_url(lambda address: "encoder" not in address)
    expect(page.locator("[data-filter-input]")).to_have_value("")
    assert selected(page) == ["encoder-1"]
    page.locator("body").focus()
    press(page, "Escape")
    expect(page.get_by_role("region", name="Selection")).to_be_hidden()
    assert selected(page) == []


def test_the_list_of_keys_opens_with_a_question_mark_and_escape_closes_it(page):
    press(page, "j", "?")
    dialog = page.locator("#dlg-keys")
    expect(dialog).to_be_visible()
    press(page, "Escape")
    expect(dialog).to_be_hidden()
    assert focused_row(page) == "encoder-1"


def test_escape_closes_a_menu_and_gives_the_focus_back(page):
    button = page.get_by_role("button", name="Columns")
    button.focus()
    press(page, "Enter")
    expect(page.locator("#pop-cols")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#pop-cols")).to_be_hidden()
    expect(button).to_be_focused()


def test_p_pauses_and_u_turns_the_zone(page):
    pause = page.locator("[data-pause]")
    press(page, "p")
    expect(pause).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-live-word]")).to_have_text("Paused.")
    press(page, "p")
    expect(pause).to_have_attribute("aria-pressed", "false")

    for zone in ("local", "utc"):
        with page.expect_response("**/settings/"):
            press(page, "u")
        assert page.evaluate("document.documentElement.dataset.tz") == zone


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("o", "/"),
        ("g", "/e/gallery/general/"),
        ("i", "/e/gallery/instances/"),
        ("c", "/e/gallery/configuration/"),
        ("d", "/e/gallery/debug/"),
        ("e", "/e/gallery/events/"),
    ],
)
def test_g_and_a_letter_go_to_a_page(page, key, address):
    press(page, "g", key)

    page.wait_for_url(lambda there: there.endswith(address))


def test_ctrl_k_finds_in_all_elements_from_anywhere(page, gallery):
    page.locator("[data-filter-input]").focus()
    press(page, "Control+k")
    field = page.locator("[data-find-input]")
    expect(field).to_be_focused()
    page.keyboard.type("ocr")
    expect(page.locator("#find-list [role=option]").first).to_contain_text("ocr")
    press(page, "ArrowDown", "ArrowUp", "Escape")
    expect(page.locator("#dlg-find")).to_be_hidden()
    expect(page.locator("[data-filter-input]")).to_be_focused()

    press(page, "Control+k")
    expect(page.locator("#find-list [role=option][aria-selected=true]")).to_contain_text("ocr")
    press(page, "Enter")
    page.wait_for_url("**/instances/i-*/")


def test_keys_that_are_turned_off_do_nothing_but_ctrl_k_and_escape(page):
    page.evaluate("document.documentElement.dataset.keys = 'off'")

    press(page, "j", "x", "s", "a", "/", "?", "p", "u", "g", "o")

    assert (focused_row(page), selected(page)) == ("", [])
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert page.url.endswith("?q=name:encoder-*")
    press(page, "Control+k")
    expect(page.locator("#dlg-find")).to_be_visible()


def test_every_stop_of_the_tab_key_shows_where_it_is_and_is_not_covered(page):
    press(page, "Tab")
    wrong = []
    for _ in range(60):
        wrong += page.evaluate(
            "() => { const at = document.activeElement; if (at === document.body) return [];"
            " const box = at.getBoundingClientRect(), ring = [at, at.parentElement].some((each) => {"
            " const style = getComputedStyle(each);"
            " return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2; });"
            " const seen = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);"
            " const open = seen && (at.contains(seen) || seen.contains(at) || seen.closest('label')?.contains(at));"
            " return ring && open ? [] : [at.outerHTML.slice(0, 120) + (ring ? ' is covered' : ' has no ring')]; }"
        )
        press(page, "Tab")

    assert wrong == []


def test_five_are_stopped_with_the_keyboard_alone(page, gallery):
    gallery.stack.aws.set(delay_s=1)
    press(page, "j", "x", "j", "j", "j", "j", "Shift+X")
    assert selected(page) == FIVE

    press(page, "s")
    dialog = page.get_by_role("dialog", name="Stop 5 instances?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    for name in FIVE:
        expect(dialog).to_contain_text(name)
    press(page, "Tab")
    expect(dialog.get_by_role("button", name="Stop 5 instances")).to_be_focused()
    press(page, "Enter")

    expect(page.get_by_role("region", name="Selection")).to_be_hidden()
    dock = page.get_by_role("region", name="Results of actions")
    expect(dock).to_contain_text("5 instances stopped", timeout=LIVE_MS)
    expect(page.locator("tbody tr[data-key]", has_text=re.compile("Stopped"))).to_have_count(5)
    assert {gallery.aws(name).state for name in FIVE} == {"stopped"}
