"""The simulated operations that change something, by AWS's rules."""

from datetime import timedelta
from typing import Any

from simulator.instances import Instance
from simulator.request import Request
from simulator.wire import ApiError

_STOPPABLE = {"running", "stopping", "stopped"}
_STARTABLE = {"stopped", "pending", "running"}
_BEFOREHAND = timedelta(minutes=60)
_LAST_MOMENT = timedelta(minutes=5)


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
