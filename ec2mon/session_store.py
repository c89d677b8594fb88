"""Sessions in the database, looked for by what can be a session's key only."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    """Django's own asks the database for whatever a cookie says, and PostgreSQL refuses a NUL with an error."""

    def _validate_session_key(self, key: str | None) -> bool:
        """Take what Django gives out: letters and digits."""
        known: bool = super()._validate_session_key(key)  # type: ignore[misc]
        return known and key is not None and key.isascii() and key.isalnum()
