"""Installations of ec2mon of their own, and fresh processes in them."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from tests.bench.aws import ROOT, SECRET, access_key
from tests.with_services import free_port

_SECRETS = {"SECRET_KEY": "only-for-the-benchmark-" + "x" * 40, "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode()}


class ChildFailed(RuntimeError):
    """What was run in a child raised; its traceback stands above."""


class Child:
    """A fresh process that does what it is told: `with place.child() as child: child.ask("prepare")`."""

    def __init__(self, env: dict[str, str]) -> None:
        self._env = env

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.bench.child"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._env, stdin=pipe, stdout=pipe, text=True)
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, command: str, **arguments: Any) -> Any:
        """Run one of the functions in `inside` and return what it returned."""
        self.begin(command, **arguments)
        return self.result()

    def begin(self, command: str, **arguments: Any) -> None:
        """Let it run without waiting; `result` waits."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps([command, arguments]) + "\n")
        self._process.stdin.flush()

    def result(self) -> Any:
        """Return what the function begun last returned."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line or line == "failed\n":
            raise ChildFailed("the benchmark's child process failed")
        return json.loads(line)


class Place:
    """An installation in a directory of its own, on SQLite, or on a database of its own of a PostgreSQL server."""

    def __init__(self, directory: Path, server_url: str = "", *, database: str = "") -> None:
        self.directory, self._server_url, self._database = directory, server_url, database
        self.env = {
            **os.environ,
            "ALLOW_PRIVATE_ENDPOINTS": "true",
            **_SECRETS,
            "EC2MON_ENV_FILE": os.devnull,
            "DATA_DIR": str(directory),
            "PORT": str(free_port()),
            "WORKERS": "2",
            "DATABASE_URL": urlsplit(server_url)._replace(path=f"/{database}").geturl() if database else "",
            "REDIS_URL": "",
            "LOG_LEVEL": "WARNING",
            "DJANGO_SETTINGS_MODULE": "ec2mon.settings",
        }

    @property
    def on_server(self) -> bool:
        """Tell whether the database is a server's."""
        return bool(self._database)

    @classmethod
    def make(cls, directory: Path, server_url: str = "") -> "Place":
        """Make an empty installation that is ready to run."""
        directory.mkdir()
        place = cls(directory, server_url, database=_create_database(server_url))
        with place.child() as child:
            child.ask("prepare")
        return place

    def copy(self, directory: Path) -> "Place":
        """Make another installation with the same contents; nobody may use this one meanwhile."""
        shutil.copytree(self.directory, directory)
        return Place(directory, self._server_url, database=_create_database(self._server_url, self._database))

    def remove(self) -> None:
        """Give the room back."""
        shutil.rmtree(self.directory)
        if self._database:
            _on_server(self._server_url, f"DROP DATABASE {self._database} WITH (FORCE)")

    def child(self) -> Child:
        """Return a fresh process, to be entered."""
        return Child(self.env)

    @contextlib.contextmanager
    def up(self, *arguments: str) -> Iterator[None]:
        """Run `manage.py up` with all that it starts; its log stands in the directory."""
        command = [sys.executable, "manage.py", "up", *arguments]
        with (self.directory / "up.log").open("wb") as log:
            product = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            yield
            if product.poll() is not None:
                raise RuntimeError(f"the product ended: {(self.directory / 'up.log').read_text()}")
        finally:
            product.terminate()
            product.wait(60)


def element(number: int, name: str, url: str) -> dict[str, Any]:
    """Return what the child needs to add an element that reads the stand-in as an account."""
    return {"name": name, "url": url, "access_key_id": access_key(number), "secret_access_key": SECRET}


def _create_database(server_url: str, template: str = "template1") -> str:
    if not server_url:
        return ""
    name = f"bench_{uuid.uuid4().hex}"
    _on_server(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    return name


def _on_server(server_url: str, statement: str) -> None:
    import psycopg

    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)
