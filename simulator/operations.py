"""What each simulated operation of EC2 and STS does, by AWS's rules."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import groupby
from typing import Any

import botocore.session

from simulator.instances import Instance, described
from simulator.wire import ApiError
from simulator.world import Keys, World

_ID = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})\Z")
_STOPPABLE = {"running", "stopping", "stopped"}
_STARTABLE = {"stopped", "pending", "running"}
_BEFOREHAND = timedelta(minutes=60)
_LAST_MOMENT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Request:
    """One authenticated request."""

    world: World
    action: str
    keys: Keys
    region: str
    parameters: dict[str, Any]

    @property
    def scope(self) -> tuple[str, ...]:
        """Return what a page token belongs to."""
        return (self.action, self.keys.account, self.region)

    def instances(self) -> list[Instance]:
        """Return the caller's instances in the region."""
        return self.world.of(self.keys.account, self.region)

    def named(self, instance_ids: Sequence[str]) -> list[Instance]:
        """Return the instances with these ids; raises ApiError unless the caller has them all."""
        own = {instance.instance_id: instance for instance in self.instances()}
        for instance_id in instance_ids:
            if not _ID.match(instance_id):
                raise ApiError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
        missing = [instance_id for instance_id in instance_ids if instance_id not in own]
        if missing:
            plural = "s" if len(missing) > 1 else ""
            raise ApiError(
                "InvalidInstanceID.NotFound",
                f"The instance ID{plural} '{', '.join(missing)}' do{'' if plural else 'es'} not exist",
            )
        return [own[instance_id] for instance_id in dict.fromkeys(instance_ids)]


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


def start_instances(request: Request) -> dict[str, Any]:
    world, now = request.world, request.world.now()
    chosen = request.named(request.parameters["InstanceIds"])
    for one in chosen:
        phase = one.phase(now)
        if phase.reason and phase.reason[0] == "Server.SpotInstanceShutdown":
            raise ApiError(
                "IncorrectSpotRequestState",
                f"You can't start the Spot Instance '{one.instance_id}' because the associated Spot Instance request"
                " is not in an appropriate state to support start.",
            )
        _need(one, phase.state, _STARTABLE, "started")
    for one in chosen:
        if one.no_capacity and one.phase(now).state == "stopped":
            raise ApiError(
                "InsufficientInstanceCapacity",
                f"We currently do not have sufficient {one.type} capacity in the Availability Zone you requested"
                f" ({one.region}{one.zone}). Our system will be working on provisioning additional capacity.",
                500,
            )
    before = {one.instance_id: one.phase(now) for one in chosen}
    for one in chosen:
        if one.phase(now).state == "stopped":
            one.start(now, world.delay_s, world.initializing_s)
    return {"StartingInstances": [_change(one, before[one.instance_id], now) for one in chosen]}


def stop_instances(request: Request) -> dict[str, Any]:
    """Stop all the instances, or none when one of them cannot be stopped."""
    world, now = request.world, request.world.now()
    chosen = request.named(request.parameters["InstanceIds"])
    for one in chosen:
        _may_stop(one, one.phase(now).state, request.parameters)
    before = {one.instance_id: one.phase(now) for one in chosen}
    for one in chosen:
        if one.phase(now).state == "running":
            one.stop(now, world.delay_s)
    return {"StoppingInstances": [_change(one, before[one.instance_id], now) for one in chosen]}


def _may_stop(one: Instance, state: str, parameters: dict[str, Any]) -> None:
    """Raise ApiError when the instance cannot be stopped."""
    _need(one, state, _STOPPABLE, "stopped")
    if one.root_device != "ebs":
        raise ApiError(
            "UnsupportedOperation",
            f"The instance '{one.instance_id}' does not have an 'ebs' root device type and cannot be stopped.",
        )
    if one.lifecycle == "spot" and one.spot_type == "one-time":
        raise ApiError(
            "UnsupportedOperation",
            f"You can't stop the Spot Instance '{one.instance_id}' because it is associated with a one-time Spot"
            " Instance request. You can only stop Spot Instances associated with persistent Spot Instance requests.",
        )
    if one.protected:
        raise ApiError(
            "OperationNotPermitted",
            f"The instance '{one.instance_id}' may not be stopped. Modify its 'disableApiStop' instance attribute"
            " and try again.",
        )
    if parameters.get("Hibernate") and not one.hibernation:
        raise ApiError(
            "UnsupportedHibernationConfiguration",
            f"The instance '{one.instance_id}' was not configured at launch for hibernation.",
        )


def reboot_instances(request: Request) -> None:
    chosen = request.named(request.parameters["InstanceIds"])
    now = request.world.now()
    alive = [one for one in chosen if one.phase(now).state != "terminated"]
    for one in alive:
        _need(one, one.phase(now).state, {"running", "pending"}, "rebooted")
    for one in alive:
        one.reboots += 1


def _need(one: Instance, state: str, states: set[str], done: str) -> None:
    if state not in states:
        raise ApiError(
            "IncorrectInstanceState",
            f"The instance '{one.instance_id}' is not in a state from which it can be {done}.",
        )


def _change(one: Instance, before: Any, now: Any) -> dict[str, Any]:
    return {
        "InstanceId": one.instance_id,
        "CurrentState": one.state_member(one.phase(now)),
        "PreviousState": one.state_member(before),
    }


def modify_instance_event_start_time(request: Request) -> dict[str, Any]:
    given, now = request.parameters, request.world.now()
    (one,) = request.named([given["InstanceId"]])
    event = next((event for event in one.events if event.event_id == given["InstanceEventId"]), None)
    if event is None:
        raise ApiError("InvalidInstanceEventIDNotFound", f"The event ID '{given['InstanceEventId']}' does not exist")
    problem = ""
    if event.over or event.not_before <= now + _LAST_MOMENT:
        problem = "The event is over, has started, or starts within 5 minutes."
    elif event.deadline is None:
        problem = "The event has no deadline and cannot be rescheduled."
    elif given["NotBefore"] > event.deadline:
        problem = "The start time is after the event deadline."
    elif given["NotBefore"] < now + _BEFOREHAND:
        problem = "The start time must be at least 60 minutes from now."
    if problem:
        raise ApiError("InvalidInstanceEventStartTime", problem)
    request.world.move_event(event, given["NotBefore"])
    return {"Event": event.described()}


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


OPERATIONS: dict[str, Callable[[Request], dict[str, Any] | None]] = {
    "GetCallerIdentity": get_caller_identity,
    "DescribeInstances": describe_instances,
    "DescribeInstanceStatus": describe_instance_status,
    "DescribeInstanceAttribute": describe_instance_attribute,
    "DescribeSpotInstanceRequests": describe_spot_instance_requests,
    "DescribeRegions": describe_regions,
    "StartInstances": start_instances,
    "StopInstances": stop_instances,
    "RebootInstances": reboot_instances,
    "ModifyInstanceEventStartTime": modify_instance_event_start_time,
}


def perform(request: Request) -> dict[str, Any] | None:
    """Do what was asked, permission and DryRun first, and return the result's members; raises ApiError."""
    action, keys = request.action, request.keys
    if action not in OPERATIONS:
        raise ApiError("InvalidAction", f"The action {action} is not simulated.")
    if action in keys.denied:
        raise ApiError(
            "UnauthorizedOperation",
            f"You are not authorized to perform this operation. User: {keys.arn} is not authorized to perform:"
            f" ec2:{action} because no identity-based policy allows the ec2:{action} action",
            403,
        )
    if request.parameters.get("DryRun"):
        request.named(request.parameters.get("InstanceIds", ()))
        raise ApiError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
    return OPERATIONS[action](request)
