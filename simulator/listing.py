"""The simulated operations that read, by AWS's rules."""

from functools import cache
from itertools import groupby
from typing import Any

import botocore.session

from simulator.instances import Instance, described
from simulator.request import Request
from simulator.wire import ApiError


def get_caller_identity(request: Request) -> dict[str, Any]:
    keys = request.keys
    return {"UserId": f"AIDADEMO{keys.account}", "Account": keys.account, "Arn": keys.arn}


def describe_instances(request: Request) -> dict[str, Any]:
    page, token = _page(request)
    at = request.world.seen_at()
    reservations = [
        {
            "ReservationId": reservation_id,
            "OwnerId": request.keys.account,
            "Groups": [],
            "Instances": [described(instance, at) for instance in instances],
        }
        for reservation_id, instances in groupby(page, key=lambda instance: instance.reservation_id)
    ]
    return {"Reservations": reservations, "NextToken": token}


def describe_instance_status(request: Request) -> dict[str, Any]:
    page, token = _page(request, everything=request.parameters.get("IncludeAllInstances", False))
    statuses = [instance.status(request.world.seen_at()) for instance in page]
    for status in statuses:
        for event in status["Events"] or ():
            event["NotBefore"] = request.world.shown_start(event["InstanceEventId"], event["NotBefore"])
    return {"InstanceStatuses": statuses, "NextToken": token}


def _page(request: Request, *, everything: bool = True) -> tuple[list[Instance], str | None]:
    """Return the instances of the page asked for, and the token of the next."""
    given, world = request.parameters, request.world
    size, ids, token = given.get("MaxResults"), given.get("InstanceIds"), given.get("NextToken")
    if size is not None and not 5 <= size <= 1000:
        limit = "greater than 5" if size < 5 else "less than 1000"
        raise ApiError(
            "InvalidParameterValue", f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value {limit}."
        )
    if ids and size is not None:
        raise ApiError(
            "InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults"
        )
    at = world.seen_at()
    chosen = request.named(ids) if ids else request.instances()
    chosen = [i for i in chosen if (everything or i.phase(at).state == "running") and _matches(i, request)]
    if not ids:
        chosen = [i for i in chosen if "Omit" not in given or given["Omit"] not in (None, i.instance_id)]
        size = min(size or world.page_size, world.page_size)
    wanted, token = world.page(request.scope, [i.instance_id for i in chosen], given.get("PageSize", size), token)
    return [world.instances[i] for i in wanted if i in world.instances], token


def _matches(instance: Instance, request: Request) -> bool:
    """Tell whether the instance passes all filters; raises ApiError for one that is not simulated."""
    for one in request.parameters.get("Filters", ()):
        name, wanted = one["Name"], one.get("Values", [])
        if name.startswith("tag:"):
            have = [instance.tags[name[4:]]] if name[4:] in instance.tags else []
        elif name == "tag-key":
            have = list(instance.tags)
        elif name == "instance-state-name":
            have = [instance.phase(request.world.seen_at()).state]
        elif name == "instance-id":
            have = [instance.instance_id]
        elif name == "instance-type":
            have = [instance.type]
        elif name == "event.code":
            have = [event.code for event in instance.events]
        else:
            raise ApiError("InvalidParameterValue", f"The filter '{name}' is invalid")
        if not set(have) & set(wanted):
            return False
    return True


def describe_instance_attribute(request: Request) -> dict[str, Any]:
    (one,) = request.named([request.parameters["InstanceId"]])
    attribute = request.parameters["Attribute"]
    if attribute != "disableApiStop":
        raise ApiError("InvalidParameterValue", f"The attribute {attribute} is not simulated.")
    return {"InstanceId": one.instance_id, "DisableApiStop": {"Value": one.protected}}


def describe_spot_instance_requests(request: Request) -> dict[str, Any]:
    wanted = set(request.parameters.get("SpotInstanceRequestIds", ()))
    rows = [i for i in request.instances() if i.spot_request_id and (not wanted or i.spot_request_id in wanted)]
    for each in request.parameters.get("Filters", ()):
        rows = [i for i in rows if each["Name"] != "spot-instance-request-id" or i.spot_request_id in each["Values"]]
    for unknown in wanted - {i.spot_request_id for i in rows}:
        raise ApiError(
            "InvalidSpotInstanceRequestID.NotFound", f"The spot instance request ID '{unknown}' does not exist"
        )
    return {
        "SpotInstanceRequests": [
            {
                "SpotInstanceRequestId": i.spot_request_id,
                "Type": i.spot_type,
                "State": "active",
                "InstanceId": i.instance_id,
            }
            for i in rows
        ]
    }


@cache
def _region_names() -> list[str]:
    return botocore.session.Session().get_available_regions("ec2")


def describe_regions(request: Request) -> dict[str, Any]:
    given, off = request.parameters, request.keys.disabled_regions
    known = sorted({*_region_names(), request.region})
    names = given.get("RegionNames") or (known if given.get("AllRegions") else [r for r in known if r not in off])
    for unknown in set(names) - set(known):
        raise ApiError("InvalidParameterValue", f"Invalid region provided: {unknown}")
    shown = [name for name in names if given.get("AllRegions") or name not in off]
    return {
        "Regions": [
            {
                "RegionName": name,
                "Endpoint": f"ec2.{name}.amazonaws.com",
                "OptInStatus": "not-opted-in" if name in off else "opt-in-not-required",
            }
            for name in shown
        ]
    }
