"""All that AWS said of one instance: kept as it was sent, read by botocore's own parser when somebody looks at it."""

import json
import re
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from elements.aws.botocore_session import parse_answer

# Descriptions are kept as what differs from this one: a quarter of the size in two thirds of the time. What was kept
# can be read with this very text only, so it never changes.
_TYPICAL = Path(__file__).with_name("typical_instance.xml").read_bytes()
_LEVEL = 3
_BEGUN = zlib.compressobj(_LEVEL, zdict=_TYPICAL)
_RESERVATION = b"<item><reservationId>%b</reservationId><instancesSet>%b</instancesSet></item>"
_ANSWER = b"<a><reservationSet>%b</reservationSet></a>" % _RESERVATION
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_LONGEST = 4000


def of_xml(xml: bytes, reservation_id: str) -> bytes:
    """Return an instance's own XML, compressed, with the ID of its reservation."""
    return _small(_ANSWER % (escape(reservation_id).encode(), xml))


def of_members(instance: Mapping[str, Any], reservation: Mapping[str, Any]) -> bytes:
    """Return what botocore has already parsed, compressed."""
    said = {**instance, "ReservationId": reservation.get("ReservationId", "")}
    return _small(json.dumps(plain(said)).encode())


def members(compressed: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the instance and its reservation as botocore parses them; raises what it raises."""
    (reservation,) = parse_answer("DescribeInstances", _whole(compressed))["Reservations"]
    (instance,) = reservation.pop("Instances")
    return instance, reservation


def description(compressed: bytes) -> dict[str, Any]:
    """Return all that AWS said of an instance, JSON-able, and the ID of its reservation.

    Empty when nothing was kept, or when a number or a time in it is none.
    """
    if not compressed:
        return {}
    text = _whole(compressed)
    if text.startswith(b"{"):
        found: dict[str, Any] = json.loads(text)
        return found
    try:
        instance, reservation = members(compressed)
    except ValueError:
        return {}
    found = plain({**instance, "ReservationId": reservation.get("ReservationId", "")})
    return found


def plain(value: Any) -> Any:
    """Return a JSON-able copy that every database stores; lists in one order, for AWS promises none."""
    if isinstance(value, Mapping):
        return {_text(key): plain(item) for key, item in sorted(value.items())}
    if isinstance(value, list | tuple):
        return sorted((plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool | int | float) or value is None:
        return value
    return _text(value)


def _small(text: bytes) -> bytes:
    compressor = _BEGUN.copy()
    return compressor.compress(text) + compressor.flush()


def _whole(compressed: bytes) -> bytes:
    return zlib.decompressobj(zdict=_TYPICAL).decompress(compressed)


def _text(value: Any) -> str:
    return _UNSTORABLE.sub("\ufffd", str(value))[:_LONGEST]
