"""The guard that every browser test has: no page says anything in the console, breaks its policy, or misses a file."""

import re

import pytest
from playwright.sync_api import expect

from tests.security import wild
from tests.security.wild_world import populate

pytestmark = pytest.mark.once
PROVOKED = {
    "inline script": ("document.body.append(Object.assign(document.createElement('script'), { text: '1' }))", "script"),
    "inline style": ("document.body.setAttribute('style', 'color: red')", "style"),
    "foreign image": (
        "document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/x.png' }))",
        "img-src",
    ),
    "missing file": ("document.body.append(Object.assign(new Image(), { src: '/static/nothing.png' }))", "404"),
    "error": ("setTimeout(() => { throw new Error('a mistake of a script'); })", "a mistake of a script"),
    "message": ("console.log('left from a debugging')", "left from a debugging"),
}


@pytest.mark.parametrize("what", PROVOKED)
def test_what_must_not_be_is_noticed(sign_in, what):
    page = sign_in.page()
    page.goto("/login/")
    script, told = PROVOKED[what]

    page.evaluate(f"() => {{ {script}; }}")
    for _ in range(50):
        if any(told in each for each in sign_in.complaints):
            break
        page.wait_for_timeout(100)

    assert any(told in each for each in sign_in.complaints), sign_in.complaints
    sign_in.complaints.clear()


@pytest.mark.parametrize("user", ["maria", "vera"])
def test_every_page_that_is_linked_is_quiet(gallery, sign_in, user):
    page = sign_in(user)
    waiting, seen = ["/"], set()

    while waiting:
        address = waiting.pop()
        kind = re.sub(r"[?#].*|i-[0-9a-f]+", "", address)
        if kind in seen:
            continue
        seen.add(kind)
        page.goto(address)
        expect(page.locator("h1")).to_have_count(1)
        hrefs = page.eval_on_selector_all("a[href]", "(links) => links.map((link) => link.getAttribute('href'))")
        waiting += [href for href in hrefs if href.startswith("/") and "/export" not in href and "/admin" not in href]

    assert len(seen) > 25


PLACES = (
    *("/", "/wall/", "/find/?q=wild", "/activity/", "/e/wild/general/", "/e/wild/configuration/", "/e/wild/debug/"),
    *("/e/wild/events/?when=all", "/e/wild/instances/?q=wild&col=tags&col=tag:env", "/e/wild/instances/?q=<wild>"),
)


def test_what_a_hostile_aws_says_runs_nothing_and_breaks_nothing(stack, sign_in):
    populate(stack.aws)
    stack.add_element("Wild")
    page, dialogs = sign_in("maria", hasty=True), []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for _ in range(120):
        page.goto("/e/wild/instances/?per_page=100")
        if page.locator("tr[data-key]").count() > 50:
            break
        page.wait_for_timeout(500)
    rows = page.locator("tbody a[href*='/instances/i-']")
    found = list(dict.fromkeys(rows.evaluate_all("(links) => links.map((link) => link.getAttribute('href'))")))

    assert len(found) > 50, stack.log()
    for address in (*PLACES, *found[:8]):
        page.goto(address)
        expect(page.locator("h1")).to_have_count(1)
        for folded in page.locator("main details > summary").all():
            folded.click()
        assert page.locator("wild, [onwild], main script, iframe").count() == 0, address

    page.goto("/e/wild/instances/?per_page=100")
    first = stack.aws.world.instances[found[0].split("/")[-2]]
    first.tags = {"Name": f"changed {wild.MARKUP[0]}"}
    expect(page.get_by_text(first.tags["Name"]).first).to_be_visible(timeout=60_000)
    assert page.locator("wild, [onwild]").count() == 0
    assert dialogs == []
