"""The tools that ec2mon is compared with, each in a fresh process: `python -m tests.bench.peers URL N` is boto3."""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

from tests.bench.aws import ROOT, SECRET, access_key

REGION = "eu-central-1"


@dataclass(frozen=True)
class Cost:
    """What one run took. `rss` is the most memory the process ever held, in MiB."""

    cpu: float
    wall: float
    rss: float = 0.0
    instances: int = 0


def boto3(url: str, number: int) -> Cost:
    """Run raw boto3: both paginators to their end, one after the other, storing nothing."""
    command = [sys.executable, "-m", "tests.bench.peers", url, str(number)]
    said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout
    return Cost(**json.loads(said))


def aws_cli(url: str, number: int) -> Cost | None:
    """Run `aws ec2` for both calls, its own start included; None where it is not installed."""
    program = shutil.which("aws")
    if not program:
        return None
    env = {**os.environ, "AWS_ACCESS_KEY_ID": access_key(number), "AWS_SECRET_ACCESS_KEY": SECRET}
    env |= {"AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}
    before, began = _children_s(), time.monotonic()
    for operation in (["describe-instances"], ["describe-instance-status", "--include-all-instances"]):
        command = [program, "ec2", *operation, "--page-size=1000", f"--endpoint-url={url}", "--output=json"]
        done = subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        if done.returncode:
            return None
    return Cost(_children_s() - before, time.monotonic() - began)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(url: str, number: int) -> Cost:
    import boto3 as sdk  # only in the process that is measured

    client = sdk.client(
        "ec2",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=access_key(number),
        aws_secret_access_key=SECRET,
    )
    cpu, wall, found = time.process_time(), time.monotonic(), 0
    for operation, more in (("describe_instances", {}), ("describe_instance_status", {"IncludeAllInstances": True})):
        for page in client.get_paginator(operation).paginate(PaginationConfig={"PageSize": 1000}, **more):
            found += len(page.get("Reservations", ()))
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    return Cost(cpu, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, found)


if __name__ == "__main__":
    print(json.dumps(_run(sys.argv[1], int(sys.argv[2])).__dict__))
