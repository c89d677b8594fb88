"""The gateway: our words for EC2's calls. It has no call that could terminate an instance."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from elements.aws import parsing
from elements.aws.asking import STS, WRITE, Asker
from elements.aws.errors import AwsError, AwsRejected
from elements.aws.listings import INSTANCES, STATUSES, AtOnce, Listing
from elements.domain.instance_states import Verb
from elements.domain.snapshots import InstanceSnapshot, Page, StatusSnapshot

SAMPLE_SIZE = 5
MAX_IDS = 100
Kind = Literal["instances", "statuses"]
NOTHING: Mapping[str, bytes] = {}


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose keys these are, as STS says."""

    account_id: str
    arn: str
    user_id: str


class Ec2Gateway:
    """EC2 of one region under one element's keys. Every method raises AwsError."""

    def __init__(self, asker: Asker, *, region: str) -> None:
        self._asker, self._region = asker, region

    def __repr__(self) -> str:
        return f"Ec2Gateway({self._region})"

    @property
    def calls(self) -> int:
        """Return how many HTTP attempts were made so far."""
        return self._asker.recorder.calls

    @property
    def clock_offset_s(self) -> float | None:
        """Return by how much AWS's clock is ahead of ours, None before the first answer."""
        return self._asker.recorder.clock_offset_s

    @property
    def last_request_id(self) -> str:
        """Return AWS's ID of the last request that was answered."""
        return self._asker.recorder.last_request_id

    def describe_instances(self, known: Mapping[str, bytes] = NOTHING) -> Iterator[Page[InstanceSnapshot]]:
        """Yield all instances of the region, page by page; a read that is not complete raises.

        `known` are raw digests by instance ID: what has them still is only named.
        """
        return INSTANCES.pages(self._asker, known)

    def describe_instance_status(self, known: Mapping[str, bytes] = NOTHING) -> Iterator[Page[StatusSnapshot]]:
        """Yield the status of all instances, in whatever state, with their scheduled events; `known` as above."""
        return STATUSES.pages(self._asker, known)

    def read_all(
        self, known: Mapping[str, bytes] = NOTHING, known_statuses: Mapping[str, bytes] = NOTHING
    ) -> Generator[tuple[Kind, Page[Any] | AwsError], None, None]:
        """Yield the pages of both listings, which are read at once, as they come; iterate to the end, or close it.

        Where the instances are not read completely it raises; where the statuses are not, their error comes last.
        """
        for listing, page in AtOnce(self._asker, {INSTANCES: known, STATUSES: known_statuses}).pages():
            if listing is INSTANCES and isinstance(page, AwsError):
                raise page
            yield "instances" if listing is INSTANCES else "statuses", page

    def sample_instances(self) -> list[InstanceSnapshot]:
        """Return a few instances of the region: enough to know that the key may list them."""
        return INSTANCES.some(self._asker, MaxResults=SAMPLE_SIZE)

    def sample_instance_status(self) -> list[StatusSnapshot]:
        """Return the status of a few instances: enough to know that the key may read it."""
        return STATUSES.some(self._asker, MaxResults=SAMPLE_SIZE)

    def describe_instances_by_id(self, instance_ids: Sequence[str]) -> list[InstanceSnapshot]:
        """Return those of the instances that AWS still knows; at most 100 ids."""
        return self._by_id(INSTANCES, instance_ids)

    def describe_statuses_by_id(self, instance_ids: Sequence[str]) -> list[StatusSnapshot]:
        """Return the status of those of the instances that AWS still knows; at most 100 ids."""
        return self._by_id(STATUSES, instance_ids)

    def start_instances(self, instance_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Ask EC2 once to start at most 100 instances; return each one's previous and current state."""
        _limit(instance_ids)
        answer = self._asker.ask("StartInstances", WRITE, InstanceIds=list(instance_ids))
        return parsing.state_changes(answer["StartingInstances"])

    def stop_instances(self, instance_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Ask EC2 once to stop at most 100 instances; return each one's previous and current state."""
        _limit(instance_ids)
        answer = self._asker.ask("StopInstances", WRITE, InstanceIds=list(instance_ids))
        return parsing.state_changes(answer["StoppingInstances"])

    def reboot_instances(self, instance_ids: Sequence[str]) -> None:
        """Ask EC2 once to reboot at most 100 instances; it answers nothing but that it will."""
        _limit(instance_ids)
        self._asker.ask("RebootInstances", WRITE, InstanceIds=list(instance_ids))

    def modify_event_start(self, instance_id: str, event_id: str, not_before: datetime) -> None:
        """Ask EC2 once to move a scheduled event's start."""
        self._asker.ask(
            "ModifyInstanceEventStartTime",
            WRITE,
            InstanceId=instance_id,
            InstanceEventId=event_id,
            NotBefore=not_before,
        )

    def dry_run(self, verb: Verb, instance_ids: Sequence[str]) -> None:
        """Ask whether the key may start, stop or reboot all the instances; returns when it may, raises when not.

        EC2 answers a dry run that would have worked with the error DryRunOperation. It looks at permissions only.
        """
        self._dry(f"{verb.capitalize()}Instances", InstanceIds=list(instance_ids))

    def dry_run_of_event_start(self, instance_id: str, event_id: str, not_before: datetime) -> None:
        """Ask whether the key may move a scheduled event; returns when it may, raises when not."""
        self._dry(
            "ModifyInstanceEventStartTime",
            InstanceId=instance_id,
            InstanceEventId=event_id,
            NotBefore=not_before,
        )

    def caller_identity(self, region: str = "") -> Identity:
        """Return whose keys these are; needs no permission. `region` asks STS of another region."""
        answer = self._asker.ask("GetCallerIdentity", STS, region)
        return Identity(answer["Account"], answer.get("Arn", ""), answer.get("UserId", ""))

    def region_enabled(self) -> bool:
        """Tell whether the account has enabled the region, as far as the region itself answers."""
        answer = self._asker.ask("DescribeRegions", RegionNames=[self._region], AllRegions=True)
        return any(region.get("OptInStatus") != "not-opted-in" for region in answer["Regions"])

    def spot_request_types(self, request_ids: Sequence[str]) -> dict[str, str]:
        """Return one-time or persistent for each of at most 100 Spot requests that AWS still knows."""
        _limit(request_ids)
        # named by ID, one that AWS has forgotten would spoil the whole call
        wanted = [{"Name": "spot-instance-request-id", "Values": list(request_ids)}]
        answer = self._asker.ask("DescribeSpotInstanceRequests", Filters=wanted)
        return {row["SpotInstanceRequestId"]: row.get("Type", "") for row in answer["SpotInstanceRequests"]}

    def _by_id(self, listing: Listing, instance_ids: Sequence[str]) -> list[Any]:
        wanted = list(instance_ids)
        _limit(wanted)
        while wanted:
            try:
                return listing.some(self._asker, InstanceIds=wanted)
            except AwsRejected as error:
                if not error.code.startswith("InvalidInstanceID"):
                    raise
                gone, middle = set(error.instance_ids).intersection(wanted), len(wanted) // 2
                if not gone and middle:  # AWS does not say which, or not in a way that is understood
                    return [*self._by_id(listing, wanted[:middle]), *self._by_id(listing, wanted[middle:])]
                wanted = [instance_id for instance_id in wanted if instance_id not in gone] if gone else []
        return []

    def _dry(self, operation: str, **parameters: Any) -> None:
        try:
            self._asker.ask(operation, **parameters, DryRun=True)
        except AwsError as error:
            if error.code != "DryRunOperation":
                raise


def _limit(instance_ids: Sequence[str]) -> None:
    if not 0 < len(instance_ids) <= MAX_IDS:
        raise ValueError(f"from 1 to {MAX_IDS} IDs, not {len(instance_ids)}")
