"""Look for planted secrets in whatever was kept, also where it was packed: base64, zlib, and one inside the other."""

import base64
import binascii
import contextlib
import html
import json
import re
import urllib.parse
import zlib
from collections.abc import Iterable, Iterator

_PACKED = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_DEEP = 4


def found(secrets: Iterable[str], where: Iterable[tuple[str, bytes]]) -> list[str]:
    """Return the places that hold a secret, in any of the ways to write it, and the beginning of that secret."""
    wanted = {way.encode(): secret[:12] for secret in secrets for way in _ways(secret)}
    hits = {(name, secret): None for name, data in where for secret in _held(wanted, data)}
    return [f"{name}: {secret}" for name, secret in hits]


def _held(wanted: dict[bytes, str], data: bytes) -> set[str]:
    return {secret for plain in _unpacked(data) for way, secret in wanted.items() if way in plain}


def _ways(secret: str) -> set[str]:
    plain = {secret, urllib.parse.quote(secret), urllib.parse.quote(secret, ""), html.escape(secret)}
    return plain | {json.dumps(secret)[1:-1], repr(secret)[1:-1]}


def _unpacked(data: bytes, depth: int = 0) -> Iterator[bytes]:
    yield data
    if depth == _DEEP:
        return
    with contextlib.suppress(zlib.error):
        yield from _unpacked(zlib.decompress(data), depth + 1)
    for packed in set(_PACKED.findall(data)):
        for plain in _from_base64(packed):
            yield from _unpacked(plain, depth + 1)


def _from_base64(packed: bytes) -> Iterator[bytes]:
    text = packed.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    # What stands before it in a pickle, its length, may look like a part of it.
    for first in range(2):
        with contextlib.suppress(binascii.Error):
            yield base64.b64decode(text[first:] + b"=" * (-len(text[first:]) % 4), validate=True)
