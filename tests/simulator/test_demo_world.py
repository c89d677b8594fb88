"""What `make demo` shows, and how its process behaves."""

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from simulator import demo_world
from simulator.server import Simulator
from tests.simulator.conftest import refusal


@pytest.fixture
def world(aws: Simulator) -> Simulator:
    demo_world.build(aws)
    return aws


def instances(world: Simulator) -> list[Any]:
    return list(world.world.instances.values())


def test_two_regions_hold_more_than_ninety_instances_in_mixed_states(world: Simulator) -> None:
    found = [i for i in instances(world) if i.region in ("eu-central-1", "eu-west-1")]

    assert len(found) >= 90
    assert {i.phase(world.now()).state for i in found} >= {"running", "stopped", "terminated"}


def test_every_kind_of_trouble_is_there(world: Simulator) -> None:
    found = instances(world)
    names = [i.tags.get("Name", "") for i in found]

    assert max(map(len, names)) > 80
    assert names.count("web") == 3 and names.count("") >= 3
    assert any(name.startswith("🎬") for name in names) and any("بث" in name for name in names)
    assert any(i.protected for i in found)
    assert {i.root_device for i in found} == {"ebs", "instance-store"}
    assert {(i.lifecycle, i.spot_type) for i in found} >= {("spot", "one-time"), ("spot", "persistent")}
    assert {check for i in found for check in i.impaired_since} == {"system", "instance", "ebs"}
    assert max(len(i.tags) for i in found) == 50
    assert any("aws:autoscaling:groupName" in i.tags for i in found)


def test_every_kind_of_scheduled_event_is_there(world: Simulator) -> None:
    events, now = [event for i in instances(world) for event in i.events], world.now()
    active = [event for event in events if not event.over]

    assert any(0 < (event.not_before - now).total_seconds() < 3600 for event in active)
    assert any(event.not_before < now for event in active)
    assert any(event.deadline for event in active) and any(not event.deadline for event in active)
    assert any(not event.not_after and not event.deadline for event in active)
    assert {event.description.split("]")[0] for event in events if event.over} == {"[Completed", "[Canceled"}


def test_the_elements_are_healthy_refused_and_paused(world: Simulator, client: Any) -> None:
    def ec2(element: demo_world.DemoElement) -> Any:
        return client(
            region=element.region,
            access_key_id=element.access_key_id,
            secret_access_key=element.secret_access_key,
        )

    assert ec2(demo_world.FRANKFURT).describe_instances()["Reservations"]
    assert ec2(demo_world.IRELAND).describe_instances()["Reservations"]
    assert refusal(ec2(demo_world.VIRGINIA).describe_instances)[0] == "AuthFailure"
    assert [element.name for element in demo_world.ELEMENTS if element.paused] == [demo_world.TOKYO.name]


def test_the_ids_are_the_same_at_every_start(world: Simulator) -> None:
    with Simulator() as again:
        demo_world.build(again)

        assert list(again.world.instances) == list(world.world.instances)


def test_the_world_changes_by_itself(world: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_world, "_LIFE_STEP_S", 0.02)
    world.set(delay_s=0.02)
    before, ended = set(world.world.instances), threading.Event()
    thread = threading.Thread(target=demo_world.live, args=(world, ended))
    thread.start()
    try:
        deadline, came, went = time.monotonic() + 5, set[str](), set[str]()
        while time.monotonic() < deadline and not (came and went):
            now = set(world.world.instances)
            went |= came - now
            came |= now - before
            time.sleep(0.005)
    finally:
        ended.set()
        thread.join()
    assert came and went


def test_the_process_tells_its_port_keeps_it_and_ends_at_once(tmp_path: Path) -> None:
    file, ports = tmp_path / "port", []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--port-file", str(file)],
            cwd=Path(demo_world.__file__).parents[1],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        try:
            assert process.stdout and b"simulated EC2 at" in process.stdout.readline()
            ports.append(file.read_text())
            with urllib.request.urlopen(f"http://127.0.0.1:{ports[-1]}/_sim/journal", timeout=5) as answer:
                assert answer.read() == b"[]"
        finally:
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
            process.stdout.close()
            assert time.monotonic() - began < 2
    assert ports[0] == ports[1]
