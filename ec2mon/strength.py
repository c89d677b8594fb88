"""Whether the secrets of an installation can be guessed. Knows no Django settings."""

import base64
import binascii
import re
from collections.abc import Sequence

_LENGTH, _DISTINCT, _DISTINCT_BYTES = 50, 8, 12
# Django's own mark, and words that samples and guides have where a secret belongs.
_SAMPLE = re.compile(r"django-insecure|change.?me|replace.?me|your.?(secret|key)|example", re.IGNORECASE)
_MAKE_ONE = "Take the line out of .env and `make run` writes a new one"


def complaint(secret_key: str, encryption_keys: Sequence[str]) -> str:
    """Return why ec2mon must not start with these secrets, "" when it may; never a part of them."""
    if any(key in secret_key for key in encryption_keys):
        return "SECRET_KEY must not hold FIELD_ENCRYPTION_KEY: whoever learns one would have the other."
    if len(secret_key) < _LENGTH or len(set(secret_key)) < _DISTINCT or _SAMPLE.search(secret_key):
        return f"SECRET_KEY is too weak: it must be at least {_LENGTH} random characters. {_MAKE_ONE}."
    held = [_bytes(key) for key in encryption_keys]
    if None in held or not held:
        return (
            "FIELD_ENCRYPTION_KEY is no Fernet key, which is 32 random bytes in URL-safe base64. If it was cut, put it"
            " back as it was: without it the stored AWS keys cannot be read."
        )
    if len(set(held[0] or b"")) < _DISTINCT_BYTES:  # former ones may be weak: they have to be replaced
        return "FIELD_ENCRYPTION_KEY is too weak: it is not random. docs/operating.md says how to change it."
    return ""


def _bytes(key: str) -> bytes | None:
    """Return what a Fernet key holds, None when it is none."""
    try:
        held = base64.urlsafe_b64decode(key)
    except (ValueError, binascii.Error):
        return None
    return held if len(held) == 32 else None
