"""From an instance's XML to those members that we keep, named and typed as botocore does.

What is written here by hand is a part of botocore's service model, which a test holds it against.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from elements.aws.botocore_session import moment

Read = Callable[[Any], Any]
Table = Mapping[str, tuple[str, Read]]


class Odd(Exception):
    """A member twice, of another namespace, or with more than text in it: botocore has rules for such things."""


def _text(node: Any) -> str:
    if len(node):
        raise Odd
    return node.text or ""


def _number(node: Any) -> int:
    return int(_text(node))


def _truth(node: Any) -> bool:
    return _text(node) == "true"


def _moment(node: Any) -> datetime:
    return moment(_text(node))


def _structure(table: Table) -> Read:
    def read(node: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for child in node:
            tag = child.tag
            entry = table.get(tag)
            if entry is None:
                if tag[0] == "{":
                    raise Odd
                continue
            name, value = entry
            if name in found:
                raise Odd
            found[name] = value(child)
        return found

    return read


def _items(read: Read) -> Read:
    return lambda node: [read(item) for item in node]


def _texts(**names: str) -> Table:
    return {tag: (name, _text) for tag, name in names.items()}


_OPERATOR = _structure({"managed": ("Managed", _truth), "principal": ("Principal", _text)})
_STATE = _structure({"code": ("Code", _number), "name": ("Name", _text)})

instance: Read = _structure(
    {
        **_texts(
            instanceId="InstanceId",
            reason="StateTransitionReason",
            instanceType="InstanceType",
            privateIpAddress="PrivateIpAddress",
            ipAddress="PublicIpAddress",
            privateDnsName="PrivateDnsName",
            dnsName="PublicDnsName",
            platformDetails="PlatformDetails",
            platform="Platform",
            architecture="Architecture",
            vpcId="VpcId",
            subnetId="SubnetId",
            imageId="ImageId",
            keyName="KeyName",
            instanceLifecycle="InstanceLifecycle",
            rootDeviceType="RootDeviceType",
            spotInstanceRequestId="SpotInstanceRequestId",
        ),
        "instanceState": ("State", _STATE),
        "stateReason": ("StateReason", _structure(_texts(code="Code", message="Message"))),
        "placement": ("Placement", _structure(_texts(availabilityZone="AvailabilityZone"))),
        "launchTime": ("LaunchTime", _moment),
        "iamInstanceProfile": ("IamInstanceProfile", _structure(_texts(arn="Arn"))),
        "operator": ("Operator", _OPERATOR),
        "tagSet": ("Tags", _items(_structure(_texts(key="Key", value="Value")))),
    }
)

_DETAILS = _items(_structure({"impairedSince": ("ImpairedSince", _moment)}))
_CHECK = _structure({"status": ("Status", _text), "details": ("Details", _DETAILS)})
_EVENT = _structure(
    {
        **_texts(instanceEventId="InstanceEventId", code="Code", description="Description"),
        "notBefore": ("NotBefore", _moment),
        "notAfter": ("NotAfter", _moment),
        "notBeforeDeadline": ("NotBeforeDeadline", _moment),
    }
)

status: Read = _structure(
    {
        "instanceId": ("InstanceId", _text),
        "systemStatus": ("SystemStatus", _CHECK),
        "instanceStatus": ("InstanceStatus", _CHECK),
        "attachedEbsStatus": ("AttachedEbsStatus", _CHECK),
        "eventsSet": ("Events", _items(_EVENT)),
    }
)
