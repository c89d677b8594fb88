"""Read a page of DescribeInstances or DescribeInstanceStatus: only what is not known byte for byte is parsed.

First the page is cut, after which the next one may be asked for; then what it lists is read. A page or an instance of a
shape that is not the usual one is left to botocore's own parser.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any

from elements.aws import descriptions, members, parsing, slices
from elements.aws.botocore_session import parse_answer
from elements.domain.snapshots import InstanceSnapshot, ScheduledEventSnapshot, StatusSnapshot

DIGEST_SIZE = 16
# Goes up when the same XML is read otherwise than before: nothing read earlier counts as known then.
_READING = 3
_SAID = {"reservationId": "ReservationId", "ownerId": "OwnerId", "requesterId": "RequesterId"}


@dataclass(frozen=True, slots=True)
class Read:
    """What a page lists."""

    unchanged: list[str]
    seen: list[Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A page that is good XML when each instance's is, which reading it proves; `body` is all of it."""

    body: bytes
    _cut: slices.Cut
    _kinds: tuple[type, ...]
    _piece: Callable[[bytes, Mapping[str, str], bytes], Any]

    @property
    def count(self) -> int:
        """Return how many instances the page lists."""
        return len(self._cut.bounds)

    @property
    def rest(self) -> bytes:
        """Return the XML without its instances, in which botocore finds the request and the next page."""
        return self._cut.rest

    def read(self, known: Mapping[str, bytes]) -> Read | None:
        """Read what is listed, None when botocore must; raises parsing.Incomplete, and ValueError for bad values."""
        unchanged, seen = list[str](), list[Any]()
        try:
            for start, end, digest, said in _digests(self.body, self._cut, self._kinds):
                instance_id = _id(self.body, start, end)
                if known.get(instance_id) == digest:
                    unchanged.append(instance_id)
                else:
                    seen.append(self._piece(self.body[start:end], said, digest))
        except slices.Unproven:
            return None
        if len({*unchanged, *(each.instance_id for each in seen)}) < self.count:
            return None  # one is listed twice: which comes later is lost here, and the later counts
        return Read(unchanged, seen)


Finder = Callable[[bytes], Found | None]


def instances(body: bytes) -> Found | None:
    """Cut a page of DescribeInstances, None when botocore must read it."""
    return _found(body, slices.INSTANCES, (InstanceSnapshot,), _instance)


def statuses(body: bytes) -> Found | None:
    """Cut a page of DescribeInstanceStatus, None when botocore must read it."""
    return _found(body, slices.STATUSES, (StatusSnapshot, ScheduledEventSnapshot), _status)


def _found(
    body: bytes,
    listing: slices.Listing,
    kinds: tuple[type, ...],
    piece: Callable[[bytes, Mapping[str, str], bytes], Any],
) -> Found | None:
    try:
        return Found(body, slices.cut(body, listing), kinds, piece)
    except slices.Unproven:
        return None


def _digests(
    body: bytes, found: slices.Cut, kinds: tuple[type, ...]
) -> Iterator[tuple[int, int, bytes, dict[str, str]]]:
    """Yield each piece with its digest, in which all goes that is said of its reservation, and that."""
    view, bounds = memoryview(body), iter(found.bounds)
    reader = " ".join([str(_READING), *(each.name for kind in kinds for each in fields(kind))]).encode()
    for reservation in found.reservations:
        said = {name: reservation.members[tag] for tag, name in _SAID.items() if tag in reservation.members}
        # with a processor's own instructions for it, SHA-256 takes half the time of BLAKE2
        common = sha256(repr(said).encode() + reader)
        for _ in range(reservation.count):
            start, end = next(bounds)
            digest = common.copy()
            digest.update(view[start:end])
            yield start, end, digest.digest()[:DIGEST_SIZE], said


def _id(body: bytes, start: int, end: int) -> str:
    """Return the ID to look for among the known: only the bytes that were read as that instance have its digest."""
    begin = body.find(b"<instanceId>", start, end) + len(b"<instanceId>")
    return body[begin : body.find(b"<", begin, end)].decode("ascii", "replace")


def _instance(xml: bytes, said: Mapping[str, str], digest: bytes) -> InstanceSnapshot:
    node = slices.parsed(xml)
    description = descriptions.of_xml(xml, said.get("ReservationId", ""))
    try:
        raw = members.instance(node)
    except members.Odd:
        raw, _ = descriptions.members(description)
    return parsing.instance(raw, said, raw_digest=digest, description=description)


def _status(xml: bytes, said: Mapping[str, str], digest: bytes) -> StatusSnapshot:
    node = slices.parsed(xml)
    try:
        raw = members.status(node)
    except members.Odd:
        answer = parse_answer("DescribeInstanceStatus", b"<a><instanceStatusSet>%b</instanceStatusSet></a>" % xml)
        (raw,) = answer["InstanceStatuses"]
    return parsing.status(raw, raw_digest=digest)
