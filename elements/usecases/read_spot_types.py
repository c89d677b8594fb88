"""Learn of what type each Spot Instance's request is: AWS lists it apart, and stops only those of a persistent one."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from elements.aws.ec2 import MAX_IDS, Ec2Gateway
from elements.aws.errors import AwsError
from elements.domain.snapshots import InstanceSnapshot
from elements.models import Element

log = logging.getLogger(__name__)

OPERATION = "DescribeSpotInstanceRequests"
# A key that may not see the requests is not asked with at each poll.
ASK_AGAIN = timedelta(minutes=5)


def read_spot_types(
    element: Element, gateway: Ec2Gateway, snapshots: Sequence[InstanceSnapshot], *, now: datetime
) -> dict[str, str]:
    """Return the types not held yet, by instance ID; none when the key may not see them. A type never changes."""
    wanted = _unknown(element, snapshots)
    if not wanted or element.debug_records.filter(operation=OPERATION, at__gte=now - ASK_AGAIN).exists():
        return {}
    requests, found = sorted(wanted), dict[str, str]()
    try:
        for start in range(0, len(requests), MAX_IDS):
            found.update(gateway.spot_request_types(requests[start : start + MAX_IDS]))
    except AwsError as error:
        log.info("the Spot requests of element %s could not be read: %s", element.pk, error.code)
    return {wanted[request]: kind for request, kind in found.items() if request in wanted and kind}


def store_spot_types(element: Element, types: Mapping[str, str]) -> list[str]:
    """Write types and return the instance IDs concerned; call it in a transaction, after the instances were stored."""
    for kind in set(types.values()):
        ids = [instance_id for instance_id, found in types.items() if found == kind]
        for start in range(0, len(ids), MAX_IDS):
            element.instances.filter(instance_id__in=ids[start : start + MAX_IDS]).update(spot_type=kind[:12])
    return list(types)


def _unknown(element: Element, snapshots: Sequence[InstanceSnapshot]) -> dict[str, str]:
    """Return the instance IDs by Spot request of those whose type is not held."""
    spots = {each.instance_id: each for each in snapshots if each.lifecycle == "spot"}
    if not spots:
        return {}
    known = element.instances.filter(lifecycle="spot").exclude(spot_type="").values_list("instance_id", flat=True)
    missing = spots.keys() - set(known)
    requests = {spots[key].spot_request_id: key for key in missing}
    return {request: key for request, key in requests.items() if request}
