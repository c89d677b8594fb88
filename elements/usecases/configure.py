"""Save an element's configuration: the element's row, its Poll's time, and who did it move together."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction

from elements.domain.display_keys import DISPLAY_KEY_FORMATS
from elements.models import Activity, Element, Poll


def save_naming_format(element: Element, naming_format: str, *, by: str, now: datetime) -> bool:
    """Save a naming format that was checked; the next poll that reads it puts it into effect.

    False when it is the one in use already.
    """
    with transaction.atomic():
        row = Element.objects.locked().get(pk=element.pk)
        old = row.naming_format
        if old == naming_format:
            return False
        row.naming_format, row.naming_saved_at, row.naming_effective_at = naming_format, now, None
        row.save(update_fields=["naming_format", "naming_saved_at", "naming_effective_at"])
        _note(row, "Naming Format changed", {"Naming Format": [old, naming_format]}, by, now)
    return True


def save_settings(element: Element, values: Mapping[str, int | str], *, by: str, now: datetime) -> bool:
    """Save some of the element's plain settings, by field name; False when none differs.

    A new polling interval moves the next poll: a shorter one takes effect at once.
    """
    with transaction.atomic():
        row = Element.objects.locked().get(pk=element.pk)
        changed = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not changed:
            return False
        changes = {_label(name): [_shown(name, getattr(row, name)), _shown(name, changed[name])] for name in changed}
        for name, value in changed.items():
            setattr(row, name, value)
        row.save(update_fields=list(changed))
        if "interval_s" in changed:
            _move_next_poll(row, now)
        _note(row, f"{', '.join(changes)} changed", changes, by, now)
    return True


def switch_polling(element: Element, on: bool, *, by: str, now: datetime) -> bool:
    """Pause polling or resume it, at once due; False when it is so already."""
    with transaction.atomic():
        row = Element.objects.locked().get(pk=element.pk)
        if row.paused != on:
            return False
        row.set_paused(not on, by=by, now=now)
        if on:
            Poll.objects.make_due(row.pk, now)
        words = ["off", "on"] if on else ["on", "off"]
        _note(row, f"Polling {'resumed' if on else 'paused'}", {"Polling": words}, by, now)
    return True


def _move_next_poll(element: Element, now: datetime) -> None:
    """Count the new interval from the last poll; an element in back-off is never tried later than it would be."""
    poll = Poll.objects.filter(element=element).first()
    if poll is None:
        return
    due_at = max(now, (poll.started_at or now) + timedelta(seconds=element.interval_s))
    Poll.objects.filter(pk=poll.pk).update(due_at=min(due_at, poll.due_at) if poll.failures else due_at)


def _label(name: str) -> str:
    return str(getattr(Element._meta.get_field(name), "verbose_name", name))


def _shown(name: str, value: int | str) -> int | str:
    return dict(DISPLAY_KEY_FORMATS).get(str(value), value) if name == "display_key_format" else value


def _note(
    element: Element, text: str, changes: dict[str, list[int | str]] | dict[str, list[str]], by: str, now: datetime
) -> None:
    Activity.objects.note(
        by=by, kind="setting", text=f"{text} for {element.name}", now=now, element=element, changes=dict(changes)
    )
