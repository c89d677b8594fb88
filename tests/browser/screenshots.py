"""Take the pictures of the README and the gallery in docs/screenshots from a demo of its own: `make screenshots`."""

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import beside_the_mock, stress_pictures
from tests.browser.chromium import ARGUMENTS, program
from tests.browser.pictures import Album, sign_in
from tests.browser.stack import free_port

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "screenshots"
LOOKS: dict[str, tuple[int, int, Any]] = {
    "light": (1440, 900, "light"),
    "dark": (1440, 900, "dark"),
    "narrow": (390, 844, "light"),
}
FRANKFURT = "/e/frankfurt-playout"
_POLLED = re.compile(r": ([3-9]|\d\d) succeeded")


@dataclass(frozen=True)
class Picture:
    """A page, what is done on it first, and in which looks it is taken."""

    name: str
    path: str
    prepare: Callable[[Page], None] = lambda page: None
    looks: tuple[str, ...] = ("light", "dark", "narrow")


def _select_five(page: Page) -> None:
    for box in page.locator("tbody input[name=id]").all()[5:10]:
        box.check()


def _ask_to_stop(page: Page) -> None:
    page.locator("tbody [data-act=stop]:not([aria-disabled])").nth(2).click()
    page.get_by_role("dialog").wait_for()


def _open_failing(page: Page) -> None:
    page.get_by_role("link", name="encoder-hd-07", exact=True).click()
    page.get_by_role("heading", name="encoder-hd-07").first.wait_for()


def _find(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("encoder")
    page.get_by_role("option", name="encoder-hd-01").wait_for()


def _unfold_record(page: Page) -> None:
    page.locator("tbody .exp").first.click()


def _reschedule(page: Page) -> None:
    page.get_by_role("link", name="Reschedule").first.click()
    page.get_by_role("dialog").wait_for()


def _wrong_format(page: Page) -> None:
    page.get_by_role("textbox", name="Naming Format").fill("{tag:Name} {pivate_ip}")
    page.get_by_text("Did you mean").wait_for()


PICTURES = (
    Picture("overview", "/"),
    Picture("instances", f"{FRANKFURT}/instances/"),
    Picture("instances-selected", f"{FRANKFURT}/instances/", _select_five, ("light", "dark")),
    Picture("instances-not-connected", "/e/virginia-archive/instances/"),
    Picture("stop", f"{FRANKFURT}/instances/", _ask_to_stop, ("light", "dark")),
    Picture("instances-no-match", f"{FRANKFURT}/instances/?q=name:nothing", looks=("light",)),
    Picture("instance", f"{FRANKFURT}/instances/?q=checks:failing", _open_failing),
    Picture("find", "/", _find, ("light", "dark")),
    Picture("wall", "/wall/", looks=("light", "dark")),
    Picture("general", f"{FRANKFURT}/general/"),
    Picture("general-failing", "/e/virginia-archive/general/"),
    Picture("configuration", f"{FRANKFURT}/configuration/"),
    Picture("configuration-error", f"{FRANKFURT}/configuration/", _wrong_format, ("light", "dark")),
    Picture("events", f"{FRANKFURT}/events/"),
    Picture("reschedule", f"{FRANKFURT}/events/", _reschedule, ("light", "dark")),
    Picture("debug", f"{FRANKFURT}/debug/"),
    Picture("debug-record", f"{FRANKFURT}/debug/", _unfold_record, ("light", "dark")),
    Picture("instances-paused", "/e/tokyo-lab/instances/", looks=("light",)),
    Picture("activity", "/activity/", looks=("light", "dark")),
)


def main() -> None:
    """Take every picture: of a demo as its administrator, under stress, and beside a mock if there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--mock", type=Path, metavar="DIR", help="take only pairs: this mock's pages and the product's")
    options = parser.parse_args()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        if options.mock:
            beside_the_mock.take_all(chromium, options.mock, options.out / "beside-the-mock")
        else:
            _take_demo(chromium, Album(chromium, options.out))
            stress_pictures.take_all(chromium, options.out)
        chromium.close()


def _take_demo(chromium: Browser, album: Album) -> None:
    with _demo() as url:
        for look in LOOKS:
            _take(chromium, url, look, album)


def _take(chromium: Browser, url: str, look: str, album: Album) -> None:
    width, height, scheme = LOOKS[look]
    context = chromium.new_context(base_url=url, viewport={"width": width, "height": height}, color_scheme=scheme)
    sign_in(context, "admin", "demo-admin")
    page = context.new_page()
    page.goto("/")
    # some polls first, so that nothing waits for its first one
    expect(page.locator("svg.beat").first).to_have_attribute("aria-label", _POLLED, timeout=90_000)
    for picture in PICTURES:
        if look in picture.looks:
            page.goto(picture.path)
            picture.prepare(page)
            album.add(f"{picture.name}-{look}", page)
    context.close()


@contextmanager
def _demo() -> Iterator[str]:
    """Run the demo on a free port until its elements were polled, and end it afterwards."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="ec2mon-screenshots-") as directory:
        arguments = ["-m", "simulator.demo_up", f"--directory={directory}", f"--port={port}"]
        demo = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(f"{url}/healthz")
            yield url
        finally:
            demo.send_signal(signal.SIGTERM)
            demo.wait(20)


def _wait_for(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    main()
