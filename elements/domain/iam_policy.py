"""The least a key needs, as an IAM policy, and the steps to make its user."""

import json
from typing import Any

USER_NAME = "ec2mon"
READ_ACTIONS = ["ec2:DescribeInstances", "ec2:DescribeInstanceStatus", "ec2:DescribeRegions"]

STEPS = (
    "Sign in to the AWS account and open the IAM console.",
    f"Choose Users, then Create user. We recommend the name {USER_NAME}. It needs no access to the AWS console.",
    "Choose Attach policies directly, then Create policy, JSON, and paste this policy. Attach it to the user.",
    "Open the user, choose Security credentials, then Create access key, and there Third-party service.",
    "Copy the Access Key ID and the Secret Access Key into General. AWS shows the secret only once: store it safely.",
)


def policy(*, partition: str, region: str, account_id: str, read_only: bool = False) -> str:
    """Return the policy as JSON text; an account or a region that is not known yet stands as *."""
    account, where = account_id or "*", region or "*"
    arn = f"arn:{partition}:ec2:{where}:{account}:instance/*"
    only_here = {"StringEquals": {"aws:RequestedRegion": [region]}} if region else None
    statements: list[dict[str, Any]] = [_statement("Ec2monRead", READ_ACTIONS, "*", only_here)]
    if not read_only:
        power = ["ec2:StartInstances", "ec2:StopInstances", "ec2:RebootInstances"]
        statements += [
            _statement("Ec2monPower", power, arn),
            _statement("Ec2monReschedule", ["ec2:ModifyInstanceEventStartTime"], arn),
            _statement("Ec2monSpot", ["ec2:DescribeSpotInstanceRequests"], "*"),
            _statement(
                "Ec2monEncryptedVolumes",
                ["kms:CreateGrant"],
                f"arn:{partition}:kms:{where}:{account}:key/*",
                {
                    "Bool": {"kms:GrantIsForAWSResource": "true"},
                    "StringEquals" if region else "StringLike": {"kms:ViaService": f"ec2.{where}.amazonaws.com"},
                },
            ),
        ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)


def _statement(sid: str, actions: list[str], resource: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
    if condition:
        statement["Condition"] = condition
    return statement
