"""Open clients with the element's own keys and nothing of the machine's."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.config import Config

from elements.aws.botocore_session import LOCK, shared_session
from elements.aws.deadlines import Deadline
from elements.aws.ec2 import Clients, Ec2Gateway
from elements.aws.recorder import Attempt, Recorder
from elements.aws.redaction import Redactor

_CONNECT_S = 5


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
    """Where to: the region, and endpoints when they are not the region's own."""

    region: str
    endpoint_url: str = ""
    sts_endpoint_url: str = ""


def open_gateway(
    credentials: Credentials,
    target: Target,
    *,
    record: Callable[[Attempt], None],
    caller: str,
    patience: Patience,
) -> Ec2Gateway:
    """Return a gateway whose every HTTP attempt goes to `record` on behalf of `caller`.

    The clients are made for this gateway alone, so that no element can ever sign with another's keys.
    """
    redactor = Redactor(credentials.access_key_id, [credentials.secret_access_key, credentials.session_token])
    recorder = Recorder(record, caller, redactor)
    deadline, opened = Deadline(attempt_s=patience.attempt_s, total_s=patience.deadline_s), list[Any]()

    def client(service: str, *, attempts: int, endpoint_url: str, region: str = "") -> object:
        with LOCK:
            made = shared_session().create_client(
                service,
                region_name=region or target.region,
                endpoint_url=endpoint_url or None,
                aws_access_key_id=credentials.access_key_id,
                aws_secret_access_key=credentials.secret_access_key,
                aws_session_token=credentials.session_token or None,
                config=_config(attempts, patience.read_s),
            )
        deadline.guard(made)
        recorder.listen(made)
        opened.append(made)
        return made

    def close() -> None:
        deadline.close()
        for made in opened:
            made.close()

    clients = Clients(
        read=lambda: client("ec2", attempts=patience.attempts, endpoint_url=target.endpoint_url),
        write=lambda: client("ec2", attempts=1, endpoint_url=target.endpoint_url),
        sts=lambda region="": client(
            "sts", attempts=patience.attempts, endpoint_url=target.sts_endpoint_url, region=region
        ),
        close=close,
    )
    return Ec2Gateway(
        clients,
        region=target.region,
        recorder=recorder,
        redactor=redactor,
        deadline=deadline,
        read_s=patience.read_s,
    )


def endpoint_of_environment() -> str:
    """Return where the AWS SDK's settings send EC2 requests, "" when they leave it to the region."""
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    return os.environ.get("AWS_ENDPOINT_URL_EC2") or os.environ.get("AWS_ENDPOINT_URL") or ""


def _config(attempts: int, read_s: int) -> Config:
    return Config(
        connect_timeout=_CONNECT_S,
        read_timeout=read_s,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=2,
        tcp_keepalive=True,
        user_agent_extra="ec2mon",
    )
