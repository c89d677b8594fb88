"""What stopping an instance costs: its data, its place in a group, its address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from elements.domain.instance_states import Verb

TYPED_FROM = 10
# Families with disks inside the host. Source: EC2 user guide, instance store volumes by instance type. Besides these,
# a `d` behind the generation says so (c5d, m6gd, x2idn). New families follow the same letters.
_WITH_DISKS = re.compile(
    r"^(?:i|im|is|d|h|hs|f|hi|cr|cc|cg)\d|^(?:m1|m2|m3|c1|c3|r3|g2|x1|x1e|z1d|dl1|dl2q|gr6|g5|g6|g6e|g6f)\.|^trn\d|^p[56]"
)
_D_BEHIND_GENERATION = re.compile(r"^[a-z]+\d+[a-z]*d[a-z]*(?:-[\w-]+)?\.")


@dataclass(frozen=True, slots=True)
class Loss:
    """One thing that goes, worst first by rank, in words."""

    rank: int
    text: str


DATA, GROUP, ADDRESS = 0, 1, 2


def losses(
    verb: Verb, *, instance_type: str, public_ip: str, is_elastic: bool | None, auto_scaling_group: str
) -> list[Loss]:
    """Return what the instance loses, worst first; `is_elastic` None when it is not known."""
    if verb != "stop":
        return []
    found = []
    if has_instance_store(instance_type):
        found.append(Loss(DATA, "Data on its instance store volumes is lost"))
    if auto_scaling_group:
        found.append(Loss(GROUP, f"Auto Scaling group {auto_scaling_group} may replace it"))
    if public_ip and not is_elastic:
        unless = " unless it is an Elastic IP" if is_elastic is None else ""
        found.append(Loss(ADDRESS, f"Public IP {public_ip} is released{unless}"))
    return found


def has_instance_store(instance_type: str) -> bool:
    """Tell whether instances of the type have disks of their host, whose data does not survive a stop."""
    return bool(_WITH_DISKS.match(instance_type) or _D_BEHIND_GENERATION.match(instance_type))


def is_elastic(details: Mapping[str, Any], public_ip: str) -> bool | None:
    """Tell from AWS's description whether the address stays when the instance stops; None when it does not say."""
    for card in details.get("NetworkInterfaces") or ():
        association = card.get("Association") or {}
        if association.get("PublicIp") == public_ip and association.get("IpOwnerId"):
            return bool(association["IpOwnerId"] != "amazon")
    return None


def must_type(verb: Verb, number: int, *, loses_data: bool) -> str:
    """Return what has to be typed before so many instances are stopped, "" when nothing has to."""
    if verb != "stop" or not (number >= TYPED_FROM or loses_data):
        return ""
    return str(number) if number > 1 else verb
