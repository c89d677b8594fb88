"""All that AWS said of one instance: kept as it was sent, read by botocore's own parser when somebody looks at it."""

import zlib
from typing import Any

from elements.aws.botocore_session import parse_answer
from elements.aws.parsing import plain

_FAST = 1
_ANSWER = b"<a><reservationSet><item>%b<instancesSet>%b</instancesSet></item></reservationSet></a>"


def compressed(reservation: bytes, instance: bytes) -> bytes:
    """Return an instance's own XML with that of its reservation's members, made small."""
    return zlib.compress(_ANSWER % (reservation, instance), _FAST)


def description(compressed: bytes) -> dict[str, Any]:
    """Return all that AWS said of an instance, with the ID of its reservation; JSON-able.

    Raises what botocore's parser raises for a number or a time that is none.
    """
    if not compressed:
        return {}
    (reservation,) = parse_answer("DescribeInstances", zlib.decompress(compressed))["Reservations"]
    (instance,) = reservation["Instances"]
    found: dict[str, Any] = plain({**instance, "ReservationId": reservation.get("ReservationId", "")})
    return found
