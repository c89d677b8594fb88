"""Take pictures small enough for a repository: of a page, or of two pages side by side."""

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Draws the pictures next to each other under their captions and reduces them to the 256 colours that stand for most.
_DRAW = """async ({pictures, captions, gap, head}) => {
  const images = await Promise.all(pictures.map(async data => {
    const image = new Image(); image.src = 'data:image/png;base64,' + data; await image.decode(); return image;
  }));
  const canvas = document.createElement('canvas');
  canvas.width = images.reduce((sum, image) => sum + image.width, gap * (images.length - 1));
  canvas.height = head + Math.max(...images.map(image => image.height));
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.fillStyle = '#808a93'; context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = '#ffffff'; context.font = '600 15px sans-serif';
  let x = 0;
  images.forEach((image, at) => {
    context.drawImage(image, x, head);
    context.fillText(captions[at] || '', x + 12, head - 9);
    x += image.width + gap;
  });
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  const counts = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const colour = (data[i] >> 2 << 12) | (data[i + 1] >> 2 << 6) | data[i + 2] >> 2;
    const known = counts.get(colour);
    if (known) { known[0] += 1; } else { counts.set(colour, [1, data[i], data[i + 1], data[i + 2]]); }
  }
  const palette = [...counts.values()].sort((a, b) => b[0] - a[0]).slice(0, 256).map(entry => entry.slice(1));
  const nearest = new Map();
  const find = (r, g, b) => {
    let best = 0, least = Infinity;
    palette.forEach(([pr, pg, pb], at) => {
      const off = (pr - r) ** 2 + (pg - g) ** 2 + (pb - b) ** 2;
      if (off < least) { least = off; best = at; }
    });
    return best;
  };
  let text = '';
  for (let i = 0; i < data.length; i += 4) {
    const colour = (data[i] >> 2 << 12) | (data[i + 1] >> 2 << 6) | data[i + 2] >> 2;
    if (!nearest.has(colour)) { nearest.set(colour, find(data[i], data[i + 1], data[i + 2])); }
    text += String.fromCharCode(nearest.get(colour));
  }
  return JSON.stringify({width: canvas.width, height: canvas.height, palette, indices: btoa(text)});
}"""


class Album:
    """Writes pictures into a folder; the browser that drew the pages reduces their colours, too."""

    def __init__(self, chromium: Browser, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._page = chromium.new_page()

    def add(self, name: str, page: Page) -> None:
        """Take a picture of what a page shows, which never is wider than its window."""
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, f"{name} is {too_wide} px too wide"
        self._write(name, [shot(page)], captions=[], head=0)

    def add_pair(self, name: str, shots: dict[str, bytes]) -> None:
        """Put pictures side by side, each under its caption."""
        self._write(name, list(shots.values()), captions=list(shots), head=32)

    def _write(self, name: str, shots: list[bytes], *, captions: list[str], head: int) -> None:
        pictures = [base64.b64encode(each).decode() for each in shots]
        drawn = self._page.evaluate(_DRAW, {"pictures": pictures, "captions": captions, "gap": 24, "head": head})
        (self._folder / f"{name}.png").write_bytes(_png(**json.loads(drawn)))


def sign_in(context: BrowserContext, user: str, password: str) -> None:
    """Sign a browser in for all of its pages, or nobody, and let it have the fonts: a page does not wait for them."""
    page = context.new_page()
    page.goto("/login/")
    page.evaluate("Promise.all([...document.fonts].map(face => face.load())).then(() => null)")
    if user:
        page.get_by_label("User name").fill(user)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
        page.locator("#side").wait_for(state="attached")
    page.close()


def shot(page: Page) -> bytes:
    """Return a picture of what a page shows once its fonts are there."""
    page.evaluate("document.fonts.ready")
    return page.screenshot(animations="disabled")


def _png(width: int, height: int, palette: list[list[int]], indices: str) -> bytes:
    """Return a PNG of one byte for each dot."""
    dots = base64.b64decode(indices)
    lines = b"".join(b"\0" + dots[width * line : width * (line + 1)] for line in range(height))
    parts: tuple[tuple[bytes, Any], ...] = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", bytes(value for colour in palette for value in colour)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )
