"""How one attempt of a call to AWS reads: its result, what it returned, and the pieces of its texts."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elements.domain.throttling import THROTTLES
from elements.domain.wording import grouped, plural

# EC2 answers a dry run that would have worked with an error of this code.
DRY_RUN_WORKED = "DryRunOperation"
REMOVED = "removed"
POLLING = ("poll", "follow-up")
COMMAND = "command"
SLOW_MS = 1000
_FULL_BAR_MS = 2500
_REQUEST_ID = re.compile(r"[0-9A-Za-z]{4,40}(?:-[0-9A-Za-z]{1,40}){0,10}\Z")

OPERATIONS = {
    "DescribeInstances": "instance",
    "DescribeInstanceStatus": "status",
    "StartInstances": "instance",
    "StopInstances": "instance",
    "RebootInstances": "",
    "ModifyInstanceEventStartTime": "",
    "DescribeRegions": "region",
    "DescribeSpotInstanceRequests": "Spot request",
    "GetCallerIdentity": "",
}
_MANY = {"status": "statuses"}
_PAGED = ("DescribeInstances", "DescribeInstanceStatus")
_WORDS = {"no-answer": "No answer", "not-understood": "Answer not understood", "error": "Refused"}


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended: the words of its row, its tone, and the glyph's name in the sprite."""

    word: str
    tone: str
    icon: str

    @property
    def failed(self) -> bool:
        """Tell whether the row is marked."""
        return self.tone == "crit"


def result(outcome: str, code: str, http_status: int | None, attempt: int) -> Result:
    """Return the status, `200 after 3 tries`, or AWS's error code."""
    if outcome == "error" and code == DRY_RUN_WORKED:
        return Result(code, "ok", "s-ok")
    if outcome != "ok":
        return Result(code or _WORDS[outcome], "crit", "s-alert")
    status = str(http_status or "answered")
    if attempt > 1:
        return Result(f"{status} after {attempt} tries", "warn", "c-late")
    return Result(status, "ok", "s-ok")


def is_throttled(code: str) -> bool:
    """Tell whether AWS refused because it was asked too often."""
    return code in THROTTLES


def caused_by(caller: str) -> str:
    """Return on whose behalf AWS was asked, in words; a user stands for themselves."""
    words = {"poll": "Poll", "follow-up": "Follow-up of an action", COMMAND: "Command"}
    return words.get(caller, caller)


def returned(operation: str, count: int | None, parameters: Mapping[str, Any], response: Mapping[str, Any]) -> str:
    """Return `32 instances, 1 page`, "" when nothing was counted."""
    noun = OPERATIONS.get(operation, "item")
    if count is None:
        return ""
    if not noun:
        return grouped(count)
    text = plural(count, noun, _MANY.get(noun, ""))
    if operation not in _PAGED or "InstanceIds" in parameters:
        return text
    more = "NextToken" in parameters or response.get("NextToken") == "present"
    return f"{text}, {'1 of several pages' if more else '1 page'}"


def bar_percent(duration_ms: int) -> float:
    """Return the length of a duration's bar, full from 2.5 s on."""
    return round(min(duration_ms / _FULL_BAR_MS, 1) * 100, 1)


def bar_class(duration_ms: int, tone: str) -> str:
    """Return bad, slow or "" for the bar."""
    if tone == "crit":
        return "bad"
    return "slow" if tone == "warn" or duration_ms >= SLOW_MS else ""


def anchor(request_id: str, pk: int) -> str:
    """Return the record's place in a page: AWS's request ID, or our number where there is none to rely on."""
    return request_id if "-" in request_id and _REQUEST_ID.match(request_id) else f"record-{pk}"


def is_request_id(text: str) -> bool:
    """Tell whether a search looks like a whole request ID, which has an index of its own."""
    return len(text) >= 20 and "-" in text and not text.startswith("i-") and _REQUEST_ID.match(text) is not None


def pieces(structure: object) -> list[str]:
    """Return a structure as JSON text, cut where a value was removed so that pages can mark the places."""
    return json.dumps(structure, indent=2, ensure_ascii=False, default=str).split(json.dumps(REMOVED))


@dataclass(frozen=True, slots=True)
class Tiles:
    """What an hour of attempts looked like; durations in ms, None without any attempt."""

    requests: int
    median_ms: int | None
    slowest_ms: int | None
    retried: int
    throttled: int
    failed: int
    capped: bool


def tiles(attempts: list[tuple[int, int, str, str]], limit: int) -> Tiles:
    """Sum up attempts given as (duration in ms, attempt, outcome, error code), at most `limit` of them.

    The slowest 5 % are told by the shortest of them. Succeeded, throttled and failed add up to all.
    """
    durations = sorted(attempt[0] for attempt in attempts)
    throttled = sum(is_throttled(code) for _, _, _, code in attempts)
    good = sum(outcome == "ok" or code == DRY_RUN_WORKED for _, _, outcome, code in attempts)
    return Tiles(
        requests=len(durations),
        median_ms=durations[(len(durations) - 1) // 2] if durations else None,
        slowest_ms=durations[min(len(durations) - 1, len(durations) * 95 // 100)] if durations else None,
        retried=sum(attempt > 1 for _, attempt, _, _ in attempts),
        throttled=throttled,
        failed=len(durations) - good - throttled,
        capped=len(durations) >= limit,
    )
