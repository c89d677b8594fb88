"""From what AWS said about an instance to the values of its row."""

import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from elements.domain.changes import Name
from elements.domain.snapshots import InstanceSnapshot, StatusSnapshot, digest

# Worst first: the order in which a table sorted by checks shows them.
CHECK_RANKS = {"impaired": 0, "insufficient-data": 1, "initializing": 2, "ok": 3}
UNCHECKED_RANK = 9
_STAMP = re.compile(r"\((\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (?:GMT|UTC)\)")
_COPIED = (
    "instance_id",
    "state",
    "account_id",
    "state_reason_code",
    "state_reason",
    "state_transition_reason",
    "instance_type",
    "availability_zone",
    "private_ip",
    "public_ip",
    "private_dns",
    "public_dns",
    "launched_at",
    "platform",
    "architecture",
    "vpc_id",
    "subnet_id",
    "image_id",
    "key_name",
    "iam_role",
    "lifecycle",
    "root_device_type",
    "managed_by",
    "auto_scaling_group",
    "spot_request_id",
)
# Goes up with each release that makes other values of the same answer, so that all instances are read and written anew.
_VERSION = 1


def instance_values(snapshot: InstanceSnapshot, name: Name) -> dict[str, Any]:
    """Return a row's columns for a snapshot and its name.

    `digest` covers what AWS said and how columns are made of it, not the name.
    """
    said: dict[str, Any] = {field: getattr(snapshot, field) for field in _COPIED}
    said["tags"] = dict(snapshot.tags)
    values = {**said, "raw_digest": snapshot.raw_digest}
    values["tag_lines"] = lines = tag_lines(snapshot.tags)
    values.update(name_values(name, _words(snapshot, name.text) + lines))
    values["private_ip_number"] = ip_number(snapshot.private_ip)
    values["public_ip_number"] = ip_number(snapshot.public_ip)
    values["digest"] = digest({**said, "made_by": _made_by(_VERSION, tuple(values))})
    return values


def name_values(name: Name, search: str) -> dict[str, Any]:
    """Return the columns that hold a name; the first line of what was searched so far gives way to it."""
    rest = search.partition("\n")[2]
    return {
        "display_name": name.text,
        "plain_name": name.plain,
        "name_is_shared": name.is_shared,
        "search": f"{name.text.lower()}\n{rest}",
    }


@cache
def recipe() -> str:
    """Return what stands for the columns that rows have and for how they are made; a release may change both."""
    row = {**instance_values(InstanceSnapshot("i", "running"), Name("i", "i")), **status_values(None)}
    return _made_by(_VERSION, tuple(row))


@lru_cache
def _made_by(version: int, columns: tuple[str, ...]) -> str:
    return digest({"version": version, "columns": sorted(columns)})


def status_values(status: StatusSnapshot | None) -> dict[str, Any]:
    """Return a row's columns for the status checks; an instance without a status has none."""
    if status is None:
        return {**_checks("", "", "", None), "status_raw_digest": b""}
    found = _checks(status.system, status.instance, status.ebs, status.impaired_since)
    return {**found, "status_raw_digest": status.raw_digest}


@lru_cache(maxsize=1000)
def _checks(system: str, instance: str, ebs: str, impaired_since: datetime | None) -> Mapping[str, Any]:
    """Return the columns of results, which are the same for most instances."""
    values: dict[str, Any] = {"system_status": system, "instance_status": instance, "ebs_status": ebs}
    values["impaired_since_at"] = impaired_since
    values["checks_rank"] = min(CHECK_RANKS.get(check, UNCHECKED_RANK) for check in (system, instance, ebs))
    values["status_digest"] = digest(values)
    return values


def state_since(snapshot: InstanceSnapshot) -> datetime | None:
    """Return since when the instance is in its state, as far as AWS tells; the stamp is read tolerantly."""
    if snapshot.state == "running":
        return snapshot.launched_at
    stamp = _STAMP.search(snapshot.state_transition_reason)
    if stamp is None:
        return None
    try:
        return datetime.strptime(stamp.group(1), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def naming_values(snapshot: InstanceSnapshot, region: str) -> dict[str, str]:
    """Return what the placeholders of a naming format stand for."""
    return {
        "instance_id": snapshot.instance_id,
        "short_id": snapshot.instance_id[-6:],
        "name": snapshot.name,
        "type": snapshot.instance_type,
        "az": snapshot.availability_zone,
        "region": region,
        "account_id": snapshot.account_id,
        "private_ip": snapshot.private_ip,
        "public_ip": snapshot.public_ip,
        "private_dns": snapshot.private_dns,
        "public_dns": snapshot.public_dns,
        "vpc_id": snapshot.vpc_id,
        "subnet_id": snapshot.subnet_id,
        "image_id": snapshot.image_id,
        "key_name": snapshot.key_name,
        "lifecycle": snapshot.lifecycle,
        "platform": snapshot.platform,
        "architecture": snapshot.architecture,
        "asg": snapshot.auto_scaling_group,
    }


def tag_lines(tags: Mapping[str, str]) -> str:
    """Return the tags in lower case as lines `key=value` between newlines, for the filter `tag:`."""
    return "\n" + "".join(f"{key}={value}\n".lower() for key, value in sorted(tags.items()))


def search_text(snapshot: InstanceSnapshot, display_name: str) -> str:
    """Return what free text is looked for in, in lower case."""
    return _words(snapshot, display_name) + tag_lines(snapshot.tags)


def _words(snapshot: InstanceSnapshot, display_name: str) -> str:
    words = (
        display_name,
        snapshot.instance_id,
        snapshot.instance_type,
        snapshot.private_ip,
        snapshot.public_ip,
        snapshot.private_dns,
        snapshot.public_dns,
    )
    return "\n".join(words).lower()


def ip_number(address: str) -> int | None:
    """Return an IPv4 address as a number, so that tables sort 10.0.0.9 before 10.0.0.10."""
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, address), "big")
    except (OSError, ValueError):
        return None
