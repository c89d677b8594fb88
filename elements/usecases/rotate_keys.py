"""Encrypt every element's keys anew with the first encryption key of the list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Cast

from elements.models import Element
from elements.models.elements import KEY_FIELDS
from elements.models.fields import Undecryptable


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of one element's keys: anew, current (they were already), or unreadable (left as they are)."""

    element: str
    outcome: str


class NotVerified(Exception):
    """What was written cannot be read with the new key; the row was left as it was."""


def rotate_all() -> Iterator[Rotated]:
    """Encrypt row by row, each in its own transaction, so that a run that was cut off can be repeated."""
    first = Fernet(settings.FIELD_ENCRYPTION_KEY[0])
    for pk in Element.objects.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            element = Element.objects.with_keys().locked().filter(pk=pk).first()
            outcome = _rotate(element, first) if element else ""
        if element is not None:  # else it was removed meanwhile
            yield Rotated(element.name, outcome)


def _rotate(element: Element, first: Fernet) -> str:
    if any(isinstance(getattr(element, name), Undecryptable) for name in KEY_FIELDS):
        return "unreadable"
    if _opened_by(first, element):
        return "current"
    element.save(update_fields=KEY_FIELDS)
    if not _opened_by(first, element):
        raise NotVerified(f"The keys of {element.name} could not be read back with the new encryption key.")
    return "anew"


def _opened_by(key: Fernet, element: Element) -> bool:
    """Tell whether this key alone opens what the database holds."""
    try:
        return all(not token or key.decrypt(token.encode()) is not None for token in _stored(element))
    except InvalidToken:
        return False


def _stored(element: Element) -> Sequence[str]:
    """Return the bytes of the key columns as the database holds them."""
    raw = [Cast(name, models.TextField()) for name in KEY_FIELDS]
    row: Sequence[str] = Element.objects.filter(pk=element.pk).values_list(*raw).get()
    return row
