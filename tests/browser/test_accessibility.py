"""Every page and state under axe-core: light and dark, wide and narrow, zoomed, in forced colours, from 320 px on."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.gallery import LONG
from tests.browser.stack import Stack

pytestmark = pytest.mark.once
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ALL = {"type": "tag", "values": TAGS}
# What a theme can change; the rest is the same in the dark.
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
RUN = """(rules) => axe.run(document, { runOnly: rules, resultTypes: ["violations"] }).then((found) =>
    found.violations.map((each) => {
        const where = each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
        return [each.id, each.help, ...where].join(" | ");
    }))"""
WIDTHS = (320, 390, 640, 800, 1024, 1440, 1920)
# How much wider than the window the page is, once it had a second to come to rest.
WIDER = """() => new Promise((done) => { let left = 60; const look = () => {
    const wider = document.documentElement.scrollWidth - innerWidth;
    if (wider > 0 && left--) requestAnimationFrame(look); else done(wider); }; look(); })"""
AXE = Axe().axe_script
LOOKS = (("light", 390, ALL), ("dark", 390, COLOURS), ("dark", 1440, COLOURS), ("light", 1440, ALL))
GALLERY, REFUSED, EMPTY, KEYLESS = "/e/gallery", "/e/refused", "/e/empty", "/e/keyless"
PAUSED, LATE = "/e/paused", "/e/late"


def select_three(page):
    for name in ("encoder-1", "encoder-2", "spare"):
        page.get_by_label(f"Select {name}", exact=True).check()
    expect(page.get_by_role("region", name="Selection")).to_be_visible()


def ask_to_stop(page):
    page.get_by_role("link", name="Stop encoder-1").click()
    expect(page.locator("#dlg-act")).to_contain_text("Stop encoder-1?")


def find_something(page):
    page.keyboard.press("Control+k")
    page.locator("[data-find-input]").fill("encoder")
    expect(page.locator("#find-list [role=option]").first).to_be_visible()


def find_nothing(page):
    page.keyboard.press("Control+k")
    page.locator("[data-find-input]").fill("there-is-no-such-thing")
    expect(page.locator("#find-list")).to_be_hidden()


def choose_columns(page):
    page.get_by_role("button", name="Columns").click()
    expect(page.locator("#pop-cols")).to_be_visible()


def press(name):
    return lambda page: page.get_by_role("button", name=name, exact=True).first.click()


def unfold_a_record(page):
    page.locator("tr[data-key] .exp").first.click()
    expect(page.locator("tr.detail:not([hidden])").first).to_be_visible()


def move_an_event(page):
    page.get_by_role("link", name="Reschedule reboot of gateway").click()
    expect(page.locator("#dlg-act").get_by_label("New start, UTC")).to_be_visible()


def write_a_wrong_format(page):
    page.get_by_role("textbox", name="Naming Format").fill("{tag:Name} {pivate_ip}")
    expect(page.locator("#fmt-e")).to_be_visible()


def unfold_all(page):
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")


def show_keys(page):
    page.keyboard.press("?")
    expect(page.locator("#dlg-keys")).to_be_visible()


def nothing(page):
    pass


STATES = [
    ("overview", "/", nothing),
    ("wall", "/wall/", nothing),
    ("screens of the wall", "/wall/screens/", nothing),
    ("find dialog", "/", find_something),
    ("find dialog, nothing found", "/", find_nothing),
    ("find page", "/find/?q=encoder", nothing),
    ("find page, nothing found", "/find/?q=no-such-thing", nothing),
    ("shortcuts", "/", show_keys),
    ("appearance", "/", press("Appearance")),
    ("account menu", "/", press("maria account menu")),
    ("activity", "/activity/", nothing),
    ("system", "/system/", nothing),
    ("general", f"{GALLERY}/general/", unfold_all),
    ("general, refused", f"{REFUSED}/general/", nothing),
    ("general, not set up", f"{KEYLESS}/general/", nothing),
    ("instances", f"{GALLERY}/instances/", nothing),
    ("instances, all columns", f"{GALLERY}/instances/?col=tags&col=platform&col=vpc_id&col=tag:Name", nothing),
    ("instances, selection", f"{GALLERY}/instances/", select_three),
    ("instances, columns", f"{GALLERY}/instances/", choose_columns),
    ("instances, filters", f"{GALLERY}/instances/", press("Add filter")),
    ("instances, question", f"{GALLERY}/instances/", ask_to_stop),
    ("instances, no match", f"{GALLERY}/instances/?q=no-such-thing", nothing),
    ("instances, wrong filter", f"{GALLERY}/instances/?q=colour:red", nothing),
    ("instances, not connected", f"{REFUSED}/instances/", nothing),
    ("instances, paused", f"{PAUSED}/instances/", nothing),
    ("general, paused", f"{PAUSED}/general/", nothing),
    ("configuration, paused", f"{PAUSED}/configuration/", nothing),
    ("instances, late", f"{LATE}/instances/", nothing),
    ("debug, tiles and filters", f"{GALLERY}/debug/?t=1h", nothing),
    ("activity, nothing found", "/activity/?q=no-such-thing", nothing),
    ("instances, none", f"{EMPTY}/instances/", nothing),
    ("instances, never read", f"{KEYLESS}/instances/", nothing),
    ("instance", "gateway", unfold_all),
    ("instance, stopped", "spare", nothing),
    ("confirm page", "confirm", nothing),
    ("configuration", f"{GALLERY}/configuration/", unfold_all),
    ("configuration, error", f"{GALLERY}/configuration/", write_a_wrong_format),
    ("debug", f"{GALLERY}/debug/", unfold_a_record),
    ("debug, nothing found", f"{GALLERY}/debug/?q=no-such-thing", nothing),
    ("debug, none yet", f"{KEYLESS}/debug/", nothing),
    ("events", f"{GALLERY}/events/", unfold_all),
    ("events, dialog", f"{GALLERY}/events/", move_an_event),
    ("events, none", f"{EMPTY}/events/", nothing),
    ("password", "/password/", nothing),
    ("no such page", "/nowhere/", nothing),
]


@pytest.fixture
def places(gallery):
    instance, confirm = gallery.found["gateway"], f"{GALLERY}/actions/confirm/?action=stop"
    ids = "".join(f"&id={gallery.found[name]}" for name in ("encoder-1", "encoder-2", "spare"))
    return {
        "gateway": f"{GALLERY}/instances/{instance}/",
        "spare": f"{GALLERY}/instances/{gallery.found['spare']}/",
        "confirm": confirm + ids,
    }


def violations(page, rules=ALL):
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    return page.evaluate(RUN, rules)


def resize(page, width):
    """Make the window as wide, and wait until the page is laid out anew."""
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(
        "(width) => new Promise((done) => { const next = (then) => requestAnimationFrame(() => setTimeout(then, 0));"
        " const look = () => (innerWidth === width ? next(() => next(done)) : next(look)); look(); })",
        width,
    )


def findings(page, state):
    """Return what axe finds on a page as it stands, in every look, and each width at which it scrolls sideways."""
    found = []
    for scheme, width, rules in LOOKS:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        resize(page, width)
        found += [f"{state}, {scheme}, {width} px: {each}" for each in violations(page, rules)]
    for width in WIDTHS:
        resize(page, width)
        wider = page.evaluate(WIDER)
        if wider > 0:
            found.append(f"{state}: the page scrolls sideways by {wider} px at {width} px")
    resize(page, 1440)
    return found


def expected(complaint):
    return ("/nowhere/" in complaint and "404" in complaint) or ("screens" in complaint and "403" in complaint)


@pytest.mark.timeout(300)
def test_no_page_in_any_state_has_a_finding(gallery, places, sign_in):
    page = sign_in("maria", reduced_motion="reduce")
    found = []

    for state, path, prepare in STATES:
        page.goto(places.get(path, path))
        prepare(page)
        found += findings(page, state)

    sign_in.complaints[:] = [each for each in sign_in.complaints if not expected(each)]
    assert not found, "\n".join(found)


def test_pages_of_a_viewer_and_of_nobody_have_no_finding(gallery, sign_in):
    page, found = sign_in("vera", reduced_motion="reduce"), []
    for path in (f"{GALLERY}/general/", f"{GALLERY}/configuration/", "/wall/screens/"):
        page.goto(path)
        found += findings(page, f"{path} of a viewer")

    nobody = sign_in.page(reduced_motion="reduce")
    nobody.goto("/login/?next=/e/gallery/instances/")
    found += findings(nobody, "sign-in")
    nobody.get_by_label("User name").fill("nobody")
    nobody.get_by_label("Password").fill("wrong")
    nobody.get_by_role("button", name="Sign in").click()
    expect(nobody.get_by_role("alert")).to_be_visible()
    found += findings(nobody, "sign-in refused")

    sign_in.complaints[:] = [each for each in sign_in.complaints if not expected(each)]
    assert not found, "\n".join(found)


def test_a_product_without_elements_has_no_finding(tmp_path, sign_in):
    with Stack(tmp_path) as fresh:
        fresh.add_user("maria", "administrators")
        page = sign_in("maria", url=fresh.url, reduced_motion="reduce")
        expect(page.get_by_role("heading", name="Add your first element")).to_be_visible()

        found = findings(page, "overview without elements")
        page.goto("/wall/")
        found += findings(page, "wall without elements")
        page.context.close()

    assert not found, "\n".join(found)


def test_what_an_action_comes_to_and_a_lost_server_have_no_finding(gallery, sign_in):
    page, found = sign_in("olga", gallery.instances, hasty=True, reduced_motion="reduce"), []
    gallery.aws("encoder-4").protect()
    gallery.stack.aws.set(delay_s=20)
    dock = page.get_by_role("region", name="Results of actions")

    for names, words in ((("encoder-4",), "failed"), (("encoder-5",), "Stopping")):
        for name in names:
            page.get_by_role("link", name=f"Stop {name}").click()
        page.get_by_role("dialog").get_by_role("button", name="Stop instance").click()
        expect(dock).to_contain_text(words, timeout=20_000)
    found += findings(page, "instances, one failed and one under way")
    page.goto(f"{GALLERY}/instances/{gallery.found['encoder-4']}/")
    found += findings(page, "instance, stop failed")
    page.goto("/")
    found += findings(page, "overview, a failed action")
    gallery.stack.aws.set(delay_s=0)
    page.goto(gallery.instances)
    page.context.route("**/*", lambda route: route.abort())
    expect(page.get_by_text("No answer from the ec2mon server since")).to_be_visible(timeout=20_000)
    found += findings(page, "instances, server lost")

    sign_in.complaints[:] = [each for each in sign_in.complaints if "ERR_FAILED" not in each]
    assert not found, "\n".join(found)


def test_error_pages_and_a_screen_of_the_wall_have_no_finding(gallery, sign_in):
    page, found = sign_in("maria", "/wall/screens/", reduced_motion="reduce"), []
    page.get_by_label("Name").fill("Foyer")
    page.get_by_role("button", name="Add screen").click()
    found += findings(page, "a screen was added")
    script = "from django.views.defaults import server_error; from django.test import RequestFactory;"
    script += " print(server_error(RequestFactory().get('/')).content.decode())"
    broken = gallery.stack.manage("shell", "-v0", "-c", script)
    assert "ec2mon made a mistake" in broken

    nobody = sign_in.page(reduced_motion="reduce")
    nobody.goto(page.locator("#wall-address").inner_text())
    found += findings(nobody, "a screen of the wall")
    nobody.route("**/broken/", lambda route: route.fulfill(body=broken, content_type="text/html"))
    nobody.goto("/broken/")
    expect(nobody.get_by_role("heading", name="ec2mon made a mistake")).to_be_visible()
    found += findings(nobody, "ec2mon made a mistake")

    assert not found, "\n".join(found)


def test_the_drawer_of_a_narrow_screen_has_no_finding(gallery, sign_in):
    page = sign_in("maria", viewport={"width": 390, "height": 844}, reduced_motion="reduce")

    page.get_by_role("button", name="Elements").click()
    expect(page.get_by_role("navigation", name="Elements")).to_be_visible()

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert violations(page) == [], scheme


@pytest.mark.parametrize("zoom", [2, 4])
def test_the_list_is_usable_when_zoomed(gallery, sign_in, zoom):
    page = sign_in("olga", gallery.instances, viewport={"width": 1440 // zoom, "height": 900 // zoom})
    row = page.locator(f"tr[data-key='{gallery.found['ocr']}']")

    row.locator(".key").focus()
    row.locator(".key").scroll_into_view_if_needed()

    seen = row.locator(".key").evaluate(
        "(link) => { const at = link.getBoundingClientRect();"
        " return link.contains(document.elementFromPoint(at.left + 5, at.top + at.height / 2)); }"
    )
    assert seen, "the focused row is covered"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_nothing_moves_where_less_motion_is_wanted(gallery, sign_in):
    page = sign_in("olga", gallery.instances, reduced_motion="reduce")

    longest = page.evaluate(
        "Math.max(...Array.from(document.querySelectorAll('*'), (each) => {"
        " const style = getComputedStyle(each), seconds = (text) => Math.max(...text.split(',').map(parseFloat));"
        " return Math.max(seconds(style.transitionDuration), seconds(style.animationDuration)); }))"
    )

    assert longest <= 0.001


def test_another_theme_is_there_at_once_where_less_motion_is_wanted(gallery, sign_in):
    page = sign_in("olga", gallery.instances, reduced_motion="reduce", color_scheme="dark")
    ink = "getComputedStyle(document.querySelector('tbody td')).color"
    dark = page.evaluate(ink)

    page.emulate_media(color_scheme="light", reduced_motion="reduce")

    assert page.evaluate(f"[document.getAnimations().length, {ink} === '{dark}']") == [0, False]


def test_forced_colours_keep_what_is_current_chosen_and_pressable(gallery, sign_in):
    page = sign_in("olga", gallery.instances, forced_colors="active")
    select_three(page)

    marks = page.evaluate(
        "() => { const edge = (selector) => { const style = getComputedStyle(document.querySelector(selector));"
        " return Math.max(parseFloat(style.outlineWidth) * (style.outlineStyle !== 'none'),"
        " parseFloat(style.borderBottomWidth) * (style.borderBottomStyle !== 'none')); };"
        " return Object.fromEntries(['.tabs a[aria-current]', '.side__link[aria-current]', '.facet[aria-current]',"
        " '.bulk', '[data-bulk-act=stop]', 'tr:has(input:checked) > td'].map((each) => [each, edge(each)])); }"
    )

    assert min(marks.values()) >= 1, marks


def test_a_printed_list_is_whole_and_has_no_controls(gallery, sign_in):
    page = sign_in("olga", gallery.instances, viewport={"width": 800, "height": 300})

    page.emulate_media(media="print")

    assert page.locator(".tw").evaluate("(box) => box.scrollHeight - box.clientHeight") <= 1
    expect(page.get_by_role("link", name="encoder-1", exact=True)).to_be_visible()
    for gone in (".top", ".side", ".bar", ".act"):
        expect(page.locator(gone).first).to_be_hidden()


def test_a_long_name_is_cut_with_its_text_in_the_title_and_whole_where_there_is_room(gallery, sign_in):
    page = sign_in("olga", gallery.instances)
    link = page.locator(f"tr[data-key='{gallery.found[LONG]}'] .key")
    hidden = "(node) => node.scrollWidth - node.clientWidth"

    assert link.evaluate(hidden) > 0
    assert link.evaluate("(node) => getComputedStyle(node).textOverflow") == "ellipsis"
    assert link.get_attribute("title") == LONG
    resize(page, 390)
    assert link.evaluate(hidden) <= 0
    page.goto(f"{gallery.instances}{gallery.found[LONG]}/")
    heading = page.get_by_role("heading", level=1)

    expect(heading).to_have_text(LONG)
    assert heading.evaluate(hidden) <= 0
