"""EC2's and STS's wire protocol, both ways, driven by botocore's service models."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import botocore.loaders
from botocore.model import ListShape, ServiceModel, Shape, StructureShape
from dateutil.parser import isoparse

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NEITHER = {"Action", "Version"}


class ApiError(Exception):
    """What AWS answers instead of a result: a code, a sentence and an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message, status)
        self.code, self.message, self.status = code, message, status


@cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's description of the service."""
    return ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service)


def parse_parameters(service: str, action: str, form: Mapping[str, str]) -> dict[str, Any]:
    """Turn a query form into the parameters that a boto3 caller gave; raises ApiError for any other."""
    if action not in service_model(service).operation_names:
        raise ApiError("InvalidAction", f"The action {action} is not valid for this web service.")
    shape = service_model(service).operation_model(action).input_shape
    used: set[str] = set()
    values = (_parse(shape, "", form, used) if shape else None) or {}
    for unknown in form.keys() - used - _NEITHER:
        raise ApiError("UnknownParameter", f"The parameter {unknown} is not recognized")
    for needed in getattr(shape, "required_members", ()):
        if needed not in values:
            raise ApiError("MissingParameter", f"The request must contain the parameter {needed}")
    return values


def _parse(shape: Shape, prefix: str, form: Mapping[str, str], used: set[str]) -> Any:
    """Return the value at the prefix, None when the form holds none."""
    if isinstance(shape, StructureShape):
        named = {member: f"{prefix}.{_query_name(sub, member)}".lstrip(".") for member, sub in shape.members.items()}
        found = {member: _parse(shape.members[member], name, form, used) for member, name in named.items()}
        return {member: value for member, value in found.items() if value is not None} or None
    if isinstance(shape, ListShape):
        items: list[Any] = []
        while (item := _parse(shape.member, f"{prefix}.{len(items) + 1}", form, used)) is not None:
            items.append(item)
        return items or None
    if prefix not in form:
        return None
    used.add(prefix)
    return _scalar(shape.type_name, prefix, form[prefix])


def _query_name(shape: Shape, member: str) -> str:
    name = shape.serialization.get("name", member)
    return shape.serialization.get("queryName") or name[0].upper() + name[1:]


def _scalar(type_name: str, name: str, text: str) -> Any:
    try:
        if type_name in ("integer", "long"):
            return int(text)
        if type_name == "timestamp":
            at = isoparse(text)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
    except ValueError:
        raise ApiError("InvalidParameterValue", f"Value ({text}) for parameter {name} is invalid.") from None
    return text == "true" if type_name == "boolean" else text


def render_answer(service: str, action: str, result: Mapping[str, Any] | None, request_id: str) -> bytes:
    """Return the XML of a result whose members are those of the service model; any other is a KeyError."""
    model = service_model(service)
    shape, out = model.operation_model(action).output_shape, [_HEAD]
    out.append(f'<{action}Response xmlns="{model.metadata["xmlNamespace"]}/">')
    inner: list[str] = []
    if shape is None:
        inner.append("<return>true</return>")
    else:
        _members(shape, result or {}, inner)
    if service == "ec2":
        out += [f"<requestId>{request_id}</requestId>", *inner]
    else:
        out += [f"<{action}Result>", *inner]
        out.append(f"</{action}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>")
    out.append(f"</{action}Response>")
    return "".join(out).encode()


def _members(shape: StructureShape, value: Mapping[str, Any], out: list[str]) -> None:
    for member, item in value.items():
        sub = shape.members[member]
        if item is not None:
            _render(sub, sub.serialization.get("name", member), item, out)


def _render(shape: Shape, name: str, value: Any, out: list[str]) -> None:
    if isinstance(shape, StructureShape):
        out.append(f"<{name}>")
        _members(shape, value, out)
        out.append(f"</{name}>")
    elif isinstance(shape, ListShape):
        out.append(f"<{name}>")
        for item in value:
            _render(shape.member, shape.member.serialization.get("name", "item"), item, out)
        out.append(f"</{name}>")
    else:
        out.append(f"<{name}>{_text(value)}</{name}>")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return escape(str(value), {"\r": "&#13;"})


def render_error(service: str, error: ApiError, request_id: str) -> bytes:
    """Return the XML of an error as the service words it."""
    inner = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    if service == "sts":
        kind = "Sender" if error.status < 500 else "Receiver"
        text = (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<Error><Type>{kind}</Type>{inner}</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    else:
        text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    return (_HEAD + text).encode()
