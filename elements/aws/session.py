"""Open gateways with the element's own keys and nothing of the machine's."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from elements.aws.asking import STS, WRITE, Asker
from elements.aws.calls import UNPACED, Pace, SigningKey
from elements.aws.clients import Kind
from elements.aws.deadlines import Deadline
from elements.aws.ec2 import Ec2Gateway
from elements.aws.recorder import Attempt, Recorder
from elements.aws.redaction import Redactor

# A write on a connection that was dropped without a word may or may not have arrived, so it gets a fresh one.
_READ_IDLE_S, _WRITE_IDLE_S = 20.0, 0.0


class BlankKeys(ValueError):
    """Keys that must not be sent: with blank ones botocore would sign as the machine itself."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key. It shows nothing when printed."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for text in (self.access_key_id, self.secret_access_key):
            if not text or not text.isascii() or any(char.isspace() or not char.isprintable() for char in text):
                raise BlankKeys("An access key is blank or holds characters that AWS never gives out.")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for bytes of an answer, how often to try a read, and when to cut an attempt, and all calls.

    `attempt_s` ends an answer that drips; it is shorter than a poll's lease, which each attempt that ends renews.
    """

    read_s: int = 20
    attempts: int = 3
    attempt_s: float = 40.0
    deadline_s: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where to: the region, and endpoints when they are not the region's own; in private networks too if allowed."""

    region: str
    endpoint_url: str = ""
    sts_endpoint_url: str = ""
    allow_private: bool = False


def open_gateway(
    credentials: Credentials,
    target: Target,
    *,
    record: Callable[[Attempt], None],
    caller: str,
    patience: Patience,
    pace: Pace = UNPACED,
) -> Ec2Gateway:
    """Return a gateway whose every HTTP attempt waits for `pace` and goes to `record` on behalf of `caller`."""
    redactor = Redactor(credentials.access_key_id, [credentials.secret_access_key, credentials.session_token])

    def kind(name: str, region: str) -> Kind:
        service, endpoint = ("sts", target.sts_endpoint_url) if name == STS else ("ec2", target.endpoint_url)
        attempts, idle_s = (1, _WRITE_IDLE_S) if name == WRITE else (patience.attempts, _READ_IDLE_S)
        where = (service, region or target.region, endpoint)
        return Kind(*where, attempts, patience.read_s, idle_s, target.allow_private)

    asker = Asker(
        kind,
        key=SigningKey(credentials.access_key_id, credentials.secret_access_key, credentials.session_token or None),
        recorder=Recorder(record, caller, redactor),
        redactor=redactor,
        deadline=Deadline(attempt_s=patience.attempt_s, total_s=patience.deadline_s),
        pace=pace,
    )
    return Ec2Gateway(asker, region=target.region)


def endpoint_of_environment() -> str:
    """Return where the AWS SDK's settings send EC2 requests, "" when they leave it to the region."""
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    return os.environ.get("AWS_ENDPOINT_URL_EC2") or os.environ.get("AWS_ENDPOINT_URL") or ""
