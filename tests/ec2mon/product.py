"""ec2mon as its own processes, for tests of how they start, die and come back."""

import contextlib
import os
import re
import signal
import sqlite3
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

from tests.brokers import own_broker
from tests.ec2mon import processes

ROOT = Path(__file__).resolve().parents[2]
_SECRETS = ("SECRET_KEY", "FIELD_ENCRYPTION_KEY")


class Product:
    """A command that runs ec2mon from a directory of its own: `with Product(directory) as product`."""

    def __init__(self, directory: Path, *command: str, port: int, **env: str) -> None:
        self.directory, self.port = directory, port
        self.url = f"http://127.0.0.1:{port}"
        self.log_file = directory / "log"
        self._command = command or ("manage.py", "up")
        kept = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        self.env = {
            **kept,
            "EC2MON_ENV_FILE": str(directory / ".env"),
            "DATA_DIR": str(directory),
            "PORT": str(port),
            "WORKERS": "2",
            **own_broker(),
            **env,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.process and self.process.poll() is None:
            self.end(signal.SIGTERM)

    def start(self) -> float:
        """Start it and return how long it took to answer."""
        began = time.monotonic()
        self.launch()
        wait_for(self.answers, self.log, seconds=120)
        return time.monotonic() - began

    def launch(self) -> None:
        """Start it without waiting for anything."""
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self._command],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def end(self, number: int) -> float:
        """Send it a signal and return how long it took to end."""
        assert self.process
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(30)
        return time.monotonic() - began

    def answers(self) -> bool:
        """Tell whether it is healthy."""
        assert self.process and self.process.poll() is None, self.log()
        with contextlib.suppress(urllib.error.URLError, OSError):
            return self.get("/healthz") == "ok\n"
        return False

    def get(self, path: str) -> str:
        """Return a page that needs no log-in."""
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def log(self) -> str:
        """Return what it wrote."""
        return self.log_file.read_text(errors="replace")

    def pid(self, name: str) -> int:
        """Return the process ID of one of its parts, as the log gave it last."""
        return int(re.findall(rf"{name} started \(process (\d+)\)", self.log())[-1])

    def left(self) -> list[str]:
        """Return the processes that exist because of it."""
        return list(processes.using(self.directory).values())

    def manage(self, *arguments: str) -> str:
        """Run a command of the product and return what it prints."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the database as it is."""
        url = self.env.get("DATABASE_URL", "")
        if url.startswith("postgres"):
            import psycopg

            with psycopg.connect(url) as server:
                return list(server.execute(sql).fetchall())
        with contextlib.closing(sqlite3.connect(self.directory / "ec2mon.sqlite3", timeout=20)) as file:
            return list(file.execute(sql).fetchall())

    def beat(self, queue: str) -> object:
        """Return when the queue last proved that it works, as a value that only tells one beat from another."""
        found = self.rows(f"SELECT at FROM elements_workerbeat WHERE queue = '{queue}'")
        return found[0][0] if found else None


def database(name: str) -> dict[str, str]:
    """Return the setting of an empty database of its own where tests run on PostgreSQL."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        return {}
    import psycopg

    name = f"{name}_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
    return {"DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}


def wait_for(condition: Callable[[], object], more: Callable[[], str] = str, *, seconds: float = 15) -> float:
    """Wait until a condition holds and return how long that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, more()
        time.sleep(0.1)
    return time.monotonic() - began
