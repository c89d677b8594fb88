"""A simulated AWS whose instances are named, tagged, described and scheduled by somebody who wishes us ill."""

import re
from datetime import UTC, datetime, timedelta

from simulator.instances import Event
from simulator.server import Simulator
from tests.security import wild

# What XML can carry; the rest is no answer at all (tests/aws/test_hostile_answers.py).
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def in_xml(text):
    return _NOT_IN_XML.sub("", text)


TEXTS = tuple(
    dict.fromkeys(in_xml(text) for text in (*wild.MARKUP, *wild.CODE, *wild.UNSEEN, *wild.NUMBERS, *wild.SHAPES))
)


def populate(aws: Simulator) -> int:
    """Add an instance for each text, which is all that AWS says of it, and some that are too much; return how many."""
    now = datetime.now(UTC)
    for number, text in enumerate(TEXTS):
        (instance_id,) = aws.add_instances(
            names=[text],
            tags={text or "k": text, f"key {text}": text, "env": text},
            image_id=text,
            key_name=text,
            iam_role=text,
            platform=text,
            managed_by=text,
            architecture=text,
            extra={
                "StateReason": {"Code": text, "Message": text},
                "StateTransitionReason": text,
                "VpcId": text,
                "PrivateDnsName": text,
                "PublicDnsName": text,
                "PrivateIpAddress": text,
                "PublicIpAddress": text,
                "InstanceType": text,
                "RootDeviceType": text,
            },
            state="running" if number % 3 else "stopped",
        )
        handle = aws.instance(instance_id)
        code = text if number % 2 else "system-reboot"
        at = now + timedelta(days=number % 9 + 1)
        handle.events.append(Event(text, code, text, at, at + timedelta(hours=2), at + timedelta(days=3)))
        if number % 4 == 1:
            handle.raw.checks = {"system": text, "instance": "impaired", "ebs": text}
    aws.add_instances(names=["x" * 1_000_000], tags={f"tag {number}": "v" * 200 for number in range(10_000)})
    aws.add_instances(names=["the same name"] * 20)
    aws.add_instances(names=[None, "", "i-00000000"])
    return len(TEXTS) + 1 + 20 + 3
