"""What AWS said at one moment, as plain values."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a listing: the IDs of what was sent byte for byte as it is known, and everything else.

    `first` begins the listing; after other pages it says that they do not count, for reading began anew.
    """

    first: bool
    unchanged: list[str]
    seen: list[T]


@dataclass(frozen=True, slots=True)
class InstanceSnapshot:
    """One instance as DescribeInstances listed it; absent texts are "".

    `raw_digest` stands for the XML that AWS sent, empty when it cannot be known again; `description` is that XML,
    compressed.
    """

    instance_id: str
    state: str
    account_id: str = ""
    state_reason_code: str = ""
    state_reason: str = ""
    state_transition_reason: str = ""
    instance_type: str = ""
    availability_zone: str = ""
    private_ip: str = ""
    public_ip: str = ""
    private_dns: str = ""
    public_dns: str = ""
    launched_at: datetime | None = None
    platform: str = ""
    architecture: str = ""
    vpc_id: str = ""
    subnet_id: str = ""
    image_id: str = ""
    key_name: str = ""
    iam_role: str = ""
    lifecycle: str = ""
    root_device_type: str = ""
    managed_by: str = ""
    spot_request_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    raw_digest: bytes = b""
    description: bytes = b""

    @property
    def name(self) -> str:
        """Return the Name tag, "" when there is none."""
        return self.tags.get("Name", "")

    @property
    def auto_scaling_group(self) -> str:
        """Return the Auto Scaling group that owns the instance, "" when none does."""
        return self.tags.get("aws:autoscaling:groupName", "")


@dataclass(frozen=True, slots=True)
class ScheduledEventSnapshot:
    """One scheduled event as DescribeInstanceStatus listed it; the description keeps AWS's prefix."""

    instance_id: str
    event_id: str
    code: str
    description: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    not_before_deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusSnapshot:
    """The three status checks and the scheduled events of one instance.

    Check values are EC2's: ok, impaired, insufficient-data, not-applicable, initializing; "" when absent.
    """

    instance_id: str
    system: str = ""
    instance: str = ""
    ebs: str = ""
    impaired_since: datetime | None = None
    events: Sequence[ScheduledEventSnapshot] = ()
    raw_digest: bytes = b""


def digest(values: Mapping[str, Any]) -> str:
    """Return 32 hex digits that change when any value changes; the order of keys does not matter."""
    return hashlib.blake2b(_ENCODER.encode(values).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a digest")


_ENCODER = json.JSONEncoder(sort_keys=True, default=_plain, ensure_ascii=False, separators=(",", ":"))
