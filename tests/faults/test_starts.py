"""A start where nothing can be written, or where there is no database: a sentence, and nothing half made."""

import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from tests.ec2mon.product import ROOT
from tests.faults.ledger import LEDGER
from tests.with_services import free_port

pytestmark = pytest.mark.once


def start(*arguments, **env):
    """Run a command that must not succeed and return what it says."""
    secrets = {
        "SECRET_KEY": "only-for-the-tests-of-starts-" + "x" * 40,
        "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        "EC2MON_ENV_FILE": os.devnull,
        "PORT": str(free_port()),
    }
    command = [sys.executable, "manage.py", *arguments]
    surroundings = {**os.environ, **secrets, **{name: str(value) for name, value in env.items()}}
    LEDGER.fault("a start that cannot work")
    done = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=200)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("command", [("up",), ("poll", "--all")])
def test_a_directory_that_cannot_be_made_is_said_in_a_sentence(tmp_path, command):
    (tmp_path / "file").touch()

    said = start(*command, DATA_DIR=tmp_path / "file" / "data")

    assert said == (
        f"ec2mon cannot use its directory of data, {tmp_path}/file/data (setting DATA_DIR): Not a directory."
    )


def test_a_database_that_cannot_be_opened_is_said_at_once(tmp_path):
    (tmp_path / "ec2mon.sqlite3").mkdir()

    said = start("up", DATA_DIR=tmp_path)

    assert said.startswith("The database cannot be used: unable to open database file.")


def test_secrets_that_cannot_be_written_are_not_used(tmp_path):
    (tmp_path / "file").touch()

    said = start("up", DATA_DIR=tmp_path, EC2MON_ENV_FILE=tmp_path / "file" / ".env", SECRET_KEY="", PORT=free_port())

    assert said.startswith("The secrets of this installation cannot be written to ")
    assert not (tmp_path / "ec2mon.sqlite3").exists()


def test_a_command_without_its_tables_says_so(tmp_path):
    said = start("poll", "--all", DATA_DIR=tmp_path)

    assert said.startswith("The database cannot be used: no such table: ")
