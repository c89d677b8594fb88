"""Faults: what goes wrong with which request, scripted by a test."""

import random
import threading
from collections import Counter
from dataclasses import dataclass

from simulator.wire import ApiError

ERRORS = {
    "throttle": ("RequestLimitExceeded", "Request limit exceeded.", 503),
    "internal": ("InternalError", "An internal error has occurred", 500),
    "unavailable": ("Unavailable", "The server is overloaded and can't handle the request.", 503),
    "capacity": (
        "InsufficientInstanceCapacity",
        "We currently do not have sufficient m5.large capacity in the Availability Zone you requested (eu-central-1a).",
        500,
    ),
    "optin": ("OptInRequired", "You are not subscribed to this service. Please go to http://aws.amazon.com", 401),
    "blocked": ("Blocked", "This account is currently blocked. Please contact aws-verification@amazon.com", 403),
    "expired-token": ("InvalidPaginationToken", "The specified pagination token is not valid or is expired.", 400),
}
# What arrives instead of an answer; the request is not performed.
UNPERFORMED = {"hang", "reset", "captive", "html-500", "garbage", "empty", "redirect"}
# The request is performed, then the answer is spoilt.
SPOILT = {"slow", "drip", "truncated", "garbled", "short", "no-set", "empty-page", "same-token", "omit", "lost"}
KINDS = {"error", *ERRORS, *UNPERFORMED, *SPOILT}

CAPTIVE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Guest network</h1></body></html>"
_dice = random.Random(20260102)
GARBAGE = b'{"message": "this is not XML"}\x00\xff'


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong; it applies to requests that match all that is given.

    `keep` is how many bytes a truncated answer has left, half of them without it. `every` strikes each so many-th
    request that matches, `chance` at random. `omit` leaves an instance, or all without one, out of a listing, though not when
    asked for by ID.
    """

    kind: str
    action: str | None = None
    times: int | None = None
    skip: int = 0
    every: int = 1
    chance: float = 1.0
    page: int | None = None
    access_key_id: str | None = None
    region: str | None = None
    seconds: float | None = None
    keep: int | None = None
    instance_id: str | None = None
    code: str = "InternalError"
    message: str = "An internal error has occurred"
    status: int = 500
    hits: int = 0
    seen: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such fault: {self.kind}; there are {', '.join(sorted(KINDS))}")

    def clear(self) -> None:
        """Let it happen no more."""
        self.times = 0

    def error(self) -> ApiError | None:
        """Return the AWS error that it is, None when it is of another kind."""
        if self.kind == "error":
            return ApiError(self.code, self.message, self.status)
        return ApiError(*ERRORS[self.kind]) if self.kind in ERRORS else None

    def strikes(self) -> bool:
        """Count a request that is meant, and tell whether it is hit."""
        self.seen += 1
        if self.seen <= self.skip or self.seen % self.every or _dice.random() >= self.chance:
            return False
        self.hits += 1
        if self.times is not None:
            self.times -= 1
        return True

    def applies(self, action: str, access_key_id: str, region: str, page: int) -> bool:
        """Tell whether a request is meant."""
        wanted = (self.action, self.access_key_id, self.region, self.page)
        given = (action, access_key_id, region, page)
        return all(want is None or want == have for want, have in zip(wanted, given, strict=True))


class Faults:
    """The faults in force; `struck` counts the requests that were hit, by kind, those of faults that are over too."""

    def __init__(self) -> None:
        self._lock, self._all, self.struck = threading.Lock(), list[Fault](), Counter[str]()

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force."""
        with self._lock:
            self._all.append(fault)
        return fault

    def clear(self) -> None:
        """Drop all faults."""
        with self._lock:
            self._all.clear()

    def strike(self, action: str, access_key_id: str, region: str, page: int) -> Fault | None:
        """Return the first fault that hits the request, and count it."""
        with self._lock:
            for fault in self._all:
                if fault.times == 0 or not fault.applies(action, access_key_id, region, page) or not fault.strikes():
                    continue
                self.struck[fault.kind] += 1
                return fault
        return None
