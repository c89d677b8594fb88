"""Instance and Event: one simulated instance, how its state moves with time, and how EC2 describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
CHECKS = ("system", "instance", "ebs")
_DETAIL = {"ok": "passed", "impaired": "failed"}
_USER_STOP = ("Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown")
_LAUNCH_ERROR = ("Client.InternalError", "Client.InternalError: Client error on launch")


@dataclass(frozen=True, slots=True)
class Phase:
    """The state an instance has from a moment on, and why."""

    at: datetime
    state: str
    launched_at: datetime
    reason: tuple[str, str] | None = None
    transition: str = ""


@dataclass(slots=True)
class Event:
    """A scheduled event of one instance."""

    event_id: str
    code: str
    description: str
    not_before: datetime
    not_after: datetime | None = None
    deadline: datetime | None = None

    def complete(self) -> None:
        """Mark it as AWS marks what is done."""
        self.description = f"[Completed] {self.description}"

    def cancel(self) -> None:
        """Mark it as AWS marks what it called off."""
        self.description = f"[Canceled] {self.description}"

    @property
    def over(self) -> bool:
        """Tell whether it is completed or canceled."""
        return self.description.startswith("[")

    def described(self) -> dict[str, Any]:
        """Return it as DescribeInstanceStatus does."""
        return {
            "InstanceEventId": self.event_id,
            "Code": self.code,
            "Description": self.description,
            "NotBefore": self.not_before,
            "NotAfter": self.not_after,
            "NotBeforeDeadline": self.deadline,
        }


@dataclass(slots=True)
class Instance:
    """A simulated instance; tests change its fields as they like."""

    instance_id: str
    region: str
    account: str
    reservation_id: str
    phases: list[Phase]
    tags: dict[str, str] = field(default_factory=dict)
    type: str = "m5.large"
    zone: str = "a"
    private_ip: str | None = None
    public_ip: str | None = None
    root_device: str = "ebs"
    lifecycle: str | None = None
    spot_type: str = "one-time"
    architecture: str = "x86_64"
    platform: str = "Linux/UNIX"
    image_id: str = "ami-0d3a0demo00000001"
    key_name: str | None = "demo-key"
    iam_role: str | None = None
    managed_by: str | None = None
    protected: bool = False
    kms_denied: bool = False
    no_capacity: bool = False
    hibernation: bool = False
    state_code_noise: int = 0
    reboots: int = 0
    checks: dict[str, str] = field(default_factory=lambda: dict.fromkeys(CHECKS, "ok"))
    impaired_since: dict[str, datetime] = field(default_factory=dict)
    initializing_until: datetime | None = None
    events: list[Event] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def spot_request_id(self) -> str | None:
        """Return the ID of its Spot request, None when it is not Spot."""
        return f"sir-{self.instance_id[-8:]}" if self.lifecycle == "spot" else None

    def phase(self, at: datetime) -> Phase:
        """Return the phase it is in at a moment."""
        return next((phase for phase in reversed(self.phases) if phase.at <= at), self.phases[0])

    def set_state(self, state: str, at: datetime) -> None:
        """Put it into a state at once, as if it had always been there."""
        launched_at = self.phase(at).launched_at
        if state in ("stopped", "stopping", "terminated", "shutting-down"):
            self.phases = [Phase(launched_at, state, launched_at, _USER_STOP, _user_initiated(at))]
        else:
            self.phases = [Phase(launched_at, state, launched_at)]

    def start(self, at: datetime, delay_s: float, initializing_s: float) -> None:
        """Go pending -> running; with `kms_denied`, back to stopped as AWS does without kms:CreateGrant."""
        later = at + timedelta(seconds=delay_s)
        self._push(Phase(at, "pending", at, ("pending", "pending")))
        if self.kms_denied:
            self._push(Phase(later, "stopped", at, _LAUNCH_ERROR, f"Client.InternalError ({at:%Y-%m-%d %H:%M:%S} GMT)"))
        else:
            self._push(Phase(later, "running", at))
            self.initializing_until = later + timedelta(seconds=initializing_s)
        # The instance comes up on another host, which is what such an event asks for.
        self.events = [event for event in self.events if event.over or self.root_device != "ebs"]

    def stop(self, at: datetime, delay_s: float) -> None:
        """Go stopping -> stopped."""
        self._leave(at, delay_s, "stopping", "stopped")

    def terminate(self, at: datetime, delay_s: float) -> None:
        """Go shutting-down -> terminated; it stays listed until it is made to vanish."""
        self._leave(at, delay_s, "shutting-down", "terminated")

    def _leave(self, at: datetime, delay_s: float, between: str, final: str) -> None:
        first = replace(self.phase(at), at=at, state=between, reason=_USER_STOP, transition=_user_initiated(at))
        self._push(first)
        self._push(replace(first, at=at + timedelta(seconds=delay_s), state=final))

    def _push(self, phase: Phase) -> None:
        """Add a phase; what was still to come is not coming any more."""
        self.phases = [known for known in self.phases if known.at < phase.at] + [phase]

    def fail_check(self, check: str, since: datetime) -> None:
        """Let one of system, instance and ebs fail."""
        self.checks[check], self.impaired_since[check] = "impaired", since

    def pass_checks(self) -> None:
        """Let all checks pass."""
        self.checks, self.impaired_since = dict.fromkeys(CHECKS, "ok"), {}

    def state_member(self, phase: Phase) -> dict[str, Any]:
        """Return the InstanceState of a phase; the high byte of its code means nothing."""
        return {"Code": STATE_CODES[phase.state] | self.state_code_noise << 8, "Name": phase.state}

    def status(self, at: datetime) -> dict[str, Any]:
        """Return it as DescribeInstanceStatus does."""
        phase = self.phase(at)
        names = {"system": "SystemStatus", "instance": "InstanceStatus", "ebs": "AttachedEbsStatus"}
        return {
            "AvailabilityZone": self.region + self.zone,
            "InstanceId": self.instance_id,
            "InstanceState": self.state_member(phase),
            "Events": [event.described() for event in self.events] or None,
            **{names[check]: self._check(check, phase, at) for check in self.checks},
        }

    def _check(self, check: str, phase: Phase, at: datetime) -> dict[str, Any]:
        if phase.state != "running":
            return {"Status": "not-applicable"}
        status = self.checks[check]
        if status == "ok" and self.initializing_until and at < self.initializing_until:
            status = "initializing"
        since = self.impaired_since.get(check) if status == "impaired" else None
        detail = {"Name": "reachability", "Status": _DETAIL.get(status, status), "ImpairedSince": since}
        return {"Status": status, "Details": [detail]}


def _user_initiated(at: datetime) -> str:
    return f"User initiated ({at:%Y-%m-%d %H:%M:%S} GMT)"


def described(instance: Instance, at: datetime) -> dict[str, Any]:
    """Return the instance as DescribeInstances does."""
    phase = instance.phase(at)
    here = phase.state not in ("terminated", "shutting-down")
    answer = {
        "InstanceId": instance.instance_id,
        "ImageId": instance.image_id,
        "State": instance.state_member(phase),
        "StateTransitionReason": phase.transition,
        "StateReason": {"Code": phase.reason[0], "Message": phase.reason[1]} if phase.reason else None,
        "InstanceType": instance.type,
        "KeyName": instance.key_name,
        "AmiLaunchIndex": 0,
        "LaunchTime": phase.launched_at,
        "Placement": {"AvailabilityZone": instance.region + instance.zone, "GroupName": "", "Tenancy": "default"},
        "Monitoring": {"State": "disabled"},
        "Architecture": instance.architecture,
        "RootDeviceType": instance.root_device,
        "RootDeviceName": "/dev/xvda",
        "VirtualizationType": "hvm",
        "Hypervisor": "xen",
        "EbsOptimized": instance.root_device == "ebs",
        "EnaSupport": True,
        "ClientToken": f"demo-{instance.instance_id[-12:]}",
        "PlatformDetails": instance.platform,
        "Platform": "windows" if instance.platform.startswith("Windows") else None,
        "UsageOperation": "RunInstances:0002" if instance.platform.startswith("Windows") else "RunInstances",
        "UsageOperationUpdateTime": phase.launched_at,
        "InstanceLifecycle": instance.lifecycle,
        "SpotInstanceRequestId": instance.spot_request_id,
        "CpuOptions": {"CoreCount": 1, "ThreadsPerCore": 2},
        "HibernationOptions": {"Configured": instance.hibernation},
        "MetadataOptions": {"State": "applied", "HttpTokens": "required", "HttpEndpoint": "enabled"},
        "EnclaveOptions": {"Enabled": False},
        "MaintenanceOptions": {"AutoRecovery": "default", "RebootMigration": "default"},
        "Operator": {"Managed": instance.managed_by is not None, "Principal": instance.managed_by},
        "ProductCodes": [],
        "BlockDeviceMappings": [_volume(instance, phase)] if here and instance.root_device == "ebs" else [],
        "Tags": [{"Key": key, "Value": value} for key, value in list(instance.tags.items())],
        "IamInstanceProfile": _profile(instance) if instance.iam_role else None,
        **(_network(instance, phase) if here else {"NetworkInterfaces": [], "SecurityGroups": []}),
    }
    return {**answer, **instance.extra}


def _volume(instance: Instance, phase: Phase) -> dict[str, Any]:
    volume = {"VolumeId": f"vol-0{instance.instance_id[-16:]}", "Status": "attached", "DeleteOnTermination": True}
    return {"DeviceName": "/dev/xvda", "Ebs": {**volume, "AttachTime": phase.launched_at}}


def _profile(instance: Instance) -> Mapping[str, str]:
    arn = f"arn:aws:iam::{instance.account}:instance-profile/{instance.iam_role}"
    return {"Arn": arn, "Id": f"AIPADEMO{instance.instance_id[-12:].upper()}"}


def _network(instance: Instance, phase: Phase) -> dict[str, Any]:
    """Return the members on the network; a public address is given back while the instance does not run."""
    private = instance.private_ip or ""
    public = instance.public_ip if phase.state == "running" else None
    dns = f"ip-{private.replace('.', '-')}.{instance.region}.compute.internal" if private else ""
    public_dns = f"ec2-{public.replace('.', '-')}.{instance.region}.compute.amazonaws.com" if public else ""
    groups = [{"GroupId": "sg-0demo000000000001", "GroupName": "demo"}]
    where = {"VpcId": "vpc-0demo00000000000a", "SubnetId": f"subnet-0demo0000000000{instance.zone}"}
    card = {
        "NetworkInterfaceId": f"eni-0{instance.instance_id[-16:]}",
        "OwnerId": instance.account,
        "Status": "in-use",
        "MacAddress": _mac(instance.instance_id[-10:]),
        "PrivateIpAddress": private,
        "PrivateDnsName": dns,
        "SourceDestCheck": True,
        "InterfaceType": "interface",
        "Groups": groups,
        "Ipv6Addresses": [],
        "Attachment": {
            "AttachmentId": f"eni-attach-0{instance.instance_id[-16:]}",
            "DeviceIndex": 0,
            "Status": "attached",
        },
        "Association": {"IpOwnerId": "amazon", "PublicDnsName": public_dns, "PublicIp": public} if public else None,
        **where,
    }
    return {
        "PrivateIpAddress": private or None,
        "PrivateDnsName": dns,
        "PublicIpAddress": public,
        "PublicDnsName": public_dns,
        "SourceDestCheck": True,
        "SecurityGroups": groups,
        "NetworkInterfaces": [card],
        **where,
    }


def _mac(digits: str) -> str:
    return ":".join(["02", *(digits[at : at + 2] for at in range(0, 10, 2))])
