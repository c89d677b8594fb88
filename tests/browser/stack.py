"""The whole product as its own processes: `manage.py up` on a database of its own, reading a simulated EC2."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from simulator.server import Simulator
from tests.brokers import own_broker

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "only-for-the-browser-tests-1"


class Stack:
    """`with Stack(directory) as stack`: web, workers and clock run; `stack.aws` is what they read."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.aws = Simulator(delay_s=1.5)
        self._up: subprocess.Popen[bytes] | None = None
        self._commands: subprocess.Popen[str] | None = None
        self.env = {
            **os.environ,
            "EC2MON_ENV_FILE": os.devnull,
            "SECRET_KEY": "only-for-the-browser-tests-" + "x" * 40,
            "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
            "DATA_DIR": str(directory),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "WORKERS": "2",
            **_services(),
            **own_broker(),
        }

    def __enter__(self) -> Self:
        self.aws.__enter__()
        self.manage("migrate", "-v0")
        with (self.directory / "up.log").open("wb") as log:
            self._up = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(self._answers, "the product does not answer", self.log, seconds=90)
        return self

    def __exit__(self, *error: object) -> None:
        if self._commands and self._commands.stdin and self._commands.stdout:
            self._commands.stdin.close()
            self._commands.wait(20)
            self._commands.stdout.close()
        if self._up:
            self._up.send_signal(signal.SIGTERM)
            self._up.wait(20)
        self.aws.__exit__(None, None, None)

    def manage(self, *arguments: str, **env: str) -> str:
        """Run a command of the product and return what it prints; it must succeed."""
        code, printed = self.attempt(*arguments, **env)
        assert code == 0, printed
        return printed

    def attempt(self, *arguments: str, **env: str) -> tuple[int, str]:
        """Run a command of the product and return its exit code and what it prints."""
        if self._commands is None:
            command = [sys.executable, "-m", "tests.browser.commands"]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self._commands = subprocess.Popen(command, cwd=ROOT, env=self.env, text=True, **pipes)
        assert self._commands.stdin and self._commands.stdout
        print(json.dumps([arguments, env]), file=self._commands.stdin, flush=True)
        code, printed = json.loads(self._commands.stdout.readline())
        return code, printed

    def add_element(self, name: str, region: str = "eu-central-1", **options: str) -> Any:
        """Add an element with good keys that is polled every 10 s, and return the keys."""
        keys = self.aws.add_keys()
        arguments = [f"--{option.replace('_', '-')}={value}" for option, value in options.items()]
        self.manage(
            "element",
            "add",
            name,
            f"--region={region}",
            f"--endpoint-url={self.aws.url}",
            f"--sts-endpoint-url={self.aws.url}",
            "--interval=10",
            *arguments,
            AWS_ACCESS_KEY_ID=keys.access_key_id,
            AWS_SECRET_ACCESS_KEY=keys.secret_access_key,
        )
        return keys

    def add_user(self, name: str, group: str) -> None:
        """Add somebody who may sign in with PASSWORD."""
        self.manage(
            "shell",
            "-c",
            "import os; from django.contrib.auth.models import Group, User;"
            f" User.objects.create_user('{name}', password=os.environ['PASSWORD'],)"
            f".groups.add(Group.objects.get(name='{group}'))",
            PASSWORD=PASSWORD,
        )

    def log(self) -> str:
        """Return what the product logged."""
        return (self.directory / "up.log").read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def wait_for(
    condition: Callable[[], object], otherwise: str, more: Callable[[], str] = lambda: "", *, seconds: float = 30
) -> None:
    """Wait until a condition holds; fail with the sentence and what `more` returns when it does not."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"{otherwise}\n{more()}"
        time.sleep(0.1)


def free_port() -> int:
    """Return a port of this machine that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _services() -> dict[str, str]:
    """Return a fresh database beside the one of the tests where they run on PostgreSQL."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        return {}
    import psycopg

    name = f"ec2mon_browser_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return {"DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
