"""Cut a page of a listing into the XML of its instances without reading it, and prove that the cuts are right.

The cuts are guessed: where bytes like those that begin the first instance come again. They count only when the page
with a mark in each instance's place is good XML with every mark where an instance belongs. Then, whatever comments,
CDATA or nested items there are, the page is good when each piece is one good element by itself: for pieces that are
known that was seen before, and all others are parsed. Anything else is no page of ours: botocore reads it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

# A declaration of another encoding, a DOCTYPE or a prefix make a page that is read as a whole.
_HEAD = re.compile(rb'(?:<\?xml version="1\.0" encoding="(?:UTF|utf)-8"\?>)?\s*<([A-Za-z]+)(?: xmlns="[^"<>&]*")?>')
_OPTIONS: Any = {
    "remove_comments": True,
    "remove_pis": True,
    "resolve_entities": False,
    "huge_tree": True,
    "collect_ids": False,  # a quarter of the time goes into a table of IDs that nobody looks into
}
_CAREFUL, _QUICK = etree.XMLParser(**_OPTIONS), etree.XMLParser(**_OPTIONS, remove_blank_text=True)
_MARK, _MARKED = "ec2mon-instance", b"<ec2mon-instance/>"


class Unproven(Exception):
    """A page is not of the usual shape."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Where the instances of an operation's answer are: the name of the root, of the set and of each piece's set."""

    operation: str
    outer: str
    inner: str

    @property
    def root(self) -> str:
        """Return the name of the answer's root."""
        return f"{self.operation}Response"

    @property
    def beginning(self) -> re.Pattern[bytes]:
        """Return what finds how the first instance begins."""
        return re.compile(rb"<%b>\s*(<item>\s*<[A-Za-z]\w*/?>)" % self.inner.encode())


INSTANCES = Listing("DescribeInstances", "reservationSet", "instancesSet")
STATUSES = Listing("DescribeInstanceStatus", "instanceStatusSet", "instanceStatusSet")


@dataclass(frozen=True, slots=True)
class Reservation:
    """What is said of instances that were launched together, by XML name, and how many of them a page lists."""

    members: Mapping[str, str]
    count: int


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the pieces are, what stands around them, and the page without them."""

    bounds: list[tuple[int, int]]
    reservations: list[Reservation]
    rest: bytes


def cut(body: bytes, listing: Listing) -> Cut:
    """Return where the instances of a page are; raises Unproven."""
    head = _HEAD.match(body)
    if head is None or head.group(1).decode() != listing.root:
        raise Unproven("another beginning")
    bounds = list(_bounds(body, listing))
    root = _around(body, bounds)
    space = str(root.tag[: root.tag.rfind("}") + 1])
    outer = _members(root, space).get(listing.outer)
    if outer is None:
        raise Unproven("another set")
    if listing is INSTANCES:
        inner = [_reservation(each, space) for each in outer]
    else:
        inner = [Reservation({}, _marks(outer, space))]
    if sum(reservation.count for reservation in inner) != len(bounds):
        raise Unproven("an instance elsewhere")
    del outer[:]
    return Cut(bounds, inner, etree.tostring(root))


def _bounds(body: bytes, listing: Listing) -> Iterator[tuple[int, int]]:
    """Yield where each piece begins and ends, as far as the looks of the page tell."""
    first = listing.beginning.search(body)
    if first is None:
        raise Unproven("no instances")
    begins, ends = first.group(1), b"</%b>" % listing.inner.encode()
    start = first.start(1)
    while start >= 0:
        following = body.find(begins, start + 1)
        limit = following if following >= 0 else len(body)
        closing = body.find(ends, start, limit)
        end = body.rfind(b">", start, closing if closing >= 0 else limit) + 1
        yield start, end
        start = following


def _around(body: bytes, bounds: list[tuple[int, int]]) -> Any:
    """Parse the page with a mark in place of each piece."""
    parts, end = list[bytes](), 0
    for start, following in bounds:
        parts.append(body[end:start])
        end = following
    page = _MARKED.join([*parts, body[end:]])
    if page.count(_MARKED) != len(bounds):
        raise Unproven("a mark of its own")
    return parsed(page)


def parsed(xml: bytes) -> Any:
    """Return the root of an XML document as botocore would see it; raises Unproven."""
    # white space between elements says nothing, but the quick parser takes white space before CDATA or a carriage
    # return for such, too; one sign is looked for, not two, for that is fifty times faster
    odd = b"!" in xml or b"?" in xml or b"\r" in xml
    try:
        return etree.fromstring(xml, _CAREFUL if odd else _QUICK)
    except etree.XMLSyntaxError:
        raise Unproven("no good XML") from None


def _reservation(node: Any, space: str) -> Reservation:
    members = _members(node, space)
    inner = members.pop("instancesSet", None)
    said = {name: member.text or "" for name, member in members.items()}
    return Reservation(said, 0 if inner is None else _marks(inner, space))


def _marks(inner: Any, space: str) -> int:
    """Count the instances of a set, which must all have been cut out of it."""
    mark = space + _MARK
    if any(child.tag != mark for child in inner):
        raise Unproven("an instance that begins otherwise")
    return len(inner)


def _members(node: Any, space: str) -> dict[str, Any]:
    """Return the children by name: each once, all of the namespace that begins their tags."""
    found = {child.tag.removeprefix(space): child for child in node}
    if len(found) != len(node) or any(name[0] == "{" for name in found):
        raise Unproven("a member twice or of another namespace")
    return found
