"""The journal: every request that the simulated AWS received."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `status` is None when no answer left; the signature and tokens are not kept."""

    at: datetime
    service: str
    action: str
    access_key_id: str
    region: str
    parameters: dict[str, Any]
    status: int | None
    code: str
    fault: str
    performed: bool
    request_id: str


class Journal:
    """The calls received, oldest first."""

    def __init__(self) -> None:
        self._lock, self._calls = threading.Lock(), deque[Call](maxlen=_KEPT)

    def add(self, call: Call) -> None:
        """Keep a call."""
        with self._lock:
            self._calls.append(call)

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()

    def calls(self, action: str | None, access_key_id: str | None, region: str | None) -> list[Call]:
        """Return the calls that match all that is given."""
        with self._lock:
            calls = list(self._calls)
        return [
            call
            for call in calls
            if action in (None, call.action)
            and access_key_id in (None, call.access_key_id)
            and region in (None, call.region)
        ]
