import contextlib
import os
import queue
import select
import signal
import socket
import threading
import time

import pytest

from elements.aws import deadlines
from elements.aws.deadlines import Alarm, Alarms
from elements.aws.errors import AwsUnreachable
from tests.aws.pages import listed

QUICK = {"attempts": 1, "attempt_s": 0.5}


@pytest.mark.parametrize("operation", ["DescribeInstances", "StopInstances"])
def test_an_answer_that_drips_is_cut(aws, keys, open_to, records, operation):
    (instance_id,) = aws.add_instances()
    aws.fault("drip", operation, seconds=60)
    gateway = open_to(keys, aws.url, **QUICK)
    began = time.monotonic()

    with pytest.raises(AwsUnreachable, match="did not arrive within") as raised:
        listed(gateway.describe_instances()) if "Describe" in operation else gateway.stop_instances([instance_id])

    assert time.monotonic() - began < 5
    assert not raised.value.definite
    assert [record.outcome for record in records] in (["no-answer"], ["not-understood"])


def test_an_answer_that_drips_through_tls_is_cut(tls_aws, open_to, certificate, monkeypatch):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
    tls_aws.fault("drip", "DescribeInstances", seconds=60)
    began = time.monotonic()

    with pytest.raises(AwsUnreachable):
        listed(open_to(tls_aws.add_keys(), tls_aws.url, **QUICK).describe_instances())

    assert time.monotonic() - began < 5


def test_an_answer_that_is_slow_but_arrives_counts(aws, keys, open_to):
    aws.add_instances()
    aws.fault("drip", "DescribeInstances", seconds=0.3)

    assert len(listed(open_to(keys, aws.url, attempts=1, attempt_s=10).describe_instances())) == 1


def test_a_connection_used_again_is_cut_too(aws, keys, open_to):
    gateway = open_to(keys, aws.url, attempts=1, attempt_s=1.0)
    listed(gateway.describe_instances())
    gateway.caller_identity()
    aws.fault("drip", "DescribeInstances", seconds=60)
    began = time.monotonic()

    with pytest.raises(AwsUnreachable):
        listed(gateway.describe_instances())

    assert time.monotonic() - began < 5


def test_all_calls_together_end_in_time(aws, keys, open_to):
    aws.fault("drip", "DescribeInstances", seconds=60)
    gateway = open_to(keys, aws.url, deadline_s=2)
    began = time.monotonic()

    for _ in range(2):
        with pytest.raises(AwsUnreachable, match="AWS did not finish within"):
            listed(gateway.describe_instances())

    assert time.monotonic() - began < 20
    assert len(aws.journal()) == 1


def test_silence_is_said_with_the_time_that_was_waited(aws, keys, open_to):
    aws.fault("hang", "DescribeInstances")

    with pytest.raises(AwsUnreachable, match=r"No answer from .* within 1 s"):
        listed(open_to(keys, aws.url, attempts=1, read_s=1).describe_instances())


def test_an_answer_that_drips_and_ends_with_its_connection_is_cut(keys, open_to):
    with _server_that_drips() as url:
        began = time.monotonic()

        with pytest.raises(AwsUnreachable, match="did not arrive within"):
            listed(open_to(keys, url, **QUICK).describe_instances())

    assert time.monotonic() - began < 5


def test_alarms_ring_in_their_order_and_not_when_they_are_called_off():
    alarms, rung, off = Alarms(), queue.SimpleQueue(), Alarm(lambda: rung.put("off"))
    alarms.set(60, Alarm(lambda: rung.put("never")))

    alarms.set(0.1, off)
    off.call_off()
    alarms.set(0.3, Alarm(lambda: rung.put("later")))
    alarms.set(0.2, Alarm(lambda: rung.put("sooner")))

    assert [rung.get(timeout=5), rung.get(timeout=5)] == ["sooner", "later"]
    assert rung.empty()


def test_an_alarm_that_fails_keeps_no_other_from_ringing(caplog):
    alarms, rung = Alarms(), queue.SimpleQueue()

    alarms.set(0, Alarm(lambda: 1 / 0))
    alarms.set(0.1, Alarm(lambda: rung.put("rung")))

    assert rung.get(timeout=5) == "rung"
    assert "could not be cut" in caplog.text


def test_alarms_that_are_over_leave_no_thread_and_ring_anew():
    alarms, rung = Alarms(), queue.SimpleQueue()

    for number in range(2):
        alarms.set(0, Alarm(lambda number=number: rung.put(number)))
        thread = alarms._thread
        assert rung.get(timeout=5) == number
        thread.join(5)
        assert not thread.is_alive()


def test_a_forked_process_rings_its_own_alarms():
    deadlines._alarms.set(60, Alarm(lambda: None))
    read, write = os.pipe()

    pid = os.fork()
    if pid == 0:
        deadlines._alarms.set(0, Alarm(lambda: os.write(write, b"rung")))
        time.sleep(10)
        os._exit(0)

    try:
        assert select.select([read], [], [], 5)[0] and os.read(read, 4) == b"rung"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(read)
        os.close(write)


@contextlib.contextmanager
def _server_that_drips():
    """Take one request and answer it with a byte now and then, for longer than anybody waits."""
    ended = threading.Event()

    def serve():
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n")
            while not ended.wait(0.1):
                connection.sendall(b" ")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        thread.join()
