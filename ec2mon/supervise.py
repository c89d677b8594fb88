"""Keeps the processes of ec2mon alive on one machine, and leaves none behind."""

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from ec2mon.env_file import BASE_DIR

log = logging.getLogger(__name__)

# All must be over 15 s after a SIGTERM; what runs longer is cut off, and rows say what became of it.
GRACE_S = 10.0
# How long a process that shows no life may take to end by itself.
WEDGED_GRACE_S = 5.0
# A killed process must be back within 15 s, its own start included, however often that happens.
LONGEST_PAUSE_S = 8.0
PROVEN_AFTER_S = 20.0
_WARDEN = Path(__file__).with_name("warden.py")


def host() -> str:
    """Return what this supervisor's processes are called in the database: two on one machine are two hosts."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(eq=False)
class Child:
    """One of the processes to keep alive, with all that it starts: they are one process group.

    `argv` runs in the installation's directory with `env` added to the environment. `fds` stay open in it.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    kill_at: float = float("inf")
    quick_ends: int = 0

    def start(self) -> int:
        """Start it and return its process ID, which is its group's too."""
        self.started_at, self.kill_at = time.monotonic(), float("inf")
        self.process = subprocess.Popen(
            self.argv,
            cwd=BASE_DIR,
            # threads that come and go would leave memory behind in an arena each
            env={"MALLOC_ARENA_MAX": "2", **os.environ, "EC2MON_PROCESS": self.name, "EC2MON_HOST": host(), **self.env},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            pass_fds=self.fds,
            start_new_session=True,
        )
        return self.process.pid

    def ask_to_end(self, grace_s: float) -> None:
        """Send SIGTERM to the first process alone: django-q hangs when its whole group gets one."""
        if self.process:
            self.kill_at = time.monotonic() + grace_s
            self.process.terminate()

    def kill(self) -> None:
        """End the whole group at once."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def has_ended(self) -> bool:
        """Tell whether its first process is dead, and leave it unburied, so that its number stays its group's."""
        if self.process is None:
            return False
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.process.pid, options) is not None

    def bury(self) -> str:
        """Kill what its first process left behind and return how that one ended, in words."""
        process = self.process
        if process is None:
            return ""
        self.kill()
        code = process.wait()
        self.process = None
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


class Supervisor:
    """Starts children, starts them again whenever they end, and ends them all when told to, or at the end of `with`.

    `complaint` is asked for each running child and returns why it must be replaced, or nothing.
    """

    def __init__(self, complaint: Callable[[Child], str] = lambda child: "") -> None:
        self._complaint = complaint
        self._children: list[Child] = []
        self._warden: subprocess.Popen[bytes] | None = None
        self._ending = self._hurried = False
        self._wake_up, self._woken = os.pipe()

    def __enter__(self) -> Self:
        """Let signals end `run` instead of this process. A hang-up that is ignored, as by nohup, stays so."""
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._told_to_end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all children."""
        self._end()

    def add(self, child: Child) -> None:
        """Start a child and look after it from now on."""
        self._keep_warden()
        self._children.append(child)
        self._start(child)

    def run(self) -> None:
        """Look after the children until SIGTERM, SIGINT or SIGHUP; a second SIGINT kills them."""
        while not self._ending:
            self._wait(1.0)
            self._keep_warden()
            for child in self._children:
                self._look_after(child)
        log.info("ending; Ctrl-C once more ends at once")

    def _end(self) -> None:
        """End all children, gently at first."""
        for child in self._children:
            child.ask_to_end(GRACE_S)
        while running := [child for child in self._children if child.process]:
            for child in running:
                if child.has_ended():
                    self._bury(child)
                elif self._hurried or time.monotonic() >= child.kill_at:
                    log.warning("%s is cut off", child.name)
                    child.kill()
                    self._bury(child)
            self._wait(0.1)
        if self._warden and self._warden.stdin:
            self._warden.stdin.close()
            self._warden.wait()

    def _told_to_end(self, number: int, frame: FrameType | None) -> None:
        self._hurried = self._ending and number == signal.SIGINT
        self._ending = True

    def _wait(self, seconds: float) -> None:
        """Sleep until a signal comes, a child's death included, or the time is over."""
        if select.select([self._wake_up], [], [], seconds)[0]:
            os.read(self._wake_up, 4096)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at:
                self._start(child)
        elif child.has_ended():
            self._plan_restart(child, self._bury(child), now)
        elif now >= child.kill_at:
            child.kill()
        elif child.kill_at == float("inf") and (why := self._complaint(child)):
            log.warning("%s is replaced: %s", child.name, why)
            child.ask_to_end(WEDGED_GRACE_S)

    def _plan_restart(self, child: Child, how: str, now: float) -> None:
        """Start it again soon, later each time that it ends soon after its start."""
        child.quick_ends = 0 if now - child.started_at > PROVEN_AFTER_S else child.quick_ends + 1
        pause = min(LONGEST_PAUSE_S, 0.25 * 2**child.quick_ends)
        child.start_at = now + pause
        log.warning("%s %s; it is started again in %.1f s", child.name, how, pause)

    def _start(self, child: Child) -> None:
        pid = child.start()
        self._tell_warden(f"+{pid}")
        log.info("%s started (process %d)", child.name, pid)

    def _bury(self, child: Child) -> str:
        pid = child.process.pid if child.process else 0
        how = child.bury()
        self._tell_warden(f"-{pid}")
        return how

    def _keep_warden(self) -> None:
        """Start the process that ends the children should this one be killed, and start it again if it is gone."""
        if self._warden and self._warden.poll() is None:
            return
        groups = [str(child.process.pid) for child in self._children if child.process]
        argv = (sys.executable, "-I", "-S", str(_WARDEN), *groups)
        self._warden = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)

    def _tell_warden(self, line: str) -> None:
        pipe: IO[bytes] | None = self._warden.stdin if self._warden else None
        if pipe:
            with contextlib.suppress(BrokenPipeError):  # killed a moment ago: the next one knows
                pipe.write(f"{line}\n".encode())
                pipe.flush()
