"""Pieces of HTML that a page holds thousands of: markup of a template, filled in without Django's engine.

A file of pieces holds lines `== name`, each with its markup below, where {name} is filled in. Whatever is filled in is
escaped, unless it is a piece itself.
"""

from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from html import escape

from django.template.loader import get_template, render_to_string
from django.utils.safestring import SafeString

COMMON = "elements/pieces.html"


class Piece:
    """One piece."""

    def __init__(self, markup: str) -> None:
        self._markup = markup

    def __call__(self, **values: object) -> SafeString:
        """Fill it in."""
        safe = {
            name: value if type(value) is SafeString else escape(value if type(value) is str else str(value))
            for name, value in values.items()
        }
        return SafeString(self._markup.format_map(safe))


@lru_cache
def pieces(template: str = COMMON) -> Mapping[str, Piece]:
    """Return the pieces of a file, by name."""
    source: str = get_template(template).template.source  # type: ignore[attr-defined]
    _, *parts = f"\n{source}".split("\n== ")
    named = (part.split("\n", 1) for part in parts)
    return {name: Piece(markup.rstrip("\n")) for name, markup in named}


@lru_cache(1000)
def icon(name: str, tone: str = "") -> SafeString:
    """Return a glyph of the sprite."""
    return pieces()["icon"](classes=f"i tone-{tone}" if tone else "i", name=name)


@lru_cache(4000, typed=True)
def kept(template: str, **values: Hashable) -> SafeString:
    """Return a part of a page that is written once for the same values; it knows of nothing else, nor of the moment."""
    return render_to_string(template, values)


def relative_time(moment: datetime, mode: str, text: str) -> SafeString:
    """Return a time that the page keeps relative to now, read as `text` until then."""
    iso, title = _in_full(moment)
    return pieces()["relative_time"](iso=iso, mode=mode, title=title, text=text)


def absolute_time(moment: datetime, precision: str, text: str) -> SafeString:
    """Return a time that the page writes in the zone of its reader, read as `text` until then."""
    iso, title = _in_full(moment)
    return pieces()["absolute_time"](iso=iso, precision=precision, title=title, text=text)


def _in_full(moment: datetime) -> tuple[str, str]:
    title = moment.astimezone(UTC).isoformat(" ", "seconds").removesuffix("+00:00")
    return f"{title.replace(' ', 'T')}Z", title
