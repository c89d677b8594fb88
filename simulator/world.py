"""World: the accounts' keys and instances behind the simulated API, and its clock."""

import random
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.instances import Event, Instance, Phase
from simulator.wire import ApiError

ACCOUNT = "111122223333"


@dataclass(slots=True)
class Keys:
    """An access key that the simulated AWS knows, and what it may do."""

    access_key_id: str
    secret_access_key: str
    account: str = ACCOUNT
    session_token: str | None = None
    expired: bool = False
    denied: frozenset[str] = frozenset()
    disabled_regions: frozenset[str] = frozenset()
    user: str = "ec2mon"

    @property
    def arn(self) -> str:
        """Return who the key belongs to."""
        return f"arn:aws:iam::{self.account}:user/{self.user}"


class World:
    """Everything the simulated AWS remembers. Hold `lock` while reading or changing it."""

    def __init__(self, delay_s: float) -> None:
        self.lock = threading.RLock()
        self.delay_s = self.initializing_s = delay_s
        self.lag_s = self.event_lag_s = self.clock_skew_s = 0.0
        self.token_life_s = 3600.0
        self.page_size = 1000
        self.keys: dict[str, Keys] = {}
        self.instances: dict[str, Instance] = {}
        self._events_shown: dict[str, tuple[datetime, datetime]] = {}
        self._tokens: dict[str, tuple[tuple[str, ...], list[str], int, datetime]] = {}
        self._dice = random.Random(20260101)

    def now(self) -> datetime:
        """Return AWS's time, which is not ours when `clock_skew_s` is set."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_skew_s)

    def seen_at(self) -> datetime:
        """Return the moment that reads show: the past while `lag_s` makes them eventually consistent."""
        return self.now() - timedelta(seconds=self.lag_s)

    def new_id(self, prefix: str) -> str:
        """Return an ID that looks like AWS's."""
        return f"{prefix}-0{self._dice.getrandbits(64):016x}"

    def add(self, region: str, account: str, state: str, launched_at: datetime, reservation: str, **values: Any) -> str:
        """Add an instance and return its ID."""
        instance_id = values.pop("instance_id", None) or self.new_id("i")
        number = len(self.instances) + 10
        values.setdefault("private_ip", f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
        phases = [Phase(launched_at, "running", launched_at)]
        instance = Instance(instance_id, region, account, reservation, phases, **values)
        if state != "running":
            instance.set_state(state, self.now())
        self.instances[instance_id] = instance
        return instance_id

    def of(self, account: str, region: str) -> list[Instance]:
        """Return the instances of an account in a region."""
        return [i for i in self.instances.values() if i.account == account and i.region == region]

    def page(
        self, scope: tuple[str, ...], ids: list[str], size: int | None, token: str | None
    ) -> tuple[list[str], str | None]:
        """Return the next `size` ids and the token for what is left; raises ApiError for a token of something else."""
        number = 1
        if token:
            known_scope, ids, number, until = self._tokens.get(token, ((), [], 0, self.now()))
            if known_scope != scope:
                raise ApiError("InvalidNextToken", "The specified NextToken is not valid.")
            if until <= self.now():
                raise expired_token()
        size = len(ids) if size is None else size
        if len(ids) <= size:
            return ids, None
        following = secrets.token_urlsafe(60)
        until = self.now() + timedelta(seconds=self.token_life_s)
        self._tokens[following] = (scope, ids[size:], number + 1, until)
        return ids[:size], following

    def page_number(self, token: str | None) -> int:
        """Return which page a request with this token asks for, 1 without one."""
        return self._tokens[token][2] if token in self._tokens else 1

    def move_event(self, event: Event, not_before: datetime) -> None:
        """Move an event; reads go on showing the old start for `event_lag_s`."""
        self._events_shown[event.event_id] = (self.now() + timedelta(seconds=self.event_lag_s), event.not_before)
        if event.not_after:
            event.not_after += not_before - event.not_before
        event.not_before = not_before

    def shown_start(self, event_id: str, not_before: datetime) -> datetime:
        """Return the start that reads show for an event."""
        until, old = self._events_shown.get(event_id, (self.now(), not_before))
        return old if self.now() < until else not_before


def expired_token() -> ApiError:
    """Return what EC2 says of a token that is too old."""
    return ApiError("InvalidPaginationToken", "The specified pagination token is not valid or is expired.")


def names_of(count: int, names: Sequence[str | None] | None) -> list[str | None]:
    """Return the names to give: those that were listed, or that many of none."""
    return list(names) if names is not None else [None] * count
