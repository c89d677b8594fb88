"""From botocore's answers to our snapshots."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from elements.aws import descriptions
from elements.domain.instance_states import state_name
from elements.domain.snapshots import InstanceSnapshot, ScheduledEventSnapshot, StatusSnapshot

_NUL_OR_SURROGATE = re.compile(r"[\x00\ud800-\udfff]")
# What pages lead to by. AWS gives out i- and hexadecimal digits; whoever gives anything else is not AWS.
_ID = re.compile(r"[A-Za-z0-9-]{1,40}\Z")
_SHORT = 255


class Incomplete(Exception):
    """An answer lacks something AWS always sends, or has twice what it sends once."""


def instances(answer: Mapping[str, Any]) -> Iterator[InstanceSnapshot]:
    """Yield the instances of one page of DescribeInstances; raises Incomplete."""
    for reservation in answer["Reservations"]:
        for raw in reservation.get("Instances", ()):
            yield instance(raw, reservation, description=descriptions.of_members(raw, reservation))


def statuses(answer: Mapping[str, Any]) -> Iterator[StatusSnapshot]:
    """Yield the statuses of one page of DescribeInstanceStatus; raises Incomplete."""
    for raw in answer["InstanceStatuses"]:
        yield status(raw)


def state_changes(raw: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Return each instance's previous and current state."""
    return {
        change["InstanceId"]: (_state(change.get("PreviousState")), _state(change.get("CurrentState")))
        for change in raw
        if change.get("InstanceId")
    }


def instance(
    raw: Mapping[str, Any], reservation: Mapping[str, Any], *, raw_digest: bytes = b"", description: bytes = b""
) -> InstanceSnapshot:
    """Return one instance and what its reservation says of it; raises Incomplete."""
    if not raw.get("State"):
        raise Incomplete("an instance has no state")
    reason = raw.get("StateReason") or {}
    placement, profile = raw.get("Placement") or {}, raw.get("IamInstanceProfile") or {}
    operator = raw.get("Operator") or {}
    return InstanceSnapshot(
        instance_id=_instance_id(raw),
        state=_state(raw["State"]),
        account_id=_text(reservation.get("OwnerId"), 12),
        state_reason_code=_text(reason.get("Code"), 100),
        state_reason=_text(reason.get("Message")),
        state_transition_reason=_text(raw.get("StateTransitionReason")),
        instance_type=_text(raw.get("InstanceType"), 60),
        availability_zone=_text(placement.get("AvailabilityZone"), 60),
        private_ip=_text(raw.get("PrivateIpAddress"), 45),
        public_ip=_text(raw.get("PublicIpAddress"), 45),
        private_dns=_text(raw.get("PrivateDnsName")),
        public_dns=_text(raw.get("PublicDnsName")),
        launched_at=raw.get("LaunchTime"),
        platform=_text(raw.get("PlatformDetails") or raw.get("Platform"), 100),
        architecture=_text(raw.get("Architecture"), 40),
        vpc_id=_text(raw.get("VpcId"), 60),
        subnet_id=_text(raw.get("SubnetId"), 60),
        image_id=_text(raw.get("ImageId"), 60),
        key_name=_text(raw.get("KeyName")),
        iam_role=_text(profile.get("Arn")).rsplit("/", 1)[-1],
        lifecycle=_text(raw.get("InstanceLifecycle"), 40),
        root_device_type=_text(raw.get("RootDeviceType"), 40),
        managed_by=_text(operator.get("Principal") or "AWS") if operator.get("Managed") else "",
        tags={_text(tag.get("Key")): _text(tag.get("Value"), 256) for tag in raw.get("Tags", ())},
        spot_request_id=_text(raw.get("SpotInstanceRequestId"), 60),
        raw_digest=raw_digest,
        description=description,
    )


def status(raw: Mapping[str, Any], *, raw_digest: bytes = b"") -> StatusSnapshot:
    """Return the status of one instance; raises Incomplete."""
    instance_id = _instance_id(raw)
    parts = [raw.get(key) or {} for key in ("SystemStatus", "InstanceStatus", "AttachedEbsStatus")]
    since = [d["ImpairedSince"] for part in parts for d in part.get("Details", ()) if d.get("ImpairedSince")]
    return StatusSnapshot(
        instance_id=instance_id,
        system=_text(parts[0].get("Status"), 20),
        instance=_text(parts[1].get("Status"), 20),
        ebs=_text(parts[2].get("Status"), 20),
        impaired_since=min(since, default=None),
        events=tuple(_event(instance_id, event) for event in raw.get("Events", ())),
        raw_digest=raw_digest,
    )


def _event(instance_id: str, raw: Mapping[str, Any]) -> ScheduledEventSnapshot:
    code = _text(raw.get("Code"), 60)
    not_before: datetime | None = raw.get("NotBefore")
    made_up = f"{code}@{not_before.isoformat() if not_before else ''}"
    return ScheduledEventSnapshot(
        instance_id=instance_id,
        event_id=_text(raw.get("InstanceEventId"), 60) or made_up[:60],
        code=code,
        description=_text(raw.get("Description"), 1000),
        not_before=not_before,
        not_after=raw.get("NotAfter"),
        not_before_deadline=raw.get("NotBeforeDeadline"),
    )


def _state(raw: Mapping[str, Any] | None) -> str:
    return state_name(_text((raw or {}).get("Name"), 20), (raw or {}).get("Code"))


def _instance_id(raw: Mapping[str, Any]) -> str:
    text = _text(raw.get("InstanceId"))
    if not text:
        raise Incomplete("an instance has no InstanceId")
    if not _ID.match(text):
        raise Incomplete("an instance has an InstanceId that AWS never gives out")
    return text


def _text(value: Any, limit: int = _SHORT) -> str:
    """Return text that every database stores: no NUL, no lone surrogate, not too long."""
    if not value:
        return ""
    if not isinstance(value, str):
        raise Incomplete("a member comes twice")
    return (value if value.isprintable() else _NUL_OR_SURROGATE.sub("\ufffd", value))[:limit]
