"""What is simulated of EC2 and STS, and who may do it."""

from collections.abc import Callable
from typing import Any

from simulator import changing, listing
from simulator.request import Request
from simulator.wire import ApiError

OPERATIONS: dict[str, Callable[[Request], dict[str, Any] | None]] = {
    "GetCallerIdentity": listing.get_caller_identity,
    "DescribeInstances": listing.describe_instances,
    "DescribeInstanceStatus": listing.describe_instance_status,
    "DescribeInstanceAttribute": listing.describe_instance_attribute,
    "DescribeSpotInstanceRequests": listing.describe_spot_instance_requests,
    "DescribeRegions": listing.describe_regions,
    "StartInstances": changing.start_instances,
    "StopInstances": changing.stop_instances,
    "RebootInstances": changing.reboot_instances,
    "ModifyInstanceEventStartTime": changing.modify_instance_event_start_time,
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
