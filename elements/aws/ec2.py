"""The gateway: our words for EC2's calls. It has no call that could terminate an instance."""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore import xform_name

from elements.aws import parsing
from elements.aws.deadlines import Deadline
from elements.aws.errors import (
    AwsError,
    AwsRejected,
    AwsUnreachable,
    NoClient,
    Overdue,
    Scene,
    not_understood,
    overdue,
    translated_errors,
)
from elements.aws.recorder import LISTS, Recorder
from elements.aws.redaction import Redactor
from elements.domain.instance_states import Verb
from elements.domain.snapshots import InstanceSnapshot, Page, StatusSnapshot

PAGE_SIZE = 1000
SAMPLE_SIZE = 5
MAX_PAGES = 1000
MAX_IDS = 100
_LOST_TOKEN = ("InvalidNextToken", "InvalidParameterValue", "InvalidPaginationToken", "ExpiredNextToken")


Parser = Callable[[Mapping[str, Any]], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Clients:
    """How to make the boto3-style clients that a gateway needs, when it needs them."""

    read: Callable[[], Any]
    write: Callable[[], Any]
    sts: Callable[..., Any]
    close: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose keys these are, as STS says."""

    account_id: str
    arn: str
    user_id: str


class Ec2Gateway:
    """EC2 of one region under one element's keys. Every method raises AwsError.

    Its connections are closed when nobody holds it any more.
    """

    def __init__(
        self,
        clients: Clients,
        *,
        region: str,
        recorder: Recorder,
        redactor: Redactor,
        deadline: Deadline,
        read_s: int = 20,
    ) -> None:
        self._clients, self._region, self._recorder, self._redactor = clients, region, recorder, redactor
        self._deadline, self._read_s = deadline, read_s
        self._made: dict[str, Any] = {}
        weakref.finalize(self, clients.close)

    def __repr__(self) -> str:
        return f"Ec2Gateway({self._region})"

    @property
    def calls(self) -> int:
        """Return how many HTTP attempts were made so far."""
        return self._recorder.calls

    @property
    def clock_offset_s(self) -> float | None:
        """Return by how much AWS's clock is ahead of ours, None before the first answer."""
        return self._recorder.clock_offset_s

    @property
    def last_request_id(self) -> str:
        """Return AWS's ID of the last request that was answered."""
        return self._recorder.last_request_id

    def describe_instances(self, known: Mapping[str, bytes] = {}) -> Iterator[Page[InstanceSnapshot]]:
        """Yield all instances of the region, page by page; a read that is not complete raises.

        `known` are raw digests by instance ID: what has them still is only named.
        """
        return self._pages("DescribeInstances", {}, parsing.instances)

    def describe_instance_status(self, known: Mapping[str, bytes] = {}) -> Iterator[Page[StatusSnapshot]]:
        """Yield the status of all instances, in whatever state, with their scheduled events."""
        return self._pages("DescribeInstanceStatus", {"IncludeAllInstances": True}, parsing.statuses)

    def sample_instances(self) -> list[InstanceSnapshot]:
        """Return a few instances of the region: enough to know that the key may list them."""
        answer = self._call("DescribeInstances", MaxResults=SAMPLE_SIZE)
        return list(self._parsed("DescribeInstances", parsing.instances, answer))

    def sample_instance_status(self) -> list[StatusSnapshot]:
        """Return the status of a few instances: enough to know that the key may read it."""
        answer = self._call("DescribeInstanceStatus", IncludeAllInstances=True, MaxResults=SAMPLE_SIZE)
        return list(self._parsed("DescribeInstanceStatus", parsing.statuses, answer))

    def describe_instances_by_id(self, instance_ids: Sequence[str]) -> list[InstanceSnapshot]:
        """Return those of the instances that AWS still knows; at most 100 ids."""
        wanted = list(instance_ids)
        _limit(wanted)
        while wanted:
            try:
                answer = self._call("DescribeInstances", InstanceIds=wanted)
                return list(self._parsed("DescribeInstances", parsing.instances, answer))
            except AwsRejected as error:
                gone = set(error.instance_ids)
                if not error.code.startswith("InvalidInstanceID") or not gone & set(wanted):
                    raise
                wanted = [instance_id for instance_id in wanted if instance_id not in gone]
        return []

    def start_instances(self, instance_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Ask EC2 once to start at most 100 instances; return each one's previous and current state."""
        _limit(instance_ids)
        answer = self._call("StartInstances", "write", InstanceIds=list(instance_ids))
        return parsing.state_changes(answer["StartingInstances"])

    def stop_instances(self, instance_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Ask EC2 once to stop at most 100 instances; return each one's previous and current state."""
        _limit(instance_ids)
        answer = self._call("StopInstances", "write", InstanceIds=list(instance_ids))
        return parsing.state_changes(answer["StoppingInstances"])

    def reboot_instances(self, instance_ids: Sequence[str]) -> None:
        """Ask EC2 once to reboot at most 100 instances; it answers nothing but that it will."""
        _limit(instance_ids)
        self._call("RebootInstances", "write", InstanceIds=list(instance_ids))

    def modify_event_start(self, instance_id: str, event_id: str, not_before: datetime) -> None:
        """Ask EC2 once to move a scheduled event's start."""
        self._call(
            "ModifyInstanceEventStartTime",
            "write",
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
        answer = self._call("GetCallerIdentity", f"sts {region}")
        return Identity(answer["Account"], answer.get("Arn", ""), answer.get("UserId", ""))

    def region_enabled(self) -> bool:
        """Tell whether the account has enabled the region, as far as the region itself answers."""
        answer = self._call("DescribeRegions", RegionNames=[self._region], AllRegions=True)
        return any(region.get("OptInStatus") != "not-opted-in" for region in answer["Regions"])

    def spot_request_types(self, request_ids: Sequence[str]) -> dict[str, str]:
        """Return one-time or persistent for each of at most 100 Spot requests that AWS still knows."""
        _limit(request_ids)
        # named by ID, one that AWS has forgotten would spoil the whole call
        wanted = [{"Name": "spot-instance-request-id", "Values": list(request_ids)}]
        answer = self._call("DescribeSpotInstanceRequests", Filters=wanted)
        return {row["SpotInstanceRequestId"]: row.get("Type", "") for row in answer["SpotInstanceRequests"]}

    @property
    def _too_long(self) -> str:
        return f"AWS did not finish within {self._deadline.total_s:.0f} s."

    def _dry(self, operation: str, **parameters: Any) -> None:
        try:
            self._call(operation, **parameters, DryRun=True)
        except AwsError as error:
            if error.code != "DryRunOperation":
                raise

    def _client(self, kind: str) -> Any:
        """Return the client for reads, for writes, or for STS of a region; made when it is first needed."""
        if kind not in self._made:
            name, _, region = kind.partition(" ")
            make = {"read": self._clients.read, "write": self._clients.write}.get(name)
            try:
                self._made[kind] = make() if make else self._clients.sts(region)
            except ValueError as error:  # botocore's word for an endpoint that is no URL and a region that is none
                raise NoClient(why=self._redactor.text(str(error))) from None
        return self._made[kind]

    def _pages(self, operation: str, parameters: dict[str, Any], parse: Parser) -> Iterator[Page[Any]]:
        try:
            yield from self._all_pages(operation, parameters, parse)
            return
        except AwsRejected as error:
            if error.code not in _LOST_TOKEN:
                raise
        yield from self._all_pages(operation, parameters, parse)

    def _all_pages(self, operation: str, parameters: dict[str, Any], parse: Parser) -> Iterator[Page[Any]]:
        tokens: set[str] = set()
        token: str | None = None
        while True:
            paging = {"NextToken": token} if token else {}
            answer = self._call(operation, MaxResults=PAGE_SIZE, **parameters, **paging)
            yield Page(not token, [], list(self._parsed(operation, parse, answer)))
            token = answer.get("NextToken")
            if not token:
                return
            if token in tokens or len(tokens) >= MAX_PAGES:
                raise not_understood(self._scene(operation), "its pages do not end")
            tokens.add(token)

    def _parsed(self, operation: str, parse: Parser, answer: Mapping[str, Any]) -> Iterator[Any]:
        try:
            yield from parse(answer)
        except parsing.Incomplete as error:
            raise not_understood(self._scene(operation), str(error)) from None

    def _call(self, operation: str, kind: str = "read", **parameters: Any) -> dict[str, Any]:
        """Make one call; the member that makes up its answer must be present."""
        with suppress(NoClient):  # an error of the first call names the endpoint too
            self._client(kind)
        try:
            with self._translated(operation):
                if self._deadline.passed:
                    raise Overdue(why=self._too_long)
                answer: dict[str, Any] = getattr(self._client(kind), xform_name(operation))(**parameters)
        except AwsError as error:
            error.__context__ = None  # botocore's own exception, which holds AWS's words with what they may echo
            raise
        needed = LISTS.get(operation)
        if needed is not None and needed not in answer:
            raise not_understood(self._scene(operation), f"it has no {needed}")
        if needed is None and not answer.get("ResponseMetadata", {}).get("RequestId"):
            raise not_understood(self._scene(operation), "it has no request ID")
        return answer

    @contextmanager
    def _translated(self, operation: str) -> Iterator[None]:
        try:
            with translated_errors(lambda: self._scene(operation)):
                yield
        except AwsUnreachable as error:
            cut_after_s = self._deadline.cut_after_s
            ours = error if cut_after_s is None else self._overdue(operation, cut_after_s)
            self._recorder.close_open(_service(operation), operation, "not-understood", ours.sentence)
            raise ours from None

    def _overdue(self, operation: str, after_s: float) -> AwsUnreachable:
        scene = self._scene(operation)
        late = f"The answer of {scene.endpoint} did not arrive within {after_s:.0f} s."
        return overdue(scene, self._too_long if self._deadline.passed else late)

    def _scene(self, operation: str) -> Scene:
        made = [kind for kind in reversed(self._made) if kind.startswith("sts") == (_service(operation) == "sts")]
        client = self._made[made[0]] if made else None
        endpoint = client.meta.endpoint_url if client is not None else ""
        return Scene(
            operation,
            self._region,
            endpoint or f"AWS ({_service(operation)} in {self._region})",
            self._redactor,
            self._recorder.clock_offset_s,
            self._read_s,
        )


def _service(operation: str) -> str:
    return "sts" if operation == "GetCallerIdentity" else "ec2"


def _limit(instance_ids: Sequence[str]) -> None:
    if not 0 < len(instance_ids) <= MAX_IDS:
        raise ValueError(f"from 1 to {MAX_IDS} IDs, not {len(instance_ids)}")
