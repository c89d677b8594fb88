"""The facts of one instance: what AWS says about it that a person would look for, with the notes of the moment."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from elements.domain.instance_states import state_view
from elements.domain.losses import has_instance_store, is_elastic
from elements.models import Element, Instance

LIFECYCLES = {"": "On-demand", "spot": "Spot", "scheduled": "Scheduled", "capacity-block": "Capacity Block"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: a label, a text or a moment, and a note."""

    label: str
    text: str = ""
    note: str = ""
    is_code: bool = False
    moment: datetime | None = None


@dataclass(frozen=True, slots=True)
class Volume:
    """One attached EBS volume."""

    device: str
    volume_id: str
    is_root: bool
    status: str
    attached_at: datetime | None
    is_deleted: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One network interface."""

    card_id: str
    description: str
    subnet_id: str
    addresses: Sequence[str]
    public_ip: str
    is_elastic: bool
    mac: str
    groups: Sequence[str]
    status: str


def machine_facts(row: Instance, details: Mapping[str, Any], element: Element) -> list[Fact]:
    """Return what the instance is; `details` are AWS's description of it."""
    return [*_identity(row, details, element), *_options(row, details)]


def _identity(row: Instance, details: Mapping[str, Any], element: Element) -> list[Fact]:
    cpu = details.get("CpuOptions") or {}
    vcpus = (cpu.get("CoreCount") or 0) * (cpu.get("ThreadsPerCore") or 0)
    return _said(
        Fact("Display key", row.display_name, f"from {element.naming_format}"),
        Fact("Instance ID", row.instance_id, is_code=True),
        Fact("State", state_view(row.state).word, row.state_transition_reason),
        Fact("State reason", row.state_reason, row.state_reason_code),
        Fact("Type", row.instance_type, f"{vcpus} vCPU" if vcpus else ""),
        Fact("Launched", moment=row.launched_at),
        Fact("Image", row.image_id, is_code=True),
        Fact("Platform", ", ".join(text for text in (row.platform, row.architecture) if text)),
        _lifecycle(row, details),
        _root_device(row, details),
        Fact("Instance store", *_instance_store(row)),
    )


def _options(row: Instance, details: Mapping[str, Any]) -> list[Fact]:
    placement, profile = details.get("Placement") or {}, details.get("IamInstanceProfile") or {}
    tenancy = placement.get("Tenancy") or "default"
    return _said(
        Fact("IAM role", row.iam_role, profile.get("Arn", "")),
        Fact("Key pair", row.key_name),
        Fact("Auto Scaling group", row.auto_scaling_group, "may replace it when it is stopped"),
        Fact("Managed by", row.managed_by, "only that service starts and stops it"),
        Fact("Stop protection", *_protection(row)),
        Fact("Tenancy", "" if tenancy == "default" else tenancy, placement.get("HostId", "")),
        Fact("Placement group", placement.get("GroupName", "")),
        Fact("Metadata service", *_metadata(details)),
        Fact("Monitoring", str((details.get("Monitoring") or {}).get("State", "")).capitalize()),
        Fact("Hibernation", "Configured" if (details.get("HibernationOptions") or {}).get("Configured") else ""),
        Fact("Auto recovery", str((details.get("MaintenanceOptions") or {}).get("AutoRecovery", "")).capitalize()),
        Fact("Boot mode", details.get("CurrentInstanceBootMode") or details.get("BootMode") or ""),
        Fact("Reservation", details.get("ReservationId", ""), is_code=True),
        Fact("First seen", moment=row.first_seen_at),
    )


def network_facts(row: Instance, details: Mapping[str, Any]) -> list[Fact]:
    """Return where the instance is."""
    cards = details.get("NetworkInterfaces") or ()
    ipv6 = [address.get("Ipv6Address", "") for card in cards for address in card.get("Ipv6Addresses") or ()]
    checked = details.get("SourceDestCheck")
    groups = [group.get("GroupName") or group.get("GroupId", "") for group in details.get("SecurityGroups") or ()]
    return _said(
        Fact("Zone", row.availability_zone, (details.get("Placement") or {}).get("AvailabilityZoneId", "")),
        Fact("Private IP", row.private_ip, "kept when stopped"),
        Fact("Public IP", row.public_ip, _address_note(row, details)),
        Fact("IPv6", ", ".join(ipv6)),
        Fact("Private DNS", row.private_dns, is_code=True),
        Fact("Public DNS", row.public_dns, is_code=True),
        Fact("VPC", row.vpc_id, is_code=True),
        Fact("Subnet", row.subnet_id, is_code=True),
        Fact("Security groups", ", ".join(groups)),
        Fact("Source/destination check", "" if checked is None else "On" if checked else "Off"),
        Fact("Account", row.account_id, is_code=True),
    )


def volumes(details: Mapping[str, Any]) -> list[Volume]:
    """Return the attached volumes, the root volume first."""
    root = details.get("RootDeviceName", "")
    found = []
    for mapping in details.get("BlockDeviceMappings") or ():
        ebs, device = mapping.get("Ebs") or {}, mapping.get("DeviceName", "")
        attached_at, deleted = _moment(ebs.get("AttachTime")), bool(ebs.get("DeleteOnTermination"))
        found.append(
            Volume(device, ebs.get("VolumeId", ""), device == root, ebs.get("Status", ""), attached_at, deleted)
        )
    return sorted(found, key=lambda volume: (not volume.is_root, volume.device))


def cards(details: Mapping[str, Any]) -> list[Card]:
    """Return the network interfaces in the order of their place."""
    raw = details.get("NetworkInterfaces") or ()
    return [
        _card(each) for each in sorted(raw, key=lambda each: (each.get("Attachment") or {}).get("DeviceIndex") or 0)
    ]


def description(details: Mapping[str, Any]) -> str:
    """Return AWS's description in full, as JSON."""
    return json.dumps(details, indent=2, ensure_ascii=False, sort_keys=True)


def _card(raw: Mapping[str, Any]) -> Card:
    association = raw.get("Association") or {}
    private = [each.get("PrivateIpAddress", "") for each in raw.get("PrivateIpAddresses") or ()]
    own = [address for address in private or [raw.get("PrivateIpAddress", "")] if address]
    return Card(
        card_id=raw.get("NetworkInterfaceId", ""),
        description=raw.get("Description", ""),
        subnet_id=raw.get("SubnetId", ""),
        addresses=[*own, *(each.get("Ipv6Address", "") for each in raw.get("Ipv6Addresses") or ())],
        public_ip=association.get("PublicIp", ""),
        is_elastic=association.get("IpOwnerId", "amazon") != "amazon",
        mac=raw.get("MacAddress", ""),
        groups=[group.get("GroupName") or group.get("GroupId", "") for group in raw.get("Groups") or ()],
        status=raw.get("Status", ""),
    )


def _lifecycle(row: Instance, details: Mapping[str, Any]) -> Fact:
    kind = f", {row.spot_type}" if row.spot_type else ""
    text = LIFECYCLES.get(row.lifecycle, row.lifecycle) + kind
    return Fact("Lifecycle", text, details.get("SpotInstanceRequestId") or "")


def _root_device(row: Instance, details: Mapping[str, Any]) -> Fact:
    name = details.get("RootDeviceName") or ""
    if row.root_device_type == "instance-store":
        return Fact("Root device", "Instance store", "cannot be stopped, only terminated")
    return Fact(
        "Root device", row.root_device_type.upper(), ", ".join(text for text in (name, "kept when stopped") if text)
    )


def _instance_store(row: Instance) -> tuple[str, str]:
    if row.root_device_type != "instance-store" and has_instance_store(row.instance_type):
        return "Disks of the host", "data lost when stopped"
    return "", ""


def _protection(row: Instance) -> tuple[str, str]:
    return ("On", "as AWS said when it was last to be stopped") if row.protected_seen_at else ("", "")


def _metadata(details: Mapping[str, Any]) -> tuple[str, str]:
    options = details.get("MetadataOptions") or {}
    if options.get("HttpEndpoint") == "disabled":
        return "Off", ""
    tokens = {"required": "IMDSv2 only", "optional": "IMDSv1 and IMDSv2"}.get(options.get("HttpTokens", ""), "")
    hops = options.get("HttpPutResponseHopLimit")
    return tokens, f"hop limit {hops}" if hops and tokens else ""


def _address_note(row: Instance, details: Mapping[str, Any]) -> str:
    match is_elastic(details, row.public_ip):
        case True:
            return "Elastic IP, kept when stopped"
        case False:
            return "released when stopped"
        case _:
            return "released when stopped unless it is an Elastic IP"


def _moment(text: object) -> datetime | None:
    try:
        return parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _said(*facts: Fact) -> list[Fact]:
    """Leave out what AWS does not say."""
    return [fact for fact in facts if fact.text or fact.moment]
