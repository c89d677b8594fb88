"""An encrypted text field that survives a wrong encryption key."""

from typing import Any

import encrypted_model_fields.fields as emf
from cryptography.fernet import InvalidToken
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class Undecryptable(str):
    """Stored text that no configured key opens: empty to readers, and never encrypted again."""

    token: str

    def __new__(cls, token: str) -> "Undecryptable":
        """Make an empty string that remembers the stored bytes."""
        text = super().__new__(cls, "")
        text.token = token
        return text


class SecretCharField(emf.EncryptedCharField):
    """An EncryptedCharField that neither shows nor re-encrypts what it cannot read.

    The field it builds on hands out ciphertext under a wrong key, encrypts it again on save, decrypts
    pasted ciphertext in forms, and stores the text of SQL expressions in a bulk_update.
    """

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        """Return the plain text, or Undecryptable."""
        if value in (None, ""):
            return value
        try:
            return str(emf.decrypt_str(value))
        except InvalidToken:
            return Undecryptable(value)

    def to_python(self, value: Any) -> Any:
        """Take the value as it is: a pasted ciphertext stays what it is."""
        return super(emf.EncryptedMixin, self).to_python(value)

    def value_to_string(self, obj: models.Model) -> str:
        """Leave the value out of serialized rows: dumpdata would write it in clear."""
        return ""

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        """Encrypt plain text; keep expressions and unreadable tokens as they are."""
        if hasattr(value, "as_sql"):
            return value
        if isinstance(value, Undecryptable):
            return value.token
        return super().get_db_prep_save(value, connection)
