"""`make demo`: the whole product and a simulated EC2 as processes."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.demo import PEOPLE
from tests.ec2mon.product import ROOT, Product, wait_for

_HEALTHY = "e.id = p.element_id AND e.name IN ('Frankfurt – Playout', 'Ireland – Contribution')"


@pytest.fixture(scope="module")
def taken() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture(scope="module")
def mine(tmp_path_factory: Any) -> dict[str, str]:
    """The surroundings of a user who has an installation: none of it may be used or changed."""
    directory = tmp_path_factory.mktemp("mine")
    env_file = directory / ".env"
    env_file.write_text("PORT=1\nWORKERS=none\n")
    return {
        "EC2MON_ENV_FILE": str(env_file),
        "DATABASE_URL": f"sqlite:///{directory}/mine.sqlite3",
        "SECRET_KEY": "mine",
        "FIELD_ENCRYPTION_KEY": "mine",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory: Any, taken: int, mine: dict[str, str]) -> Any:
    directory = tmp_path_factory.mktemp("demo")
    command = ("-m", "simulator.demo_up", f"--directory={directory}", f"--port={taken}")
    product = Product(directory, *command, port=0, **mine)
    product.launch()
    product.env["DATABASE_URL"] = ""
    wait_for(lambda: "The demo of ec2mon is at http://127.0.0.1:" in product.log(), product.log, seconds=30)
    product.port = int(product.log().partition("The demo of ec2mon is at http://127.0.0.1:")[2].partition("/")[0])
    product.url = f"http://127.0.0.1:{product.port}"
    wait_for(product.answers, product.log)
    yield product
    if product.process.poll() is None:
        product.end(signal.SIGKILL)


def polls(demo: Product) -> dict[str, tuple[Any, ...]]:
    sql = (
        "SELECT e.name, p.succeeded_at, p.refused, e.paused, (SELECT count(*) FROM elements_instance i"
        " WHERE i.element_id = e.id) FROM elements_element e LEFT JOIN elements_poll p ON p.element_id = e.id"
    )
    return {name: rest for name, *rest in demo.rows(sql)}


def test_it_says_where_it_is_and_who_may_sign_in(demo: Product, taken: int) -> None:
    log = demo.log()

    assert f"Port {taken} is taken by another program, so the demo takes another one." in log
    assert demo.port != taken
    assert all(f"{person.name:8}  password {person.password}" in log for person in PEOPLE)


def test_two_regions_are_read_one_is_refused_and_one_is_paused(demo: Product) -> None:
    def all_were_tried() -> bool:
        return all(succeeded or refused for succeeded, refused, _, _ in polls(demo).values())

    wait_for(all_were_tried, demo.log, seconds=30)

    found = polls(demo)
    assert len(found) >= 4
    assert found["Frankfurt – Playout"][3] + found["Ireland – Contribution"][3] >= 80
    assert bool(found["Virginia – Archive"][1]) and found["Virginia – Archive"][3] == 0
    assert bool(found["Tokyo – Lab"][2]) and found["Tokyo – Lab"][3] == 6


def test_nothing_of_the_user_is_touched(demo: Product, mine: dict[str, str]) -> None:
    env_file = Path(mine["EC2MON_ENV_FILE"])

    assert [path.name for path in env_file.parent.iterdir()] == [".env"]
    assert env_file.read_text() == "PORT=1\nWORKERS=none\n"
    assert (demo.directory / "env").stat().st_mode & 0o777 == 0o600


def test_a_second_demo_in_the_same_directory_says_so(demo: Product) -> None:
    command = [sys.executable, "-m", "simulator.demo_up", f"--directory={demo.directory}"]

    done = subprocess.run(command, cwd=ROOT, env=demo.env, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (1, "The demo is running already.\n")


def test_a_killed_simulator_is_back_within_fifteen_seconds_with_the_same_instances(demo: Product) -> None:
    instances = (
        "SELECT count(*), count(gone_at) FROM elements_instance"
        " WHERE display_name LIKE 'ingest-srt-%' OR display_name LIKE 'playout-%'"
    )
    succeeded = f"SELECT min(succeeded_at) FROM elements_poll p JOIN elements_element e ON {_HEALTHY}"
    victim, url = demo.pid("aws"), (demo.directory / "simulator.port").read_text()
    os.kill(victim, signal.SIGKILL)
    wait_for(lambda: demo.pid("aws") != victim, demo.log)
    before = demo.rows(succeeded)

    wait_for(lambda: demo.rows(succeeded) > before, demo.log, seconds=25)

    assert (demo.directory / "simulator.port").read_text() == url
    assert demo.rows(instances) == [(27, 0)]


def test_sigterm_ends_all_within_fifteen_seconds(demo: Product) -> None:
    seconds = demo.end(signal.SIGTERM)

    assert seconds < 15
    assert demo.left() == []
