"""Take secrets out of whatever is about to be stored or shown."""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

REMOVED = "removed"
MAX_TEXT = 2000
_SHORTEST = 4
_MAX_ITEMS = 1000
_SECRET_NAMES = re.compile(r"(?i)authorization|signature|security-?token|session-?token|secret|password|user-?data\Z")
_PATTERNS = (
    re.compile(r"(?i)(X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s\"'<]+"),
    re.compile(r"(?i)((?:Signature|Credential|SecurityToken)=)[^,&\s\"'<]+"),
    re.compile(r"(?i)(Authorization\s*[:=]\s*)[^\r\n<]+"),
    re.compile(r"(?i)(x-amz-security-token\s*:\s*)[^\s<]+"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def _forms(secret: str) -> Iterator[str]:
    """Yield how a secret may be written in an URL, in XML and in JSON besides as it is."""
    yield secret
    yield quote(secret)
    yield quote(secret, safe="")
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    yield json.dumps(secret)[1:-1]


class Redactor:
    """Knows the secrets of one gateway and removes them from texts and structures."""

    def __init__(self, access_key_id: str, secrets: Sequence[str]) -> None:
        self._access_key_id = access_key_id
        written = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        self._secrets = sorted(written, key=len, reverse=True)

    def __repr__(self) -> str:
        return "Redactor()"

    def text(self, value: str, limit: int = MAX_TEXT) -> str:
        """Return the text without secrets, control characters and lone surrogates, cut to a length."""
        value = _CONTROL.sub("·", self.written(value))
        return value if len(value) <= limit else value[: limit - 1] + "…"

    def written(self, value: str) -> str:
        """Return the text without secrets."""
        for secret in self._secrets:
            value = value.replace(secret, REMOVED)
        if self._access_key_id:
            value = value.replace(self._access_key_id, f"…{self._access_key_id[-4:]}")
        for pattern in _PATTERNS:
            value = pattern.sub(rf"\g<1>{REMOVED}", value)
        return value

    def structure(self, value: Any) -> Any:
        """Return a JSON-able copy without secrets; values under names that hold secrets are removed whole."""
        if isinstance(value, Mapping):
            items = list(value.items())[:_MAX_ITEMS]
            return {self.text(str(k)): REMOVED if _SECRET_NAMES.search(str(k)) else self.structure(v) for k, v in items}
        if isinstance(value, list | tuple | set):
            return [self.structure(item) for item in list(value)[:_MAX_ITEMS]]
        if isinstance(value, bool | int | float) or value is None:
            return value
        return self.text(value.isoformat() if hasattr(value, "isoformat") else str(value))
