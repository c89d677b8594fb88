"""The supervisor alone, with children that misbehave."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from tests.ec2mon import processes
from tests.ec2mon.product import ROOT, wait_for

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)"
SLEEPER = "import time; time.sleep(600)"
# Its first process ends at SIGTERM; what it started does not.
PARENT = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {DEAF!r}]); time.sleep(600)"


@pytest.fixture
def supervise(tmp_path):
    """Run a supervisor with children that execute the given code; `more` is code in front of its run."""
    running = []

    def start(*codes, more=""):
        script = textwrap.dedent(f"""
            import logging, sys
            from functools import partial
            from ec2mon import supervise
            logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
            supervisor = supervise.Supervisor()
            {more}
            with supervisor:
                for number, code in enumerate({codes!r}):
                    supervisor.add(supervise.Child(f"child-{{number}}", partial(exec, code, {{}})))
                supervisor.run()
        """)
        env = {**os.environ, "MARK": str(tmp_path)}
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=env, stdout=log, stderr=log)
        running.append(process)
        wait_for(lambda: text().count("started") >= len(codes), text)
        return process

    def text():
        return (tmp_path / "log").read_text()

    start.log, start.left = text, lambda: list(processes.using(tmp_path).values())
    yield start
    for process in running:
        for _ in range(2):  # the second one kills at once
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        process.wait(10)
    wait_for(lambda: not start.left(), lambda: str(start.left()))


def started(log, name="child-0"):
    return [int(line.rstrip(")").split()[-1]) for line in log.splitlines() if line.startswith(f"{name} started")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_of_them(supervise, number):
    process = supervise(SLEEPER, PARENT)

    process.send_signal(number)

    assert process.wait(5) == 0
    assert supervise.left() == []


def test_a_child_that_does_not_listen_is_killed_after_its_time(supervise):
    process = supervise(DEAF, more="supervise.GRACE_S = 1.5")
    wait_for(lambda: "deaf" in supervise.log())
    began = time.monotonic()

    process.terminate()
    process.wait(10)

    assert 1.4 < time.monotonic() - began < 4
    assert supervise.left() == []


def test_a_second_ctrl_c_kills_at_once(supervise):
    process = supervise(DEAF)
    wait_for(lambda: "deaf" in supervise.log())
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)

    process.send_signal(signal.SIGINT)

    process.wait(2)
    assert supervise.left() == []


def test_a_second_sigterm_hurries_nobody(supervise):
    process = supervise(DEAF, more="supervise.GRACE_S = 3")
    wait_for(lambda: "deaf" in supervise.log())
    process.terminate()
    time.sleep(0.3)

    process.terminate()

    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.wait(5)


@pytest.mark.parametrize("code", ["pass", "raise SystemExit(3)", "import os; os.kill(os.getpid(), 9)"])
def test_a_child_is_started_again_however_it_ended(supervise, code):
    supervise(code)

    wait_for(lambda: len(started(supervise.log())) >= 3, supervise.log)


@pytest.mark.parametrize(
    ("code", "said"), [("raise ValueError('of a kind')", "ValueError: of a kind"), ("raise SystemExit('why')", "why\n")]
)
def test_what_ends_a_child_is_in_the_log(supervise, code, said):
    supervise(code)

    wait_for(lambda: "child-0 ended with exit code 1" in supervise.log(), supervise.log)

    assert said in supervise.log()


def test_a_child_has_signals_input_and_directory_of_its_own(supervise):
    supervise(
        "import os, signal, sys, time;"
        "print([signal.getsignal(number).name for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)],"
        " signal.pthread_sigmask(signal.SIG_BLOCK, ()), os.readlink('/proc/self/fd/0'), os.getcwd(), flush=True);"
        "time.sleep(600)"
    )

    wait_for(lambda: "SIG_DFL" in supervise.log(), supervise.log)

    assert f"['SIG_DFL', 'SIG_DFL', 'SIG_DFL'] set() /dev/null {ROOT}" in supervise.log()


def test_the_pause_before_a_start_grows_but_stays_short(supervise):
    supervise("raise SystemExit(1)", more="supervise.LONGEST_PAUSE_S = 1.0")

    wait_for(lambda: supervise.log().count("in 1.0 s") >= 2, supervise.log)

    pauses = [line.split()[-2] for line in supervise.log().splitlines() if "again in" in line]
    assert pauses[:4] == ["0.5", "1.0", "1.0", "1.0"][: len(pauses)]


def test_what_a_dead_child_leaves_behind_is_ended_before_it_is_started_again(supervise):
    supervise(PARENT)
    wait_for(lambda: "deaf" in supervise.log())
    (first,) = started(supervise.log())
    orphan = processes.children(first)[0].pid

    os.kill(first, signal.SIGKILL)

    wait_for(lambda: len(started(supervise.log())) == 2, supervise.log)
    assert orphan not in [process.pid for process in processes.group(first)]


def test_a_child_that_shows_no_life_is_replaced_even_if_it_does_not_listen(supervise):
    more = "supervise.WEDGED_GRACE_S = 0.5; supervisor._complaint = lambda child: 'it only sleeps'"
    supervise(DEAF, more=more)

    wait_for(lambda: len(started(supervise.log())) == 2, supervise.log)

    assert "child-0 is replaced: it only sleeps" in supervise.log()
    assert "child-0 was killed by SIGKILL" in supervise.log()


def test_a_killed_supervisor_leaves_nothing_behind(supervise):
    process = supervise(SLEEPER, PARENT)

    process.kill()
    process.wait()

    wait_for(lambda: not supervise.left(), lambda: str(supervise.left()), seconds=12)


def test_a_supervisor_killed_after_its_warden_leaves_nothing_behind(supervise):
    process = supervise(SLEEPER)
    (warden,) = [each for each in processes.children(process.pid) if each.pid not in started(supervise.log())]
    os.kill(warden.pid, signal.SIGKILL)
    wait_for(lambda: len(processes.children(process.pid)) == 2 and warden not in processes.children(process.pid))

    process.kill()
    process.wait()

    wait_for(lambda: not supervise.left(), lambda: str(supervise.left()), seconds=12)


def test_a_supervisor_killed_while_it_starts_a_child_leaves_nothing_behind(supervise):
    process = supervise("import os, time; print('started', flush=True); os.kill(os.getppid(), 9); time.sleep(600)")

    process.wait()

    wait_for(lambda: not supervise.left(), lambda: str(supervise.left()), seconds=12)
