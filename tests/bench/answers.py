"""The answers of EC2 as bytes: realistic instances, the same at each call but for the round that is asked for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

PAGE_SIZE = 1000
CHUNK = 8192
# One instance in so many changes in each round.
CHANGED_EACH = 100

_HERE = Path(__file__).parent
_INSTANCE = (_HERE / "instance.xml").read_bytes()
_STATUS = (_HERE / "status.xml").read_bytes()
_SPACE = 2**48
_SPREAD = 0x9E3779B97F4B
_BACK = pow(_SPREAD, -1, _SPACE)
_TYPES = (b"c7i.large", b"m7i.xlarge", b"t3.medium", b"r6i.2xlarge", b"c6a.4xlarge", b"m6g.large", b"t3.small")
_SERVICES = (b"playout", b"encoder", b"transcoder", b"origin", b"packager", b"scheduler", b"ingest", b"archive", b"qc")
_ENVIRONMENTS = (b"prod", b"staging", b"test")
_ZONES = (b"a", b"b", b"c")
_STATES = {b"running": b"16", b"stopped": b"80"}
_STOPPED = (
    b"                    <stateReason>\n"
    b"                        <code>Client.UserInitiatedShutdown</code>\n"
    b"                        <message>Client.UserInitiatedShutdown: User initiated shutdown</message>\n"
    b"                    </stateReason>\n"
)
_EVENT = (
    b"            <eventsSet>\n"
    b"                <item>\n"
    b"                    <instanceEventId>instance-event-0%(hex)b</instanceEventId>\n"
    b"                    <code>system-reboot</code>\n"
    b"                    <description>The instance is scheduled for a reboot</description>\n"
    b"                    <notBefore>2030-05-01T02:00:00.000Z</notBefore>\n"
    b"                    <notAfter>2030-05-01T04:00:00.000Z</notAfter>\n"
    b"                    <notBeforeDeadline>2030-05-08T02:00:00.000Z</notBeforeDeadline>\n"
    b"                </item>\n"
    b"            </eventsSet>\n"
)


@dataclass
class Account:
    """What one access key shows: so many instances, as they are in a round; `stopped` are those asked to stop."""

    number: int
    count: int = 10
    round: int = 0
    latency_s: float = 0.0
    throttled_calls: int = 0
    trouble: str = ""
    stopped: dict[int, bool] = field(default_factory=dict)

    @property
    def owner(self) -> bytes:
        """Return the AWS account."""
        return b"%012d" % (100_000_000_000 + self.number)

    def instance_id(self, index: int) -> bytes:
        """Return the ID of the instance with a number."""
        return b"i-%05x%012x" % (self.number, index * _SPREAD % _SPACE)

    def index(self, instance_id: str) -> int:
        """Return the number of the instance with an ID."""
        return int(instance_id[7:], 16) * _BACK % _SPACE

    def version(self, index: int) -> int:
        """Return how often the instance has changed until this round."""
        return (self.round + CHANGED_EACH - 1 - index % CHANGED_EACH) // CHANGED_EACH if self.round else 0

    def state(self, index: int) -> bytes:
        """Return the instance's state; every other change turns it round."""
        if index in self.stopped:
            return b"stopped" if self.stopped[index] else b"running"
        turned = self.version(index) % 2 and index // CHANGED_EACH % 2
        return b"stopped" if (index % 10 == 7) != bool(turned) else b"running"


def instances(account: Account, indices: Iterable[int]) -> bytes:
    """Return the items of DescribeInstances."""
    return b"".join(_instance(account, index) for index in indices)


def statuses(account: Account, indices: Iterable[int]) -> bytes:
    """Return the items of DescribeInstanceStatus."""
    return b"".join(_status(account, index) for index in indices)


def page(operation: str, set_name: str, items: bytes, token: str, request_id: str) -> bytes:
    """Return a whole answer."""
    more = f"\n    <nextToken>{token}</nextToken>" if token else ""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<{operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">\n'
        f"    <requestId>{request_id}</requestId>\n    <{set_name}>\n"
    )
    return b"".join((head.encode(), items, f"    </{set_name}>{more}\n</{operation}Response>\n".encode()))


def chunked(body: bytes) -> bytes:
    """Return a body in chunks as they go over the wire."""
    view, parts = memoryview(body), list[bytes | memoryview]()
    for start in range(0, len(body), CHUNK):
        piece = view[start : start + CHUNK]
        parts += (b"%x\r\n" % len(piece), piece, b"\r\n")
    return b"".join((*parts, b"0\r\n\r\n"))


def _instance(account: Account, index: int) -> bytes:
    state = account.state(index)
    values = _lasting(index) | {
        b"owner": account.owner,
        b"id": account.instance_id(index),
        b"state": state,
        b"code": _STATES[state],
        b"version": b"%d" % account.version(index),
    }
    if state == b"running":
        address = b"%d.%d.%d.%d" % (18 + index // 2**24, index // 65536 % 256, index // 256 % 256, index % 256)
        public = b"                    <ipAddress>%b</ipAddress>\n" % address
        name = b"ec2-%b.eu-central-1.compute.amazonaws.com" % address.replace(b".", b"-")
        values |= {b"public_address": public, b"public_dns": name, b"reason": b"", b"state_reason": b""}
    else:
        why = b"User initiated (2026-11-20 09:12:55 GMT)"
        values |= {b"public_address": b"", b"public_dns": b"", b"reason": why, b"state_reason": _STOPPED}
    return _INSTANCE % values


@lru_cache(maxsize=120_000)
def _lasting(index: int) -> dict[bytes, bytes]:
    """Return what no round changes."""
    spread = index * _SPREAD % _SPACE
    private = b"10.%d.%d.%d" % (20 + index // 65536, index // 256 % 256, index % 256)
    service, environment = _SERVICES[spread % 9], _ENVIRONMENTS[spread % 3]
    return {
        b"hex": b"%015x" % spread,
        b"image": b"%04d" % (spread % 9973),
        b"private": private,
        b"dashed": private.replace(b".", b"-"),
        b"mac": b"%02x:%02x:%02x:%02x" % tuple(spread.to_bytes(6, "big")[:4]),
        b"type": _TYPES[spread % 7],
        b"zone": _ZONES[spread % 3],
        b"zone_id": b"%d" % (1 + spread % 3),
        b"month": b"%02d" % (1 + spread % 11),
        b"day": b"%02d" % (1 + spread % 28),
        b"hour": b"%02d" % (spread % 24),
        b"name": b"%b-%b-%06d" % (service, environment, index),
        b"environment": environment,
        b"service": service,
    }


def _status(account: Account, index: int) -> bytes:
    lasting, state = _lasting(index), account.state(index)
    runs = state == b"running"
    failing = runs and index % 100 == 3
    check, detail = (b"impaired", b"failed") if failing else (b"ok", b"passed")
    return _STATUS % {
        b"id": account.instance_id(index),
        b"zone": lasting[b"zone"],
        b"zone_id": lasting[b"zone_id"],
        b"events": _EVENT % lasting if index % 100 == 11 else b"            <eventsSet/>\n",
        b"state": state,
        b"code": _STATES[state],
        b"check": check if runs else b"not-applicable",
        b"detail": detail if runs else b"not-applicable",
    }
