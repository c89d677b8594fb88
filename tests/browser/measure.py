"""What a page costs: `python -m tests.browser.measure` prints it, and test_budgets.py holds it to its budget."""

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from tests.browser.chromium import ARGUMENTS, program
from tests.browser.stack import PASSWORD, ROOT, Stack

REGION, FIFTY, MANY = "ap-south-1", "/e/budget/instances/?per_page=50", "/e/budget/instances/?per_page=250"
TAGS = {"env": "prod", "team": "broadcast", "service": "playout", "owner": "noc@example.com"}
TOPS = "() => Array.from(document.querySelectorAll('tbody tr[data-key]'), (row) => row.getBoundingClientRect().top)"
WATCH = """() => { window.shifts = 0; window.shifted = [];
  const told = ({ node }) => (node?.outerHTML ?? node?.parentElement?.outerHTML ?? "").slice(0, 300);
  const note = ({ value, sources }) => { window.shifts += value; window.shifted.push(...sources.map(told)); };
  new PerformanceObserver((list) => list.getEntries().forEach(note))
    .observe({ type: "layout-shift", buffered: true }); }"""
WATCH_ROWS = """() => { window.written = new Set();
  const note = ({ type, target }) => { if (type === "childList") window.written.add(target); };
  new MutationObserver((list) => list.forEach(note))
    .observe(document.querySelector("tbody"), { childList: true, subtree: true }); }"""


def add_element(stack: Stack, number: int = 50) -> list[str]:
    """Add an element whose instances have names and tags as they are in life, and return their IDs."""
    names = [f"playout-{place:03}-main" for place in range(number)]
    ids = stack.aws.add_instances(REGION, names=names, tags=TAGS, public_ip="3.120.44.9")
    stack.add_element("Budget", REGION, interval="86400")
    stack.manage("poll", "Budget")
    return ids


def own_files() -> int:
    """Return the size of stylesheet and script together, compressed, in bytes."""
    files = [ROOT / "static/ec2mon/ec2mon.css", *sorted((ROOT / "static/ec2mon/js").glob("*.js"))]
    return len(gzip.compress(b"".join(file.read_bytes() for file in files), 9))


def without_cache(page: Page) -> Any:
    """Let a page load everything anew, as on a computer that never saw it; return its wire."""
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    return wire


def transferred(page: Page, path: str) -> dict[str, int]:
    """Return what the first load of a page brings over the wire, in bytes by kind; fonts are not counted."""
    kinds, sizes = {}, {}
    wire = without_cache(page)
    wire.on("Network.responseReceived", lambda each: kinds.update({each["requestId"]: each["type"]}))
    wire.on("Network.loadingFinished", lambda each: sizes.update({each["requestId"]: each["encodedDataLength"]}))
    page.goto(path, wait_until="networkidle")
    found: dict[str, int] = {}
    for request, kind in kinds.items():
        if kind != "Font":
            found[kind] = found.get(kind, 0) + int(sizes.get(request, 0))
    return found


def html_of(page: Page, path: str) -> tuple[int, int]:
    """Return the size of a page's HTML, raw and compressed."""
    html = page.request.get(path).body()
    return len(html), len(gzip.compress(html, 6))


def interactive(page: Page, path: str) -> tuple[float, float]:
    """Return after how many ms a page can be worked with, counted from its first byte: by the clock of the wall, and
    the time that its thread had the processor, which does not depend on what else the machine does."""
    meter = page.context.new_cdp_session(page)
    meter.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto("about:blank")
    before = busy_ms(meter)
    page.goto(path, wait_until="domcontentloaded")
    page.evaluate("1")
    spent = busy_ms(meter) - before
    took = page.evaluate(
        "() => { const [each] = performance.getEntriesByType('navigation');"
        " return each.domContentLoadedEventEnd - each.responseStart; }"
    )
    return took, spent


def busy_ms(meter: Any) -> float:
    """Return how long the page's thread had the processor, however many others wanted it meanwhile."""
    metrics = {each["name"]: each["value"] for each in meter.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"] * 1000)


def tasks_ms(trace: bytes) -> list[float]:
    """Return how long each task of a page had the processor, longest first: while one runs no frame is drawn."""
    threads: dict[int, list[float]] = {}
    for each in json.loads(trace)["traceEvents"]:
        # the main threads; that of the page is the one that works
        if each.get("name") == "RunTask" and each["pid"] == each["tid"]:
            threads.setdefault(each["pid"], []).append(each.get("tdur", 0) / 1000)
    return sorted(max(threads.values(), key=sum), reverse=True)


def refresh_of_all(stack: Stack, page: Page, ids: list[str], state: str) -> dict[str, Any]:
    """Change every row in AWS, let the page ask, and return what its refresh wrote and how long it took."""
    for instance_id in ids:
        stack.aws.instance(instance_id).state = state
    stack.manage("poll", "Budget")
    page.evaluate(WATCH_ROWS)
    tops, browser = page.evaluate(TOPS), page.context.browser
    assert browser
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline"])
    with page.expect_response(lambda answer: "since=" in answer.url):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(f"tr[data-state={state}] .changed")).not_to_have_count(0)
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)))")
    return {
        "tasks_ms": tasks_ms(browser.stop_tracing()),
        "written": page.evaluate("Array.from(window.written, (node) => node.nodeName)"),
        "moved": tops != page.evaluate(TOPS),
        "shifts": page.evaluate("window.shifts"),
    }


def main() -> None:
    """Measure a product of our own and print what was found."""
    with tempfile.TemporaryDirectory() as directory, Stack(Path(directory)) as stack, sync_playwright() as playwright:
        stack.add_user("olga", "operators")
        ids = add_element(stack, 250)
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        page = browser.new_context(base_url=stack.url).new_page()
        page.goto("/login/")
        page.get_by_label("User name").fill("olga")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/")
        sizes = transferred(page, FIFTY)
        print(f"first load of 50 rows: {sum(sizes.values())} bytes, {sizes}")
        print(f"stylesheet and script: {own_files()} bytes")
        print("HTML of 250 rows: {} bytes, compressed {}".format(*html_of(page, MANY)))
        took = sorted(interactive(page, FIFTY) for _ in range(5))
        print(f"interactive after {took[2][0]:.0f} ms (median of 5), {took[2][1]:.0f} ms of work")
        page.add_init_script(f"({WATCH})()")
        page.goto(FIFTY, wait_until="networkidle")
        print(f"shifts of the layout: {page.evaluate('window.shifts')}")
        for state in ("stopped", "running", "stopped"):
            found = refresh_of_all(stack, page, ids, state)
            cells, tasks = len(found["written"]), found["tasks_ms"]
            print(f"refresh of 50 rows: {cells} cells, {sum(tasks):.0f} ms of work, at most {tasks[0]:.0f} ms at once")
        browser.close()


if __name__ == "__main__":
    main()
