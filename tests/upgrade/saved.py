"""The database of the first landing, made by that version: two elements polled, an instance stopped, a poll throttled,
and a reboot that nobody had sent yet. Its keys are of a simulated EC2, encrypted with a key for this test alone."""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ENCRYPTION_KEY = "b25seS1mb3ItdGhlLXVwZ3JhZGUtdGVzdC0xMjM0NTY="
KEYS = [[f"AKIAFIRSTLANDING000{number}", f"only/for+the/upgrade/test/secret/{number:09d}", ""] for number in (4, 2)]
_SQL = gzip.decompress(Path(__file__).with_name("first_landing.sql.gz").read_bytes()).decode()


def write(file: Path) -> Path:
    """Write it as a file of SQLite."""
    with closing(sqlite3.connect(file)) as database:
        database.executescript(_SQL)
    return file


class Installation:
    """An installation in a directory of its own."""

    def __init__(self, directory: Path, **env: str) -> None:
        directory.mkdir(exist_ok=True)
        self.database = directory / "ec2mon.sqlite3"
        self.env = {
            **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")},
            "EC2MON_ENV_FILE": os.devnull,
            "DATA_DIR": str(directory),
            "SECRET_KEY": "only-for-tests-" + "y" * 40,
            "FIELD_ENCRYPTION_KEY": ENCRYPTION_KEY,
            **env,
        }

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a module or a file of Python."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=ROOT,
            env={**self.env, **env},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def manage(self, *arguments: str) -> str:
        """Run a command that must succeed, and return what it prints."""
        done = self.run("manage.py", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def refused(self, *arguments: str) -> str:
        """Run a command that must fail, without a trace, and return what it prints."""
        done = self.run("manage.py", *arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def facts(self, *options: str) -> dict[str, Any]:
        """Return what the product knows there."""
        done = self.run("-m", "tests.upgrade.facts", *options, DEBUG="true")  # static files need not be collected then
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def lists(database: sqlite3.Connection, sql: str) -> list[list[Any]]:
    """Return rows as JSON gives them back."""
    return [list(row) for row in database.execute(sql)]


def assert_everything_is_kept(facts: dict[str, Any], file: Path) -> None:
    """Compare what the product knows with what was saved."""
    with closing(sqlite3.connect(file)) as old:
        for name, sql in {
            "users": "SELECT username, password, first_name, is_superuser FROM auth_user ORDER BY id",
            "elements": "SELECT name, slug, region, interval_s, naming_format, key_hint, keys_stored_by"
            " FROM elements_element ORDER BY id",
            "instances": "SELECT instance_id, display_name, state FROM elements_instance ORDER BY id",
            "events": "SELECT event_id, code, instance_id_text FROM elements_scheduledevent ORDER BY id",
            "actions": "SELECT verb, instance_id_text, requested_by FROM elements_action ORDER BY id",
            "records": "SELECT operation, request_id, outcome FROM elements_debugrecord ORDER BY id",
            "activities": "SELECT username, text FROM elements_activity ORDER BY id",
        }.items():
            saved = lists(old, sql)
            assert len(saved) >= 2, name
            assert facts[name] == saved, name
    assert facts["keys"] == KEYS
    assert facts["statuses"] == ["confirmed", "expired"]
    assert facts["groups"]["Night shift"] == ["olga"]
    assert facts["groups"].keys() >= {"viewers", "operators", "administrators"}
    assert facts["may_operate"] is True
    assert len(facts["pages"]) == 13
    for address, (status, html) in facts["pages"].items():
        assert status == 200, address
        if "/e/" in address:
            assert "Not connected" in html, address
    [instances] = [html for address, (_, html) in facts["pages"].items() if address == "/e/studio-koln/instances/"]
    assert "encoder-0 / " in instances
