"""Cut a page of a listing into the XML of its instances without reading it, and prove that the cuts are right.

The cuts are guessed: where bytes like those that begin the first instance come again. They count only when the page
with a mark in each instance's place is good XML with every mark where an instance belongs. Then, whatever comments,
CDATA or nested items there are, the page is good when each piece is one good element by itself: for pieces that are
known that was seen before, and all others are parsed. One mark stands for all instances between which there is nothing,
and for all reservations that are written as AWS does. Anything else is no page of ours: botocore reads it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

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
# How AWS writes what stands around the instances of a reservation: white space is XML's, and texts need no parser.
_SPACE, _PLAIN = rb"[ \t\r\n]*", rb"([!-%'-;=?-~]+)"
_OPENING = _SPACE.join(
    (
        b"<item>",
        b"<reservationId>%b</reservationId>" % _PLAIN,
        b"<ownerId>%b</ownerId>" % _PLAIN,
        b"(?:<groupSet/>)?",
        b"<instancesSet>",
        b"",
    )
)
_CLOSING = _SPACE.join((b"", b"</instancesSet>", b"(?:<requesterId>%b</requesterId>)?" % _PLAIN, b"</item>"))
_OPENS, _CLOSES, _BETWEEN = (re.compile(each) for each in (_OPENING, _CLOSING, _CLOSING + _SPACE + _OPENING))
_BLANK = re.compile(_SPACE)


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


class _Run(NamedTuple):
    """Pieces with nothing but white space between them, or reservations: one mark stands for all of them."""

    start: int
    end: int
    pieces: int


def cut(body: bytes, listing: Listing) -> Cut:
    """Return where the instances of a page are; raises Unproven."""
    head = _HEAD.match(body)
    if head is None or head.group(1).decode() != listing.root:
        raise Unproven("another beginning")
    bounds = _bounds(body, listing)
    runs = _runs(body, bounds)
    inner = [Reservation({}, len(bounds))]
    if listing is INSTANCES:
        runs, inner = _usual(body, runs) or (runs, [])
    root = _around(body, runs)
    space = str(root.tag[: root.tag.rfind("}") + 1])
    outer = _members(root, space).get(listing.outer)
    if outer is None:
        raise Unproven("another set")
    if not inner:
        inner = _reservations(outer, space, runs)
    elif _marks(outer, space) != len(runs):
        raise Unproven("an instance elsewhere")
    del outer[:]
    return Cut(bounds, inner, etree.tostring(root))


def _bounds(body: bytes, listing: Listing) -> list[tuple[int, int]]:
    """Return where each piece begins and ends, as far as the looks of the page tell."""
    first = listing.beginning.search(body)
    if first is None:
        raise Unproven("no instances")
    begins, ends = first.group(1), b"</%b>" % listing.inner.encode()
    found, start = list[tuple[int, int]](), first.start(1)
    while start >= 0:
        following = body.find(begins, start + 1)
        limit = following if following >= 0 else len(body)
        found.append((start, _end(body, start, limit, ends)))
        start = following
    return found


def _end(body: bytes, start: int, limit: int, set_ends: bytes) -> int:
    """Return where a piece ends: as a rule just before the next one begins, or the end of a set close to that."""
    end = body.rfind(b">", start, limit) + 1
    for look in (body.rfind, body.find):
        if body.endswith(b"</item>", start, end):
            break
        closing = look(set_ends, start, limit)
        end = body.rfind(b">", start, closing if closing >= 0 else limit) + 1
    return end


def _runs(body: bytes, bounds: list[tuple[int, int]]) -> list[_Run]:
    found, begin, count = list[_Run](), bounds[0][0], 1
    for (_, end), (start, _) in pairwise(bounds):
        if _BLANK.fullmatch(body, end, start):
            count += 1
        else:
            found.append(_Run(begin, end, count))
            begin, count = start, 1
    return [*found, _Run(begin, bounds[-1][1], count)]


def _usual(body: bytes, runs: list[_Run]) -> tuple[list[_Run], list[Reservation]] | None:
    """Return all reservations as one run, None when one of them is not written as AWS usually does.

    What is written like that is good wherever one mark in place of all is, so nothing of it needs to be parsed.
    """
    opens = _OPENS.fullmatch(body, max(body.find(b"<item>"), 0), runs[0].start)
    closes = _CLOSES.match(body, runs[-1].end)
    if opens is None or closes is None:
        return None
    found, reservation_id, owner_id = list[Reservation](), opens[1], opens[2]
    for run, following in pairwise(runs):
        between = _BETWEEN.fullmatch(body, run.end, following.start)
        if between is None:
            return None
        found.append(_said(reservation_id, owner_id, between[1], run.pieces))
        reservation_id, owner_id = between[2], between[3]
    found.append(_said(reservation_id, owner_id, closes[1], runs[-1].pieces))
    return [_Run(opens.start(), closes.end(), len(runs))], found


def _said(reservation_id: bytes, owner_id: bytes, requester_id: bytes | None, count: int) -> Reservation:
    members = {"reservationId": reservation_id.decode("ascii"), "ownerId": owner_id.decode("ascii")}
    return Reservation(members | ({"requesterId": requester_id.decode("ascii")} if requester_id else {}), count)


def _around(body: bytes, runs: list[_Run]) -> Any:
    """Parse the page with a mark in place of each run."""
    parts, end = list[bytes](), 0
    for run in runs:
        parts.append(body[end : run.start])
        end = run.end
    page = _MARKED.join([*parts, body[end:]])
    if page.count(_MARK.encode()) != len(runs):
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


def _reservations(outer: Any, space: str, runs: list[_Run]) -> list[Reservation]:
    """Read what is said of each reservation; raises Unproven unless all marks are in one."""
    found, used = list[Reservation](), 0
    for node in outer:
        members = _members(node, space)
        inner = members.pop("instancesSet", None)
        marks = 0 if inner is None else _marks(inner, space)
        count = sum(run.pieces for run in runs[used : used + marks])
        found.append(Reservation({name: member.text or "" for name, member in members.items()}, count))
        used += marks
    if used != len(runs):
        raise Unproven("an instance elsewhere")
    return found


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
