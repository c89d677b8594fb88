"""One API request from its bytes to the answer, with the fault that hits it and its line in the journal."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from simulator.auth import authenticate, read_signature
from simulator.faults import CAPTIVE, GARBAGE, UNPERFORMED
from simulator.journal import Call
from simulator.operations import perform
from simulator.request import Request
from simulator.wire import ApiError, parse_parameters, render_answer, render_error

if TYPE_CHECKING:
    from simulator.server import Simulator

_FOREVER_S = 3600.0


@dataclass(slots=True)
class Answer:
    """What is to be sent, after `wait_s`, and how it ends: whole "", short, drip or reset."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/xml;charset=UTF-8"
    code: str = ""
    performed: bool = False
    wait_s: float = 0.0
    ending: str = ""
    drip_s: float = 0.0
    location: str = ""


class Exchange:
    """A request that was read and is to be answered."""

    def __init__(self, aws: "Simulator", headers: Mapping[str, str], path: str, body: bytes) -> None:
        self._aws, self._world, self._headers, self._path, self._body = aws, aws.world, headers, path, body
        self._form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        self._signature = read_signature(headers)
        self._service = self._signature.service if self._signature else "ec2"
        self._key = self._signature.access_key_id if self._signature else ""
        self._region = self._signature.region if self._signature else ""
        self._action, self._at = self._form.get("Action", ""), aws.now()
        self._parameters: dict[str, Any] = {k: v for k, v in self._form.items() if k not in ("Action", "Version")}
        self.request_id = str(uuid.uuid4())
        page = self._world.page_number(self._form.get("NextToken"))
        self._fault = aws.faults.strike(self._action, self._key, self._region, page)

    def run(self) -> Answer:
        """Perform the request, or let its fault happen, and note it in the journal."""
        try:
            if self._fault and (error := self._fault.error()):
                raise error
            answer = self._unperformed() if self._fault and self._fault.kind in UNPERFORMED else self._spoilt()
        except ApiError as error:
            answer = Answer(error.status, render_error(self._service, error, self.request_id), code=error.code)
        self._aws.note(
            Call(
                at=self._at,
                service=self._service,
                action=self._action,
                access_key_id=self._key,
                region=self._region,
                parameters=self._parameters,
                status=None if answer.ending == "reset" else answer.status,
                code=answer.code,
                fault=self._fault.kind if self._fault else "",
                performed=answer.performed,
                request_id=self.request_id,
            )
        )
        return answer

    def _unperformed(self) -> Answer:
        """Return what arrives in place of an answer."""
        assert self._fault
        match self._fault.kind:
            case "hang":
                return Answer(wait_s=self._fault.seconds or _FOREVER_S, ending="reset")
            case "reset":
                return Answer(ending="reset")
            case "captive":
                return Answer(body=CAPTIVE, content_type="text/html")
            case "html-500":
                return Answer(500, CAPTIVE, content_type="text/html")
            case "garbage":
                return Answer(body=GARBAGE)
            case "redirect":
                return Answer(302, location="http://127.0.0.1:9/")
            case _:
                return Answer()

    def _spoilt(self) -> Answer:
        """Perform the request and spoil the answer as the fault says, if there is one."""
        fault, seconds = self._fault, (self._fault.seconds if self._fault else None) or 1.0
        kind = fault.kind if fault else ""
        answer = self._perform(kind)
        if kind == "slow":
            answer.wait_s = seconds
        elif kind == "drip":
            answer.ending, answer.drip_s = "drip", seconds
        elif kind == "short":
            answer.ending = "short"
        elif kind == "lost":
            answer.ending = "reset"
        elif kind == "truncated":
            keep = fault.keep if fault else None
            answer.body = answer.body[: len(answer.body) // 2 if keep is None else keep]
        elif kind == "garbled":
            half = len(answer.body) // 2
            answer.body = answer.body[:half] + b"<\x00\xff&" + answer.body[half + 4 :]
        return answer

    def _perform(self, spoiling: str) -> Answer:
        """Perform the request by its signer's rights; raises ApiError."""
        if self._signature is None:
            raise ApiError("MissingAuthenticationToken", "The request must contain a signature.", 403)
        keys = authenticate(self._world, self._signature, self._headers, self._path, self._body)
        self._parameters = parse_parameters(self._service, self._action, self._form)
        given = dict(self._parameters)
        if spoiling == "empty-page":
            given["PageSize"] = 0
        elif spoiling == "omit":
            given["Omit"] = self._fault.instance_id if self._fault else ""
        elif spoiling == "same-token":
            given.pop("NextToken", None)
        with self._world.lock:
            result = perform(Request(self._world, self._action, keys, self._region, given))
        if spoiling == "no-set":
            result = {}
        elif spoiling == "same-token" and result:
            result["NextToken"] = "again"
        body = render_answer(self._service, self._action, result, self.request_id)
        return Answer(body=body, performed=True)
