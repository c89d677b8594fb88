"""The settings as they are shipped are those of production, and a start that would not be safe says why and ends."""

import os
import secrets
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from ec2mon.env_file import write_missing_secrets
from tests.ec2mon.product import ROOT

pytestmark = pytest.mark.once


def manage(directory, *arguments, **env):
    """Run a command with nothing of the tests' own settings in its environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env = {**kept, "EC2MON_ENV_FILE": str(directory / ".env"), "DATA_DIR": str(directory), **env}
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Return a directory with the .env that the first `make run` writes."""
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEY"):
        monkeypatch.delenv(name)
    write_missing_secrets(tmp_path / ".env")
    return tmp_path


def test_the_check_before_a_deployment_finds_nothing_behind_https(installed):
    with (installed / ".env").open("a") as file:
        file.write("HTTPS=true\nALLOWED_HOSTS=ec2mon.example.org\n")

    done = manage(installed, "check", "--deploy", "--fail-level", "INFO")

    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def test_debug_is_off_private_endpoints_are_closed_and_cookies_are_secure_unless_somebody_says_otherwise(installed):
    code = (
        "from django.conf import settings as s; print(s.DEBUG, s.ALLOW_PRIVATE_ENDPOINTS, s.SESSION_COOKIE_HTTPONLY,"
        " s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS)"
    )

    done = manage(installed, "shell", "-v0", "-c", code, HTTPS="true")

    assert done.stdout.split() == ["False", "False", "True", "True", "True", "True", "31536000"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "django-insecure-" + secrets.token_urlsafe(50)}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "x" * 64}, "SECRET_KEY is too weak"),
        ({"FIELD_ENCRYPTION_KEY": "A" * 43 + "="}, "FIELD_ENCRYPTION_KEY is too weak"),
        ({"FIELD_ENCRYPTION_KEY": "secret"}, "FIELD_ENCRYPTION_KEY is no Fernet key"),
        ({"DEBUG": "true", "HOST": "0.0.0.0"}, "DEBUG must be off while HOST can be reached from other machines"),
    ],
)
def test_a_start_that_would_not_be_safe_says_why_and_makes_nothing(installed, settings, said):
    done = manage(installed, "up", **settings)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not any(value in done.stderr for name, value in settings.items() if "KEY" in name)
    assert not list(installed.glob("*.sqlite3*"))


def test_one_secret_for_both_purposes_is_refused(installed):
    key = Fernet.generate_key().decode()

    done = manage(installed, "up", SECRET_KEY=key + key, FIELD_ENCRYPTION_KEY=key)
    assert "SECRET_KEY must not hold" in done.stderr

    done = manage(installed, "up", SECRET_KEY=key, FIELD_ENCRYPTION_KEY=key)
    assert done.returncode == 1
    assert "SECRET_KEY must not hold FIELD_ENCRYPTION_KEY" in done.stderr
