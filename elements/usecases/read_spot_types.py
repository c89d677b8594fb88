"""Learn of what type each Spot Instance's request is: AWS lists it apart, and stops only those of a persistent one."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from elements.aws.ec2 import MAX_IDS, Ec2Gateway
from elements.aws.errors import AwsError
from elements.models import Element
from elements.usecases.note_changes import IDS_AT_ONCE

log = logging.getLogger(__name__)

OPERATION = "DescribeSpotInstanceRequests"
# A key that may not see the requests is not asked with at each poll.
ASK_AGAIN = timedelta(minutes=5)


def read_spot_types(
    element: Element, gateway: Ec2Gateway, requests: Mapping[str, str], *, now: datetime
) -> dict[str, str]:
    """Return the types of Spot requests, given by instance ID; none when the key may not see them."""
    if not requests or element.debug_records.filter(operation=OPERATION, at__gte=now - ASK_AGAIN).exists():
        return {}
    wanted, found = sorted(requests.values()), dict[str, str]()
    try:
        for start in range(0, len(wanted), MAX_IDS):
            found.update(gateway.spot_request_types(wanted[start : start + MAX_IDS]))
    except AwsError as error:
        log.info("the Spot requests of element %s could not be read: %s", element.pk, error.code)
    return {instance_id: found[request] for instance_id, request in requests.items() if found.get(request)}


def store_spot_types(element: Element, types: Mapping[str, str]) -> list[str]:
    """Write types and return the instance IDs concerned; call it in a transaction, after the instances were stored."""
    for kind in set(types.values()):
        ids = [instance_id for instance_id, found in types.items() if found == kind]
        for start in range(0, len(ids), MAX_IDS):
            element.instances.filter(instance_id__in=ids[start : start + MAX_IDS]).update(spot_type=kind[:12])
    return list(types)


def untyped(element: Element, seen: Mapping[str, str], *, stored: bool) -> dict[str, str]:
    """Return the requests whose type is not held, by instance ID: of those seen, and of `stored` ones."""
    ids, typed = list(seen), set[str]()
    for start in range(0, len(ids), IDS_AT_ONCE):
        known = element.instances.filter(instance_id__in=ids[start : start + IDS_AT_ONCE]).exclude(spot_type="")
        typed.update(known.values_list("instance_id", flat=True))
    found = {instance_id: request for instance_id, request in seen.items() if instance_id not in typed}
    if stored:
        waiting = element.instances.untyped_spots().exclude(spot_request_id="").order_by()
        found = {**dict(waiting.values_list("instance_id", "spot_request_id")), **found}
    return found
