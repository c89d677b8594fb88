"""The stand-in as those see it who start it and tell it what to show."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from tests.bench.stand_in import KEY_PREFIX

ROOT = Path(__file__).resolve().parents[2]
SECRET = "only-for-the-benchmark"
_WAIT_S = 20


def access_key(number: int) -> str:
    """Return the access key ID of an account."""
    return f"{KEY_PREFIX}{number:011d}"


class StandIn:
    """`with StandIn(directory) as aws`: `aws.url` answers as EC2 and STS do."""

    def __init__(self, directory: Path) -> None:
        self._port_file = directory / "stand-in.port"

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.stand_in", str(self._port_file)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
        until = time.monotonic() + _WAIT_S
        while not self._port_file.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the stand-in for EC2 did not start")
            time.sleep(0.02)
        self.url = f"http://127.0.0.1:{self._port_file.read_text()}"
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(_WAIT_S)

    def show(self, accounts: Iterable[int], **values: Any) -> None:
        """Set what accounts show, as fields of `answers.Account`."""
        self._post("/control", {"accounts": list(accounts), "values": values})

    def journal(self, *, clear: bool = False) -> dict[str, Any]:
        """Return what was asked since it was last cleared."""
        return self._post("/journal/clear" if clear else "/journal", {})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        request = urllib.request.Request(self.url + path, data=json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=_WAIT_S) as answer:
            said: dict[str, Any] = json.load(answer)
            return said
