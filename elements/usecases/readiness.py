"""Whether the encryption key is the one that the stored keys were encrypted with, without reading all of them."""

from elements.models import Element
from elements.models.elements import KEY_FIELDS
from elements.models.fields import Undecryptable

_SENTENCE = "FIELD_ENCRYPTION_KEY does not open stored AWS keys. The page General of their elements says what to do."


def key_trouble() -> str:
    """Return what is wrong with the encryption key, "" when it opens the first and the last keys that were stored."""
    stored = Element.objects.with_keys().filter(keys_stored_at__isnull=False).only(*KEY_FIELDS)
    ends = [stored.order_by("keys_stored_at").first(), stored.order_by("-keys_stored_at").first()]
    is_shut = any(isinstance(getattr(row, name), Undecryptable) for row in ends if row for name in KEY_FIELDS)
    return _SENTENCE if is_shut else ""
