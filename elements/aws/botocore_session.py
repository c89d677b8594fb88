"""The process's botocore session: AWS's service models and parsers, and nothing of the machine's."""

import os
import threading
from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.utils import parse_timestamp

LOCK = threading.RLock()
_NOBODY = "nobody"
_session: botocore.session.Session | None = None


def parse_answer(operation: str, body: bytes) -> dict[str, Any]:
    """Return what botocore's own parser finds in an answer of EC2; raises what it raises."""
    with LOCK:
        session = shared_session()
        model = session.get_service_model("ec2").operation_model(operation)
    parser = session.get_component("response_parser_factory").create_parser(model.service_model.resolved_protocol)
    found: dict[str, Any] = parser.parse({"status_code": 200, "headers": {}, "body": body}, model.output_shape)
    return found


def shared_session() -> botocore.session.Session:
    """Return the process's session: it holds AWS's service models, never keys, profiles or files of the machine.

    AWS_ENDPOINT_URL, AWS_CA_BUNDLE and the proxy variables are read by botocore as documented.
    """
    global _session
    if _session is None:
        session = botocore.session.Session()
        session.set_config_variable("config_file", os.devnull)
        session.set_config_variable("credentials_file", os.devnull)
        session.get_component("config_store").set_config_variable("profile", None)
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment)
        _session = session
    return _session


def warm_up() -> None:
    """Read AWS's model of EC2, so that processes forked from this one share it."""
    with LOCK:
        shared_session().create_client(
            "ec2", region_name="us-east-1", aws_access_key_id=_NOBODY, aws_secret_access_key=_NOBODY
        )


def moment(text: Any) -> datetime:
    """Read a time of an answer, UTC unless it says otherwise; raises ValueError.

    AWS's usual form is read in a fraction of the time that botocore needs for any.
    """
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return _any_moment(text)
    return found if found.tzinfo is UTC else _any_moment(text)


def _any_moment(text: Any) -> datetime:
    try:
        found: datetime = parse_timestamp(text)
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        found.astimezone(UTC)  # a database may store what is in no year there, and never read it again
    except (RuntimeError, ArithmeticError) as error:  # its words for what is beyond all calendars
        raise ValueError(str(error)) from None
    return found
