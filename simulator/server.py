"""Simulator: the simulated EC2 and STS as an HTTP server in this process."""

import ssl
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from simulator.faults import Fault, Faults
from simulator.instances import STATE_CODES, Event, Instance
from simulator.journal import Call, Journal
from simulator.transport import Listener
from simulator.world import ACCOUNT, Keys, World

_EVENT_WORDS = {
    "instance-reboot": "The instance is scheduled for a reboot",
    "system-reboot": "The instance is scheduled for a reboot with host migration",
    "system-maintenance": "The instance is scheduled for network maintenance",
    "instance-retirement": "The instance is running on degraded hardware",
    "instance-stop": "The instance is scheduled to be stopped",
}
KNOBS = ("delay_s", "initializing_s", "lag_s", "event_lag_s", "clock_skew_s", "token_life_s", "page_size")


class Simulator:
    """A simulated AWS on a port of this machine: `with Simulator() as aws: ... aws.url`.

    `delay_s` is how long a start or a stop takes, and how long checks are initializing after it. With `tls` it speaks
    https.
    """

    def __init__(self, *, delay_s: float = 0.2, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._delay_s = delay_s
        self.world, self.faults, self._journal = World(delay_s), Faults(), Journal()
        self._listener = Listener(self, port, tls)

    def __enter__(self) -> Self:
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and cut all connections, hanging ones too."""
        self._listener.close()

    @property
    def port(self) -> int:
        """Return the port it listens on."""
        return self._listener.port

    @property
    def url(self) -> str:
        """Return the endpoint URL, for EC2 and STS and all regions alike."""
        return self._listener.url

    def reset(self) -> None:
        """Forget keys, instances, faults and journal."""
        self.world = World(self._delay_s)
        self.faults.clear()
        self._journal.clear()

    def set(self, **knobs: float) -> None:
        """Set one of KNOBS; `lag_s` lets reads show the past, `page_size` is the most that a page lists."""
        for name, value in knobs.items():
            if name not in KNOBS:
                raise ValueError(f"no such knob: {name}")
            setattr(self.world, name, value)

    def now(self) -> datetime:
        """Return the simulated AWS's time."""
        return self.world.now()

    def add_keys(
        self,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        *,
        account: str = ACCOUNT,
        session_token: str | None = None,
        denied: Sequence[str] = (),
        disabled_regions: Sequence[str] = (),
        user: str = "ec2mon",
    ) -> Keys:
        """Make an access key known. `denied` names actions it has no right to; change its fields at any time."""
        unique = uuid.uuid4().hex.upper()
        access_key_id = access_key_id or f"{'ASIA' if session_token else 'AKIA'}DEMO{unique[:12]}"
        secret = secret_access_key or f"not-a-real-secret-{unique[:22].lower()}"
        keys = Keys(access_key_id, secret, account, session_token, user=user)
        keys.denied, keys.disabled_regions = frozenset(denied), frozenset(disabled_regions)
        with self.world.lock:
            self.world.keys[access_key_id] = keys
        return keys

    def add_instances(
        self,
        region: str = "eu-central-1",
        *,
        account: str = ACCOUNT,
        count: int = 1,
        names: Sequence[str | None] | None = None,
        tags: Mapping[str, str] | None = None,
        state: str = "running",
        launched_at: datetime | None = None,
        **fields: Any,
    ) -> list[str]:
        """Add `count` instances, or one for each of `names`, in one reservation, and return their IDs.

        `fields` are those of Instance: type, zone, public_ip, root_device, lifecycle, spot_type, protected, ...
        """
        if state not in STATE_CODES:
            raise ValueError(f"no such state: {state}")
        given = list(names) if names is not None else [None] * count
        with self.world.lock:
            reservation = self.world.new_id("r")
            since = launched_at or self.now() - timedelta(days=1)
            return [
                self.world.add(
                    region,
                    account,
                    state,
                    since,
                    reservation,
                    tags={**({} if name is None else {"Name": name}), **(tags or {})},
                    **fields,
                )
                for name in given
            ]

    def instance(self, instance_id: str) -> "Handle":
        """Return a handle to change an instance; raises KeyError when there is none."""
        return Handle(self, self.world.instances[instance_id])

    def change_instance(self, instance_id: str, *, state: str | None = None, **fields: Any) -> None:
        """Set fields of an instance (tags, protected, checks, ...), and its state at once."""
        handle = self.instance(instance_id)
        for name, value in fields.items():
            getattr(handle.raw, name)
            setattr(handle.raw, name, value)
        if state:
            handle.state = state

    def vanish(self, instance_id: str) -> None:
        """Let AWS list an instance no longer."""
        with self.world.lock:
            del self.world.instances[instance_id]

    def fault(self, kind: str, action: str | None = None, **details: Any) -> Fault:
        """Let something go wrong with the requests that match; see faults.py. Until cleared unless `times` is given."""
        return self.faults.add(Fault(kind, action, **details))

    def clear_faults(self) -> None:
        """Drop all faults."""
        self.faults.clear()

    def journal(
        self, action: str | None = None, *, access_key_id: str | None = None, region: str | None = None
    ) -> list[Call]:
        """Return the requests received so far, oldest first."""
        return self._journal.calls(action, access_key_id, region)

    def note(self, call: Call) -> None:
        """Add a request to the journal; for the transport."""
        self._journal.add(call)

    def control(self, name: str, values: dict[str, Any]) -> Any:
        """Do what a control request over HTTP asks: one of our methods by name, its arguments as JSON."""
        if name == "journal":
            return [asdict(call) for call in self.journal(**values)]
        if name in ("add_instances", "change_instance", "vanish", "clear_faults", "reset", "set"):
            return getattr(self, name)(**values)
        if name == "schedule_event":
            return asdict(self.instance(values.pop("instance_id")).schedule_event(**values))
        if name in ("add_keys", "fault"):
            return {k: v for k, v in asdict(getattr(self, name)(**values)).items() if not isinstance(v, frozenset)}
        raise KeyError(name)


class Handle:
    """One instance to look at and to change from outside of the API."""

    def __init__(self, aws: Simulator, raw: Instance) -> None:
        self._aws, self.raw = aws, raw

    @property
    def state(self) -> str:
        """The state it really has now, whatever lagging reads show."""
        return self.raw.phase(self._aws.now()).state

    @state.setter
    def state(self, state: str) -> None:
        with self._aws.world.lock:
            self.raw.set_state(state, self._aws.now())

    @property
    def tags(self) -> dict[str, str]:
        """Its tags; change them in place."""
        return self.raw.tags

    @property
    def events(self) -> list[Event]:
        """Its scheduled events; change them in place."""
        return self.raw.events

    def protect(self, on: bool = True) -> None:
        """Set or drop disableApiStop."""
        self.raw.protected = on

    def start(self) -> None:
        """Start it as somebody else would, without a call in the journal."""
        with self._aws.world.lock:
            self.raw.start(self._aws.now(), self._aws.world.delay_s, self._aws.world.initializing_s)

    def stop(self) -> None:
        """Stop it as somebody else would."""
        with self._aws.world.lock:
            self.raw.stop(self._aws.now(), self._aws.world.delay_s)

    def terminate(self) -> None:
        """Go shutting-down -> terminated; it stays listed until it vanishes."""
        with self._aws.world.lock:
            self.raw.terminate(self._aws.now(), self._aws.world.delay_s)

    def vanish(self) -> None:
        """Let AWS list it no longer."""
        self._aws.vanish(self.raw.instance_id)

    def fail_check(self, check: str = "instance", since: datetime | None = None) -> None:
        """Let one of system, instance and ebs fail."""
        self.raw.fail_check(check, since or self._aws.now())

    def pass_checks(self) -> None:
        """Let all checks pass."""
        self.raw.pass_checks()

    def schedule_event(
        self,
        code: str = "instance-reboot",
        *,
        in_s: float = 86_400,
        lasts_s: float | None = 7200,
        deadline_s: float | None = None,
        description: str | None = None,
    ) -> Event:
        """Announce a scheduled event; the times count from now, None leaves a member out."""
        starts_at = (self._aws.now() + timedelta(seconds=in_s)).replace(microsecond=0)
        event = Event(
            event_id=self._aws.world.new_id("instance-event"),
            code=code,
            description=description or _EVENT_WORDS.get(code, code),
            not_before=starts_at,
            not_after=None if lasts_s is None else starts_at + timedelta(seconds=lasts_s),
            deadline=None if deadline_s is None else starts_at + timedelta(seconds=deadline_s - in_s),
        )
        self.raw.events.append(event)
        return event
