"""The live refresh: one test per promise of a page that is watched all day. A test refreshes when it wants to."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.once
TOLD_MS = 10_000
TOPS = "() => Array.from(document.querySelectorAll('tbody tr[data-key]'), (row) => row.getBoundingClientRect().top)"


@pytest.fixture
def page(gallery, sign_in):
    """Return the list as it is after a poll, with all that should be running, running."""
    gallery.reset()
    return sign_in("olga", gallery.instances, viewport={"width": 1440, "height": 420})


def row_of(page, gallery, name):
    return page.locator(f"tr[data-key='{gallery.found[name]}']")


def refresh(page):
    """Ask as a page does that is looked at again, and wait until it shows the answer."""
    with page.expect_response(lambda answer: "since=" in answer.url) as asked:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert asked.value.status == 200
    expect(page.locator("tr.is-gone, [data-notice]:not([hidden]), td.changed").first).to_be_attached()


def stop(gallery, *names):
    for name in names:
        gallery.aws(name).state = "stopped"
    gallery.poll()


def test_rows_do_not_move_by_a_pixel_and_the_scroll_position_stays(page, gallery):
    page.locator(".tw").evaluate("(box) => { box.scrollTop = 40; }")
    before = page.evaluate(TOPS)

    stop(gallery, "encoder-1", "encoder-2")
    refresh(page)

    expect(row_of(page, gallery, "encoder-1")).to_contain_text("Stopped")
    assert page.evaluate(TOPS) == before
    assert page.locator(".tw").evaluate("(box) => box.scrollTop") == 40


def test_only_cells_that_differ_are_replaced_and_tinted(page, gallery):
    page.evaluate("document.querySelectorAll('tbody td, tbody th').forEach((cell) => { cell.firstChild.mine = true; })")

    stop(gallery, "encoder-1")
    refresh(page)

    kept = "(row) => Array.from(row.cells, (cell) => cell.firstChild.mine ? '' : cell.className)"
    assert not any(row_of(page, gallery, "encoder-2").evaluate(kept))
    replaced = [name for name in row_of(page, gallery, "encoder-1").evaluate(kept) if name]
    assert 1 <= len(replaced) < 6
    assert all("changed" in name for name in replaced)


def test_a_check_box_is_never_replaced_and_the_selection_survives(page, gallery):
    box = row_of(page, gallery, "encoder-1").get_by_role("checkbox")
    box.check()
    row_of(page, gallery, "encoder-2").get_by_role("checkbox").check()
    page.evaluate("document.querySelectorAll('input[name=id]').forEach((each) => { each.mine = true; })")

    stop(gallery, "encoder-1")
    refresh(page)

    assert page.evaluate("Array.from(document.querySelectorAll('input[name=id]')).every((each) => each.mine)")
    expect(box).to_be_checked()
    bar = page.get_by_role("region", name="Selection")
    expect(bar).to_contain_text("2 selected")
    expect(bar.get_by_role("button", name="Stop 1")).to_be_enabled()
    expect(bar.get_by_role("button", name="Start 1")).to_be_enabled()


def test_a_selection_survives_filter_and_order(page, gallery):
    row_of(page, gallery, "encoder-1").get_by_role("checkbox").check()
    row_of(page, gallery, "gateway").get_by_role("checkbox").check()

    page.goto(f"{gallery.instances}?q=encoder&sort=-name")

    bar = page.get_by_role("region", name="Selection")
    expect(bar).to_contain_text("2 selected")
    expect(bar).to_contain_text("1 of them not shown here")
    expect(row_of(page, gallery, "encoder-1").get_by_role("checkbox")).to_be_checked()


def test_a_focused_control_that_turns_off_keeps_the_focus_and_does_nothing(page, gallery):
    control = row_of(page, gallery, "encoder-1").get_by_role("link", name="Stop encoder-1")
    control.focus()

    stop(gallery, "encoder-1")
    refresh(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "confirm" in request.url else None)
    expect(control).to_have_attribute("aria-disabled", "true")
    expect(control).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("dialog[open]")).to_have_count(0)
    assert (asked, page.url.endswith(gallery.instances)) == ([], True)


def test_selected_text_stays_selected_and_its_cell_waits_until_it_is_let_go(page, gallery):
    cell = row_of(page, gallery, "encoder-1").locator(".c-state").first
    cell.evaluate("(cell) => getSelection().selectAllChildren(cell)")
    before = page.evaluate("getSelection().toString()")

    stop(gallery, "encoder-1", "encoder-2")
    refresh(page)

    expect(row_of(page, gallery, "encoder-2")).to_contain_text("Stopped")
    assert "Running" in before and page.evaluate("getSelection().toString()") == before
    page.evaluate("getSelection().removeAllRanges()")
    expect(cell).to_contain_text("Stopped")


def test_a_cell_that_is_being_pressed_waits_until_it_is_released(page, gallery):
    cell = row_of(page, gallery, "encoder-1").locator(".c-state").first
    cell.scroll_into_view_if_needed()
    cell.hover()
    page.mouse.down()

    stop(gallery, "encoder-1", "encoder-2")
    refresh(page)

    expect(row_of(page, gallery, "encoder-2")).to_contain_text("Stopped")
    expect(cell).to_contain_text("Running")
    page.mouse.up()
    expect(cell).to_contain_text("Stopped")


def test_open_menus_and_typed_text_stay(page, gallery):
    page.get_by_label("Filter instances").fill("half a wo")
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Platform").check()

    stop(gallery, "encoder-1")
    refresh(page)

    expect(page.locator("#pop-cols")).to_be_visible()
    expect(page.get_by_label("Platform")).to_be_checked()
    assert page.get_by_label("Filter instances").input_value() == "half a wo"


def test_a_page_that_must_be_loaded_anew_waits_while_somebody_types(page, gallery):
    field, head = page.get_by_label("Filter instances"), page.get_by_role("columnheader", name="Platform")
    field.fill("half a wo")
    other = page.context.new_page()
    other.goto(gallery.instances)
    other.get_by_role("button", name="Columns").click()
    other.get_by_label("Platform").check()
    other.get_by_role("button", name="Apply").click()
    other.get_by_role("columnheader", name="Platform").wait_for()
    page.bring_to_front()

    stop(gallery, "encoder-1")
    with page.expect_response(lambda answer: "since=" in answer.url):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(300)
    assert field.input_value() == "half a wo"
    expect(head).to_have_count(0)
    field.evaluate("(input) => input.blur()")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(head).to_be_visible()
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("button", name="Reset").click()
    expect(head).to_have_count(0)


def test_an_open_dialog_is_not_changed(page, gallery):
    row_of(page, gallery, "encoder-1").get_by_role("link", name="Stop encoder-1").click()
    dialog = page.get_by_role("dialog", name="Stop encoder-1?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    before = dialog.inner_html()

    stop(gallery, "encoder-1")
    refresh(page)

    assert dialog.inner_html() == before
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()


def test_unfolded_records_stay_and_new_ones_wait(page, gallery):
    page.goto("/e/gallery/debug/")
    first = page.locator("tr[data-key] .exp").first
    first.click()
    opened = page.locator("tr.detail:not([hidden])")
    before = opened.inner_html(), page.evaluate(TOPS)

    gallery.poll()
    refresh(page)

    expect(page.locator("[data-notice]")).to_contain_text(re.compile(r"\d+ new records?\."))
    assert (opened.inner_html(), page.evaluate(TOPS)) == before
    page.locator("[data-notice]").get_by_role("button", name="Show").click()
    expect(opened).to_be_visible()
    assert len(page.evaluate(TOPS)) > len(before[1])


def test_new_and_vanished_rows_and_another_order_wait_behind_the_notice(page, gallery):
    aws = gallery.stack.aws
    first, gone, _ = aws.add_instances("us-east-2", names=["leaf-1", "leaf-2", "leaf-3"])
    gallery.poll()
    page.goto(f"{gallery.instances}?q=leaf&sort=state")
    before = page.evaluate(TOPS)

    (extra,) = aws.add_instances("us-east-2", names=["leaf-new"])
    aws.vanish(gone)
    aws.instance(first).state = "stopped"
    gallery.poll()
    refresh(page)

    notice = page.locator("[data-notice]")
    expect(notice).to_contain_text("1 new instance, 1 no longer in this list, order has changed.")
    assert page.evaluate(TOPS) == before
    row = page.locator(f"tr[data-key='{gone}']")
    expect(row).to_have_class(re.compile("is-gone"))
    assert row.locator(".key").evaluate("(link) => getComputedStyle(link).textDecorationLine") == "line-through"
    notice.get_by_role("button", name="Show").click()
    expect(row).to_have_count(0)
    expect(page.locator(f"tr[data-key='{extra}']")).to_be_visible()
    expect(notice).to_be_hidden()


def test_a_row_that_leaves_the_filter_is_not_called_unreported_and_its_light_is_not_green(page, gallery):
    page.goto(f"{gallery.instances}?q=state:running")
    row = row_of(page, gallery, "encoder-1")
    expect(row).to_be_visible()

    stop(gallery, "encoder-1")
    refresh(page)

    expect(page.locator("[data-notice]")).to_contain_text("1 no longer in this list.")
    expect(row).to_have_class(re.compile("is-gone"))
    colour = "(node) => getComputedStyle(node).color"
    grey = row.locator(".c-key").evaluate(colour)
    assert row.locator(".c-state .i").evaluate(colour) == grey
    assert row_of(page, gallery, "encoder-2").locator(".c-state .i").evaluate(colour) != grey


def test_after_a_minute_without_input_nothing_waits_any_more(page, gallery):
    page.goto(f"{gallery.instances}?q=quiet")
    page.evaluate("() => { const now = performance.now; performance.now = () => now.call(performance) + 61_000; }")

    (quiet,) = gallery.stack.aws.add_instances("us-east-2", names=["quiet-screen"])
    gallery.poll()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator(f"tr[data-key='{quiet}']")).to_be_visible()
    expect(page.locator("[data-notice]")).to_be_hidden()


def test_what_waits_comes_in_after_a_minute_although_the_server_tells_nothing_new(gallery, sign_in):
    page = sign_in("olga")
    page.clock.install()
    page.goto(f"{gallery.instances}?q=patient")

    (patient,) = gallery.stack.aws.add_instances("us-east-2", names=["patient-screen"])
    gallery.poll()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("[data-notice]")).to_contain_text("1 new instance.")
    page.clock.run_for(30_000)
    expect(page.locator("[data-notice]")).to_be_visible()
    page.clock.run_for(35_000)

    expect(page.locator(f"tr[data-key='{patient}']")).to_be_visible()
    expect(page.locator("[data-notice]")).to_be_hidden()


def test_counts_and_tabs_follow_at_once_and_move_nothing(page, gallery):
    stopped = page.get_by_role("group", name="Quick filters").get_by_role("link", name="Stopped")
    before = int(re.search(r"\d+", stopped.inner_text())[0])
    tabs = page.get_by_role("navigation", name="Gallery").bounding_box()

    stop(gallery, "encoder-1", "encoder-2")
    refresh(page)

    expect(stopped).to_contain_text(str(before + 2))
    assert page.get_by_role("navigation", name="Gallery").bounding_box() == tabs


def test_the_title_of_a_tab_in_the_background_follows_what_fails(page, gallery):
    before = int(re.match(r"\((\d+)\) Instances, Gallery – ec2mon", page.title())[1])

    gallery.aws("encoder-1").fail_check()
    gallery.poll()
    refresh(page)

    gallery.aws("encoder-1").pass_checks()
    expect(page).to_have_title(f"({before + 1}) Instances, Gallery – ec2mon")
    expect(
        page.get_by_role("navigation", name="Elements").get_by_role("link", name=re.compile("Gallery"))
    ).to_contain_text("2 impaired")


def test_an_unchanged_page_is_answered_without_content(page):
    with page.expect_response(lambda answer: "since=" in answer.url) as asked:
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

    assert asked.value.status == 204


def hide(page, hidden):
    page.evaluate(
        "(hidden) => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def test_a_hidden_tab_asks_once_a_minute_for_its_title_and_at_once_when_it_is_seen_again(gallery, sign_in):
    page = sign_in("olga")
    page.clock.install()
    page.goto(gallery.instances)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "fetch" else None)

    hide(page, True)
    page.clock.run_for(58_000)
    assert asked == []
    with page.expect_response(lambda answer: "since=" in answer.url):
        page.clock.run_for(4_000)
    assert len(asked) == 1
    with page.expect_response(lambda answer: "since=" in answer.url):
        hide(page, False)


def test_a_calm_page_asks_every_15_s(gallery, sign_in):
    page = sign_in("olga")
    page.clock.install()
    page.goto(gallery.instances)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "since=" in request.url else None)

    page.clock.run_for(10_000)
    assert asked == []
    with page.expect_response(lambda answer: "since=" in answer.url, timeout=10_000):
        page.clock.run_for(6_000)


def test_a_page_on_which_something_changes_asks_every_5_s(gallery, sign_in):
    gallery.aws("encoder-1").state = "stopping"
    gallery.poll()
    page = sign_in("olga")
    page.clock.install()
    page.goto(gallery.instances)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "since=" in request.url else None)

    page.clock.run_for(2_000)
    assert asked == []
    # time goes on meanwhile, but not as far as the 15 s of a calm page
    with page.expect_response(lambda answer: "since=" in answer.url, timeout=5_000):
        page.clock.run_for(3_500)
    gallery.reset()


def test_good_news_leaves_after_8_s_unless_it_is_being_read_and_bad_news_stays(gallery, sign_in):
    page = sign_in("olga")
    page.clock.install()
    page.goto(gallery.instances)
    # in the minutes that pass at once below, no answer of the server could come in time
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Poll now").click()
    news = page.locator(".flash").filter(has_text="Poll")
    expect(news).to_have_attribute("role", "status")

    page.clock.run_for(5_000)
    expect(news).to_be_visible()
    page.clock.run_for(3_500)
    expect(news).to_have_count(0)
    page.get_by_role("button", name="Poll now").click()
    news.hover()
    page.clock.run_for(30_000)
    expect(news).to_be_visible()
    page.mouse.move(0, 0)
    page.clock.run_for(5_000)
    expect(news).to_have_count(0)

    page.route("**/actions/confirm/**", lambda route: route.abort())
    page.get_by_role("link", name="Stop encoder-2").click()
    bad = page.get_by_role("alert").filter(has_text="The ec2mon server did not answer")
    expect(bad).to_contain_text("Nothing was asked of AWS. Try again.")
    page.clock.run_for(60_000)
    bad.get_by_role("button", name="Dismiss").click()
    expect(bad).to_have_count(0)
    sign_in.complaints[:] = [each for each in sign_in.complaints if "ERR_FAILED" not in each]


@pytest.mark.parametrize("way", ["refuses", "is silent"])
def test_a_lost_server_is_said_within_10_s_and_the_page_comes_back_by_itself(page, gallery, sign_in, way):
    page.context.route("**/*", (lambda route: route.abort()) if way == "refuses" else (lambda route: None))

    banner = page.get_by_role("alert").filter(has_text="No answer from the ec2mon server since")
    expect(banner).to_be_visible(timeout=TOLD_MS)
    expect(banner).to_contain_text("Start and Stop are off meanwhile.")
    expect(page.locator("html")).to_have_class(re.compile("is-lost"))
    row_of(page, gallery, "encoder-1").get_by_role("link", name="Stop encoder-1").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.context.unroute_all(behavior="ignoreErrors")

    expect(banner).to_be_hidden(timeout=TOLD_MS)
    expect(page.locator("html")).not_to_have_class(re.compile("is-lost"))
    sign_in.complaints[:] = [each for each in sign_in.complaints if "ERR_FAILED" not in each]


def test_a_paused_page_notices_a_lost_server_too_and_stays_paused(page, gallery, sign_in):
    page.get_by_role("button", name="Pause").click()
    page.context.route("**/*", lambda route: route.abort())

    banner = page.get_by_role("alert").filter(has_text="No answer from the ec2mon server since")
    expect(banner).to_be_visible(timeout=TOLD_MS)
    page.context.unroute_all(behavior="ignoreErrors")

    expect(banner).to_be_hidden(timeout=TOLD_MS)
    expect(page.locator("html")).not_to_have_class(re.compile("is-lost"))
    expect(page.locator(".livebar")).to_contain_text("Paused.")
    sign_in.complaints[:] = [each for each in sign_in.complaints if "ERR_FAILED" not in each]
