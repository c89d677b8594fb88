"""Glyphs, states, times and numbers in templates: thin wrappers over `domain.wording` and small includes."""

from datetime import UTC, datetime
from typing import Any

from django import template
from django.contrib.messages import constants
from django.template.context import RequestContext
from django.utils import timezone

from elements.domain import wording
from elements.domain.connections import Connection
from elements.domain.instance_states import state_view
from elements.domain.regions import region_name
from elements.tables import pieces

register = template.Library()
register.filter("region_name", region_name)
register.simple_tag(pieces.icon)
register.simple_tag(pieces.kept)

_TONES = {constants.SUCCESS: "ok", constants.WARNING: "warn", constants.ERROR: "crit"}
_FLASH_ICONS = {"ok": "s-ok", "busy": "s-stopping", "warn": "s-alert", "crit": "c-fail", "info": "i-info"}


@register.inclusion_tag("elements/_state.html")
def state(name: str, note: str = "") -> dict[str, Any]:
    """Render an instance state: glyph, word and an optional note."""
    return {"view": state_view(name), "note": note}


@register.inclusion_tag("elements/_connection.html")
def connection(value: Connection, show_word: bool = True) -> dict[str, Any]:
    """Render a connection state; without its word only screen readers get it."""
    return {"connection": value, "show_word": show_word}


@register.simple_tag(takes_context=True)
def ago(context: RequestContext, moment: datetime | None, mode: str = "age") -> str:
    """Render a time relative to now, which the page keeps current.

    Mode `age` gives `6 s`, `in` gives `in 6 s` or `6 s ago`, `due` gives `in 6 s` or `now`.
    """
    if moment is None:
        return "–"
    now = context.get("now") or timezone.now()
    text = age(moment, now) if mode == "age" else wording.relative(moment, now)
    return pieces.relative_time(moment, mode, "now" if mode == "due" and moment <= now else text)


@register.simple_tag(name="abs")
def absolute(moment: datetime | None, precision: str = "m") -> str:
    """Render a moment in the zone the reader chose: s with seconds, m without, t and h the time alone."""
    if moment is None:
        return "–"
    return pieces.absolute_time(moment, precision, wording.absolute(moment, precision))


@register.filter
def iso(moment: datetime) -> str:
    """Return a moment as `2026-03-18T14:02:05Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@register.filter
def age(moment: datetime | None, now: datetime) -> str:
    """Return how long ago, or how far ahead, a moment is."""
    return wording.span((now - moment).total_seconds()) if moment else "–"


@register.filter
def span(seconds: float | None) -> str:
    """Return a length of time in words."""
    return wording.span(seconds) if seconds is not None else "–"


@register.filter
def duration(milliseconds: float | None) -> str:
    """Return `412 ms` or `2.2 s`."""
    return wording.duration(milliseconds) if milliseconds is not None else "–"


@register.filter
def grouped(number: int | None) -> str:
    """Return a number in groups of three."""
    return wording.grouped(number) if number is not None else "–"


@register.filter
def account(account_id: str) -> str:
    """Return an account ID in groups of four."""
    return wording.account(account_id)


@register.filter
def visible(text: str) -> str:
    """Return a text from outside in one line, its control characters shown as ·."""
    return wording.visible(text)


@register.filter
def masked(hint: str) -> str:
    """Return an Access Key ID of which only both ends are known."""
    return f"{hint[:-4]}{'•' * 12}{hint[-4:]}"


@register.filter
def flash_tone(level: int) -> str:
    """Return the tone of a message's level."""
    return _TONES.get(level, "info")


@register.filter
def flash_icon(tone: str) -> str:
    """Return the glyph of a flash."""
    return _FLASH_ICONS.get(tone, "i-info")


@register.filter
def lines(text: Any) -> list[str]:
    """Split a message into its title and what follows."""
    return str(text).splitlines()
