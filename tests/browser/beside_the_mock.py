"""The pages of a mock and of the product, side by side: `python -m tests.browser.screenshots --mock DIR`."""

import base64
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser import mock_world
from tests.browser.mock_world import FRANKFURT, VIRGINIA
from tests.browser.pictures import Album, shot, sign_in
from tests.browser.stack import PASSWORD, Stack

FONTS = Path(__file__).resolve().parents[2] / "static" / "vendor"
WIDE, NARROW = (1440, 900), (390, 844)
_SELECTED = ("encoder-hd-04", "playout-a-backup", "playout-a-main", "playout-b-backup", "qc-station-1", "subtitle-ocr")


def _nothing(page: Page) -> None:
    """Leave the page as it is."""


def _select(page: Page) -> None:
    for name in _SELECTED:
        page.locator("tbody tr").filter(has_text=name).locator("input[type=checkbox]").check()
    page.evaluate("document.activeElement.blur(); document.querySelector('.tw').scrollTo(0, 300)")


def _ask_to_stop(page: Page) -> None:
    _select(page)
    page.locator("[data-bulk-act=stop]").click()
    page.get_by_role("dialog").wait_for()


def _wrong_format(page: Page) -> None:
    page.locator("#fmt, #id_naming_format").first.fill("{tag:Name} {pivate_ip}")
    page.get_by_text("Did you mean").first.wait_for()


def _unfold_failure(page: Page) -> None:
    """Unfold the product's refused request; the mock's is unfolded."""
    for row in page.locator("tbody tr").filter(has_text="OperationNotPermitted").all()[:1]:
        row.locator(".exp").click()


@dataclass(frozen=True)
class Pair:
    """A page of the mock and the product's, and what is done on both before the picture."""

    name: str
    mock: str
    path: str
    prepare: Callable[[Page], None] = _nothing
    narrow: bool = False


PAIRS = (
    Pair("overview", "overview", "/", narrow=True),
    Pair("instances", "instances", f"{FRANKFURT}/instances/", narrow=True),
    Pair("instances-selected", "instances", f"{FRANKFURT}/instances/", _select),
    Pair("instances-stale", "instances-stale", f"{VIRGINIA}/instances/", narrow=True),
    Pair("stop", "instances", f"{FRANKFURT}/instances/", _ask_to_stop),
    Pair("instance", "instance", f"{FRANKFURT}/instances/?q=playout-b-main", narrow=True),
    Pair("configuration-error", "configuration", f"{FRANKFURT}/configuration/", _wrong_format),
    Pair("events", "events", f"{FRANKFURT}/events/", narrow=True),
    Pair("debug", "debug", f"{FRANKFURT}/debug/", _unfold_failure),
    Pair("general-failing", "general-failing", f"{VIRGINIA}/general/", narrow=True),
)


def take_all(chromium: Browser, mock: Path, out: Path) -> None:
    """Start the product with the mock's world, and take all pairs, light and dark."""
    with tempfile.TemporaryDirectory(prefix="ec2mon-mock-") as directory, Stack(Path(directory)) as stack:
        mock_world.fill(stack, chromium)
        take(chromium, stack.url, mock, out)


def take(chromium: Browser, url: str, mock: Path, out: Path, only: str = "") -> None:
    """Take the pairs whose name begins with `only`."""
    album = Album(chromium, out)
    for scheme, size in (("light", WIDE), ("dark", WIDE), ("light", NARROW)):
        _take(chromium, url, mock, album, scheme, size, only)


def _take(chromium: Browser, url: str, mock: Path, album: Album, scheme: str, size: tuple[int, int], only: str) -> None:
    width, height = size
    look = {"viewport": {"width": width, "height": height}, "color_scheme": scheme, "bypass_csp": True}
    drawn, product = chromium.new_context(**look), chromium.new_context(base_url=url, **look)
    sign_in(product, "maria.k", PASSWORD)
    for pair in PAIRS:
        if pair.name.startswith(only) and (pair.narrow or size == WIDE):
            theirs = _shot(drawn.new_page(), f"{mock.resolve().as_uri()}/{pair.mock}.html?theme={scheme}", pair)
            ours = _shot(product.new_page(), pair.path, pair)
            name = f"{pair.name}-{'narrow' if size == NARROW else scheme}"
            album.add_pair(name, {"Mock": theirs, "Product": ours})
    drawn.close()
    product.close()


def _shot(page: Page, address: str, pair: Pair) -> bytes:
    page.goto(address)
    if "?q=" in address:
        page.locator("main").get_by_role("link", name="playout-b-main").first.click()
        page.get_by_role("heading", name="playout-b-main").first.wait_for()
    if address.startswith("file:"):
        page.add_style_tag(content=_fonts())
    for close in page.locator(".flash__close").all():
        close.click()
    pair.prepare(page)
    if page.viewport_size == {"width": 390, "height": 844}:
        page.evaluate("scrollTo(0, 0)")
    picture = shot(page)
    page.close()
    return picture


def _fonts() -> str:
    """Return the faces of the product's own fonts, for the mock has none and asks for those of the desk."""
    faces = []
    for family, pattern in (
        ("Inter Variable", "inter*/*latin-wght-normal.woff2"),
        ("JetBrains Mono Variable", "jet*/*latin-wght*.woff2"),
    ):
        font = base64.b64encode(next(FONTS.glob(pattern)).read_bytes()).decode()
        source = f"url(data:font/woff2;base64,{font})"
        faces.append(f"@font-face {{ font-family: '{family}'; font-weight: 100 900; src: {source} format('woff2'); }}")
    return "\n".join(faces)
