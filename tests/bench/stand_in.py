"""A quick stand-in for EC2, a process of its own, which ends when its input does.

It reads requests as botocore writes them and answers as AWS does: indented, in chunks, over connections that stay open.
Who asks is told by the access key ID; `/control` says what each of them sees, `/journal` what was asked.
"""

import asyncio
import base64
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from tests.bench import answers
from tests.bench.answers import PAGE_SIZE, Account

KEY_PREFIX = "AKIABENCH"
_KEY = re.compile(rf"Credential={KEY_PREFIX}(\d+)/")
_SETS = {"DescribeInstances": ("reservationSet", answers.instances)}
_SETS["DescribeInstanceStatus"] = ("instanceStatusSet", answers.statuses)
_SEND_BUFFER = 4 * 2**20
_IDENTITY = (
    '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    "<Arn>arn:aws:iam::{owner}:user/bench</Arn><UserId>AIDABENCH</UserId><Account>{owner}</Account>"
    "</GetCallerIdentityResult><ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>"
    "</GetCallerIdentityResponse>"
)
_ERROR = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>"
    "<RequestID>{id}</RequestID></Response>"
)
_REFUSALS = {
    "throttle": (503, "RequestLimitExceeded", "Request limit exceeded."),
    "fail": (500, "InternalError", "An internal error has occurred."),
    "token": (400, "InvalidNextToken", "The token is not valid."),
}


class World:
    """All accounts and what was asked of them; times are those of the machine's monotonic clock."""

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.calls: Counter[str] = Counter()
        self.of_account: dict[int, Counter[str]] = {}
        self.changes: list[dict[str, Any]] = []
        self.requests = 0

    def account(self, number: int) -> Account:
        """Return an account; one nobody spoke of shows ten instances."""
        return self.accounts.setdefault(number, Account(number))

    def control(self, order: dict[str, Any]) -> None:
        """Set what some accounts show."""
        for number in order["accounts"]:
            for name, value in order["values"].items():
                setattr(self.account(number), name, value)

    def journal(self, *, clear: bool) -> dict[str, Any]:
        """Return what was asked, and forget it when asked to."""
        of_account = {str(number): dict(calls) for number, calls in self.of_account.items()}
        said = {"calls": dict(self.calls), "of_account": of_account, "changes": self.changes}
        if clear:
            self.calls, self.of_account, self.changes = Counter(), {}, []
        return said

    def answer(self, number: int, asked: dict[str, list[str]], at: float) -> tuple[int, bytes] | None:
        """Return status and body of one call, None when it is never answered."""
        account, operation = self.account(number), asked["Action"][0]
        self.requests += 1
        request_id = f"{self.requests:08x}-bench-4000-8000-{number:012d}"
        self.calls[operation] += 1
        self.of_account.setdefault(number, Counter())[operation] += 1
        if operation == "GetCallerIdentity":
            return 200, _IDENTITY.format(owner=account.owner.decode(), id=request_id).encode()
        if account.trouble == "hang":
            return None
        if account.trouble == "fail":
            return _refusal("fail", request_id)
        if account.throttled_calls > 0:
            account.throttled_calls -= 1
            return _refusal("throttle", request_id)
        if operation in _SETS:
            return self._described(account, operation, asked, request_id)
        if operation in ("StartInstances", "StopInstances"):
            return 200, self._change(account, operation, asked, request_id, at)
        return 200, answers.page(operation, f"{operation[8].lower()}{operation[9:]}Set", b"", "", request_id)

    def _described(
        self, account: Account, operation: str, asked: dict[str, list[str]], request_id: str
    ) -> tuple[int, bytes]:
        set_name, items = _SETS[operation]
        ids = _ids(asked)
        if ids:
            return 200, answers.page(operation, set_name, items(account, map(account.index, ids)), "", request_id)
        try:
            start = int(base64.b64decode(asked["NextToken"][0]).split(b".")[1]) if "NextToken" in asked else 0
        except (ValueError, IndexError):
            return _refusal("token", request_id)
        end = min(account.count, start + min(PAGE_SIZE, int(asked.get("MaxResults", ["1000"])[0])))
        token = base64.b64encode(b"bench.%d.%d" % (end, account.number)).decode() if end < account.count else ""
        return 200, answers.page(operation, set_name, items(account, range(start, end)), token, request_id)

    def _change(
        self, account: Account, operation: str, asked: dict[str, list[str]], request_id: str, at: float
    ) -> bytes:
        ids, stops = _ids(asked), operation == "StopInstances"
        self.changes.append({"operation": operation, "account": account.number, "ids": ids, "at": at})
        account.stopped |= {account.index(instance_id): stops for instance_id in ids}
        now, before = ("64", "stopping"), ("16", "running")
        if not stops:
            now, before = ("0", "pending"), ("80", "stopped")
        states = "".join(
            f"<{tag}><code>{code}</code><name>{name}</name></{tag}>"
            for tag, (code, name) in (("currentState", now), ("previousState", before))
        )
        items = "".join(f"<item><instanceId>{instance_id}</instanceId>{states}</item>" for instance_id in ids)
        return answers.page(operation, "instancesSet", items.encode(), "", request_id)


class Connection(asyncio.Protocol):
    """One connection of a client, which asks one thing after the other."""

    def __init__(self, world: World) -> None:
        self._world, self._read = world, bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = transport
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(1, 7, _SEND_BUFFER)
        self._write: Callable[[bytes], None] = transport.write

    def data_received(self, data: bytes) -> None:
        """Answer when a request is whole."""
        self._read += data
        head, found, rest = bytes(self._read).partition(b"\r\n\r\n")
        if not found:
            return
        text = head.decode("latin-1")
        length = re.search(r"content-length: *(\d+)", text, re.IGNORECASE)
        size = int(length[1]) if length else 0
        if len(rest) >= size:
            self._read = bytearray(rest[size:])
            self._answer(text, rest[:size], time.monotonic())

    def _answer(self, head: str, body: bytes, at: float) -> None:
        path = head.split(" ", 2)[1]
        if path == "/control":
            self._world.control(json.loads(body))
            self._send(200, b"{}")
        elif path.startswith("/journal"):
            self._send(200, json.dumps(self._world.journal(clear=path.endswith("/clear"))).encode())
        else:
            key = _KEY.search(head)
            number = int(key[1]) if key else 0
            said = self._world.answer(number, parse_qs(body.decode()), at)
            if said is not None:
                asyncio.get_running_loop().call_later(self._world.account(number).latency_s, self._send, *said)

    def _send(self, status: int, body: bytes) -> None:
        head = (
            f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\nContent-Type: text/xml;charset=UTF-8\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nServer: AmazonEC2\r\nvary: accept-encoding\r\n"
            "Transfer-Encoding: chunked\r\n\r\n"
        )
        self._write(head.encode() + answers.chunked(body))


def _ids(asked: dict[str, list[str]]) -> list[str]:
    return [values[0] for name, values in asked.items() if name.startswith("InstanceId.")]


def _refusal(kind: str, request_id: str) -> tuple[int, bytes]:
    status, code, text = _REFUSALS[kind]
    return status, _ERROR.format(code=code, text=text, id=request_id).encode()


async def _serve(port_file: Path) -> None:
    loop, world, ended = asyncio.get_running_loop(), World(), asyncio.Event()
    server = await loop.create_server(lambda: Connection(world), "127.0.0.1", 0, backlog=2048)
    made = port_file.with_suffix(".new")
    made.write_text(str(server.sockets[0].getsockname()[1]))
    made.rename(port_file)
    loop.add_reader(sys.stdin.fileno(), lambda: os.read(sys.stdin.fileno(), 1) or ended.set())
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
