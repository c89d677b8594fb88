"""Sessions in the database, looked for by what can be a session's key only, and without a secret that can be read."""

from typing import Any

from cryptography.fernet import InvalidToken
from django.contrib.sessions.backends import db
from encrypted_model_fields.fields import decrypt_str, encrypt_str

# What django-allauth puts into the session as it is: the secret of an authenticator app until its first code.
_SECRET = "mfa.totp.secret"  # noqa: S105


class SessionStore(db.SessionStore):
    """Django's own asks the database for whatever a cookie says, and PostgreSQL refuses a NUL with an error."""

    def encode(self, session_dict: dict[str, Any]) -> str:
        """Encrypt the secret with the first key of FIELD_ENCRYPTION_KEY, as it is later where it stays."""
        if _SECRET in session_dict:
            session_dict = {**session_dict, _SECRET: encrypt_str(session_dict[_SECRET]).decode()}
        encoded: str = super().encode(session_dict)
        return encoded

    def decode(self, session_data: bytes | str) -> dict[str, Any]:
        """Open the secret with any of the keys; where none does, another one is made."""
        found: dict[str, Any] = super().decode(session_data)
        if _SECRET in found:
            try:
                found[_SECRET] = decrypt_str(found[_SECRET])
            except InvalidToken:
                del found[_SECRET]
        return found

    def _validate_session_key(self, key: str | None) -> bool:
        """Take what Django gives out: letters and digits."""
        known: bool = super()._validate_session_key(key)  # type: ignore[misc]
        return known and key is not None and key.isascii() and key.isalnum()
