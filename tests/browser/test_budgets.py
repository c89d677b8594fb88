"""What a page may cost: bytes over the wire, shifts of the layout, and the work of a refresh of every row."""

import gzip

import pytest
from playwright.sync_api import expect

from tests.browser.stack import ROOT

pytestmark = pytest.mark.once
TOPS = "() => Array.from(document.querySelectorAll('tbody tr[data-key]'), (row) => row.getBoundingClientRect().top)"
REGION, ADDRESS = "ap-south-1", "/e/budget/instances/?per_page=50"
SHIFTS = """() => { window.shifts = 0;
  new PerformanceObserver((list) => { for (const each of list.getEntries()) window.shifts += each.value; })
    .observe({ type: "layout-shift", buffered: true });
  window.tasks = [];
  new PerformanceObserver((list) => { for (const each of list.getEntries()) window.tasks.push(each.duration); })
    .observe({ type: "longtask" }); }"""


@pytest.fixture(scope="module")
def fifty(stack):
    """Return the IDs of an element of 50 instances with names and tags as they are in life."""
    names = [f"playout-{number:02}-main" for number in range(50)]
    tags = {"env": "prod", "team": "broadcast", "service": "playout", "owner": "noc@example.com"}
    ids = stack.aws.add_instances(REGION, names=names, tags=tags, public_ip="3.120.44.9")
    stack.add_element("Budget", REGION, interval="86400")
    stack.manage("poll", "Budget")
    return ids


def transferred(page, path):
    """Return what the first load of a page brings over the wire, in bytes by kind; fonts are not counted."""
    kinds, sizes = {}, {}
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    wire.on("Network.responseReceived", lambda each: kinds.update({each["requestId"]: each["type"]}))
    wire.on("Network.loadingFinished", lambda each: sizes.update({each["requestId"]: each["encodedDataLength"]}))
    page.goto(path, wait_until="networkidle")
    found = {}
    for request, kind in kinds.items():
        if kind != "Font":
            found[kind] = found.get(kind, 0) + int(sizes.get(request, 0))
    return found


def test_the_first_load_of_50_instances_is_at_most_120_kb(fifty, sign_in):
    page = sign_in("olga", "/password/")
    sizes = transferred(page, ADDRESS)

    print(f"\nfirst load of 50 instances: {sizes}, {sum(sizes.values())} bytes")
    assert sum(sizes.values()) <= 120_000, sizes
    assert sizes["Document"] <= 40_000, sizes


def test_stylesheet_and_script_are_small(fifty):
    files = [ROOT / "static/ec2mon/ec2mon.css", *sorted((ROOT / "static/ec2mon/js").glob("*.js"))]

    together = len(gzip.compress(b"".join(file.read_bytes() for file in files), 9))

    print(f"\nstylesheet and script: {together} bytes")
    assert together <= 32_000


def test_pages_and_files_are_compressed_and_nothing_is_sent_twice(fifty, sign_in):
    page = sign_in("olga", "/")
    answers = []
    page.on("response", lambda answer: answers.append(answer))

    page.goto(ADDRESS, wait_until="networkidle")

    kinds = ("document", "stylesheet", "script")
    sent = [each for each in answers if each.request.resource_type in kinds]
    assert len(sent) > 10
    assert [each.url for each in sent if each.headers.get("content-encoding") != "gzip"] == []
    assert len({each.url for each in sent}) == len(sent)


@pytest.mark.parametrize("path", ["/", ADDRESS, "/e/budget/general/", "/e/budget/debug/", "/e/budget/events/"])
@pytest.mark.parametrize("width", [390, 1440])
def test_no_page_shifts_while_it_loads(fifty, sign_in, path, width):
    page = sign_in("olga", "/password/", viewport={"width": width, "height": 900})

    page.add_init_script(f"({SHIFTS})()")
    page.goto(path, wait_until="networkidle")
    page.evaluate("document.fonts.ready")

    assert page.evaluate("window.shifts") == 0


def busy_ms(meter):
    """Return how long the page's thread had the processor, however many others wanted it meanwhile."""
    metrics = {each["name"]: each["value"] for each in meter.send("Performance.getMetrics")["metrics"]}
    return metrics["TaskDuration"] * 1000


def test_a_refresh_of_50_changed_rows_writes_no_more_than_it_must_and_shifts_nothing(stack, fifty, sign_in):
    page = sign_in("olga", "/password/")
    page.goto(ADDRESS)
    page.evaluate(SHIFTS)
    page.evaluate(
        "() => { window.written = new Set(); new MutationObserver((list) => { for (const each of list)"
        " if (each.type === 'childList') window.written.add(each.target); })"
        ".observe(document.querySelector('tbody'), { childList: true, subtree: true }); }"
    )
    for instance_id in fifty:
        stack.aws.instance(instance_id).state = "stopped"
    stack.manage("poll", "Budget")

    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})
    tops, before = page.evaluate(TOPS), busy_ms(meter)
    with page.expect_response(lambda answer: "since=" in answer.url):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("tr[data-state=stopped] .changed")).not_to_have_count(0)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))")

    spent = busy_ms(meter) - before
    longest = max(page.evaluate("window.tasks"), default=0)
    written = page.evaluate("Array.from(window.written, (node) => node.nodeName)")
    print(f"\na refresh of 50 rows: {len(written)} cells, longest task {longest:.0f} ms, {spent:.0f} ms of work")
    assert len(written) <= 50 * 8, "more was written than the cells which changed"
    assert "TR" not in written and "TBODY" not in written
    assert tops == page.evaluate(TOPS)
    assert page.evaluate("window.shifts") < 0.01, "columns may become as wide as their words, no more"
    assert spent < 250, "of this much of the processor's time"
