"""What the first start makes, and what later ones leave alone."""

import http.cookiejar
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.parse
import urllib.request

import pytest

from ec2mon import parts
from tests.ec2mon.product import ROOT, Product, database, wait_for


@pytest.fixture(scope="module")
def product(tmp_path_factory, free_port):
    directory = tmp_path_factory.mktemp("first")
    directory.chmod(0o755)  # as an administrator or a volume made it
    with Product(directory, port=free_port(), **database("ec2mon_first")) as running:
        yield running


@pytest.fixture(scope="module")
def first(product):
    """What the first start wrote: its log, the secrets' file and the users."""
    return product.log(), secrets_of(product), users_of(product)


def secrets_of(product):
    path = product.directory / ".env"
    return path.read_text(), path.stat().st_mtime_ns


def users_of(product):
    return product.rows("SELECT username, is_superuser, is_staff, password FROM auth_user")


def password_in(log):
    return re.search(r"Sign in as admin with the password (\S+)", log).group(1)


def signs_in(product, password):
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.open(f"{product.url}/login/").read()
    token = next(cookie.value for cookie in jar if cookie.name == "csrftoken")
    form = {"username": "admin", "password": password, "csrfmiddlewaretoken": token, "next": "/healthz"}
    opener.open(f"{product.url}/login/", urllib.parse.urlencode(form).encode()).read()
    return any(cookie.name == "sessionid" for cookie in jar)


def test_the_first_start_makes_secrets_that_only_the_owner_can_read(product, first):
    text, _ = first[1]

    assert stat.S_IMODE((product.directory / ".env").stat().st_mode) == 0o600
    assert "\nSECRET_KEY=" in text and "\nFIELD_ENCRYPTION_KEY=" in text


def test_the_secrets_are_not_printed(first):
    log, (text, _), _ = first

    assert not [line for line in text.splitlines() if "=" in line and line.split("=", 1)[1] in log]


def test_the_first_start_makes_one_administrator_who_can_sign_in(product, first):
    log, _, users = first

    assert [(name, bool(superuser), bool(staff)) for name, superuser, staff, _ in users] == [("admin", True, True)]
    assert log.count(password_in(log)) == 1
    assert signs_in(product, password_in(log))
    assert not signs_in(product, "another-password")


def test_the_address_is_printed(product, first):
    assert f"{product.url}/ " in first[0]


def test_what_it_makes_is_for_its_owner_alone(product, first):
    made = [path for path in product.directory.iterdir() if path != product.log_file]

    assert len(made) > 2
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


def test_those_who_send_half_a_request_keep_nobody_waiting_for_long(product, first):
    half = [socket.create_connection(("127.0.0.1", product.port)) for _ in range(9)]
    for each in half:
        each.sendall(b"POST /login/ HTTP/1.1\r\nHost: localhost\r\n")

    wait_for(product.answers, product.log, seconds=60)

    for each in half:
        each.close()


def test_a_taken_port_is_said_in_a_sentence(product):
    done = subprocess.run(
        [sys.executable, "manage.py", "up"], cwd=ROOT, env=product.env, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"Another program uses port {product.port} of 127.0.0.1, perhaps ec2mon itself.")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.once
def test_later_starts_change_nothing_of_that(product, first):
    product.end(signal.SIGTERM)
    product.start()

    assert secrets_of(product) == first[1]
    assert users_of(product) == first[2]
    assert "password" not in product.log()


def test_sigterm_ends_all_within_fifteen_seconds(product, first):
    seconds = product.end(signal.SIGTERM)

    assert seconds < 15
    assert product.process.returncode == 0
    assert product.left() == []


def run(*arguments, cwd=ROOT, **env):
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)


def test_other_commands_say_what_is_missing_and_make_nothing(tmp_path):
    done = run("poll", "--all", EC2MON_ENV_FILE=str(tmp_path / ".env"), DATA_DIR=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr.startswith("ec2mon is not set up: SECRET_KEY is not set. `make run` writes one into .env")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_part_alone_makes_no_secrets_for_all_machines_must_share_them(tmp_path):
    done = run("up", "--only=workers", EC2MON_ENV_FILE=str(tmp_path / ".env"), DATA_DIR=str(tmp_path))

    assert done.returncode == 1
    assert "SECRET_KEY is not set" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_debug_is_refused_where_others_can_reach_it(tmp_path):
    env = {"EC2MON_ENV_FILE": str(tmp_path / ".env"), "DATA_DIR": str(tmp_path), "HOST": "0.0.0.0", "DEBUG": "true"}

    done = run("up", **env)

    assert done.returncode == 1
    assert "DEBUG must be off while HOST can be reached from other machines." in done.stderr


def test_a_number_that_is_none_is_said_in_a_sentence(tmp_path):
    done = run("up", EC2MON_ENV_FILE=str(tmp_path / ".env"), DATA_DIR=str(tmp_path), PORT="http")

    assert done.returncode == 1
    assert done.stderr == "ec2mon is not set up: PORT must be a whole number, not 'http'.\n"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgres://ec2mon:se?cret@db.example.org/ec2mon"),
        ("DATABASE_URL", "postgres://ec2mon:se/cret@db.example.org/ec2mon"),
        ("DATABASE_URL", "mysql://ec2mon:secret@db.example.org/ec2mon"),
        ("DATABASE_URL", "secret"),
        ("REDIS_URL", "redis://:se#cret@redis.example.org/0"),
        ("REDIS_URL", "secret.example.org:6379"),
    ],
)
def test_the_address_of_a_service_that_is_none_is_said_in_a_sentence_without_its_password(tmp_path, name, url):
    done = run("up", EC2MON_ENV_FILE=str(tmp_path / ".env"), DATA_DIR=str(tmp_path), **{name: url})

    assert done.returncode == 1
    assert done.stderr.startswith(f"ec2mon is not set up: {name} cannot be read; it must look like ")
    assert len(done.stderr.splitlines()) == 1 and "'se" not in done.stderr and "secret" not in done.stderr


def test_a_password_may_have_any_character(tmp_path):
    code = (
        "from django.conf import settings\nfrom django.core.cache import caches\n"
        "from redis.connection import parse_url\n"
        "print(settings.DATABASES['default']['PASSWORD'])\n"
        "for url in caches['qstat']._servers: print(parse_url(url)['password'])"
    )
    urls = {
        "DATABASE_URL": "postgres://ec2mon:a,b;c%40%3A%2F%3F%23%25@db.example.org/ec2mon",
        "REDIS_URL": "redis://:a,b;c%40%3A%2F%3F%23%25@redis.example.org/0",
    }
    secrets = {name: os.environ[name] for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEY")}

    done = run("shell", "--no-imports", "-c", code, EC2MON_ENV_FILE="/dev/null", **secrets, **urls)

    assert done.stdout.splitlines()[-2:] == ["a,b;c@:/?#%"] * 2, done.stderr


def test_an_address_of_another_machine_is_said_in_a_sentence(tmp_path):
    env = {"EC2MON_ENV_FILE": str(tmp_path / ".env"), "DATA_DIR": str(tmp_path), "HOST": "192.0.2.1"}

    done = run("up", **env)

    assert done.returncode == 1
    assert "ec2mon cannot listen on port 8000 of 192.0.2.1 (settings HOST and PORT)" in done.stderr


def test_a_relative_data_directory_is_one_of_the_installation(tmp_path):
    code = "from django.conf import settings; print(settings.DATA_DIR)"

    secrets = {name: os.environ[name] for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEY")}

    done = run("shell", "-c", code, cwd=tmp_path, EC2MON_ENV_FILE="/dev/null", **secrets)

    assert done.stdout.splitlines()[-1] == str(ROOT / "data")


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000/"),
        ("0.0.0.0", "http://localhost:8000/"),
        ("::1", "http://[::1]:8000/"),
        ("ec2mon.example.org", "http://ec2mon.example.org:8000/"),
    ],
)
def test_the_printed_address_can_be_opened(host, url):
    assert parts.url(host, 8000) == url
