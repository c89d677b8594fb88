"""The process's clients: one for each service, region, endpoint and patience, whoever's keys sign its requests."""

import os
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from botocore.config import Config
from botocore.retries import standard

from elements.aws import calls
from elements.aws.botocore_session import LOCK, shared_session
from elements.aws.connections import watched
from elements.domain.endpoints import check_endpoint

_CONNECT_S = 5
_CONNECTIONS = 32
_CLIENTS = 100
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Kind:
    """What makes a client another one."""

    service: str
    region: str
    endpoint_url: str
    attempts: int
    read_s: int
    idle_s: float
    allow_private: bool = False


_made: OrderedDict[Kind, Any] = OrderedDict()


def client(kind: Kind) -> Any:
    """Return the client, made when it is first needed.

    Raises ValueError for an endpoint or a region that is none, EndpointRefused for one where AWS is not asked.
    """
    with LOCK:
        found = _made.get(kind)
        if found is None:
            found = _made[kind] = _make(kind)
            if len(_made) > _CLIENTS:
                _made.popitem(last=False)  # whoever uses it still holds it
        _made.move_to_end(kind)
        return found


def forget() -> None:
    """Let no client be used again: its settings are another's."""
    with LOCK:
        _made.clear()


def _forget_as_child() -> None:
    """Let a process not use its parent's connections: answers would be mixed up."""
    _made.clear()
    LOCK.release()


os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=_forget_as_child)


def _make(kind: Kind) -> Any:
    if kind.endpoint_url:
        check_endpoint(kind.endpoint_url, allow_private=kind.allow_private)
    made = shared_session().create_client(
        kind.service,
        region_name=kind.region,
        endpoint_url=kind.endpoint_url or None,
        aws_access_key_id=_NOBODY,
        aws_secret_access_key=_NOBODY,
        config=Config(
            connect_timeout=_CONNECT_S,
            read_timeout=kind.read_s,
            retries={"mode": "standard", "total_max_attempts": kind.attempts},
            max_pool_connections=_CONNECTIONS,
            tcp_keepalive=True,
            # what botocore says of itself otherwise it composes twice for each request
            user_agent=shared_session().user_agent(),
            user_agent_extra="ec2mon",
        ),
    )
    check_endpoint(made.meta.endpoint_url, allow_private=kind.allow_private)  # which the environment may name
    _grant_retries(made, kind)
    watched(made, kind.idle_s, allow_private=kind.allow_private)
    calls.follow(made)
    return made


class _Granted:
    """A quota of retries that is never used up: in botocore's, one element's failures would take others' retries."""

    def acquire_retry_quota(self, context: Any) -> bool:
        """Grant one retry more, unless the address is forbidden; `total_max_attempts` ends them."""
        return not calls.current().refused


def _grant_retries(made: Any, kind: Kind) -> None:
    event = f"needs-retry.{kind.service}"
    made.meta.events.unregister(event, unique_id=f"retry-config-{kind.service}")
    adapter = standard.RetryEventAdapter()
    policy = standard.RetryPolicy(
        retry_checker=standard.StandardRetryConditions(max_attempts=kind.attempts),
        retry_backoff=standard.ExponentialBackoff(
            service_name=kind.service, throttling_detector=standard.ThrottlingErrorDetector(adapter)
        ),
    )
    quota: Any = _Granted()
    handler = standard.RetryHandler(policy, adapter, quota, service_name=kind.service)
    made.meta.events.register(event, handler.needs_retry)
