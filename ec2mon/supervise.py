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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, NoReturn, Self

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
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def host() -> str:
    """Return what this supervisor's processes are called in the database: two on one machine are two hosts."""
    return f"{socket.gethostname()}:{os.getpid()}"


def start_anew() -> None:
    """Start this program once more, as the same process, with what is only heeded at the start of one.

    Its children are forked and not started: it is theirs too.
    """
    if os.environ.get("EC2MON_HOST") != host():
        # threads that come and go would leave memory behind in an arena each
        env = {"MALLOC_ARENA_MAX": "2", **os.environ, "EC2MON_HOST": host()}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], env)


@dataclass(eq=False)
class Child:
    """One of the processes to keep alive, with all that it starts: they are one process group.

    `run` runs in the installation's directory, in a copy of this process: what is loaded here is not loaded, and takes
    no memory, once more there. So nothing must be under way here: no thread, and no connection to a database.
    """

    name: str
    run: Callable[[], object]
    pid: int = 0
    started_at: float = 0.0
    start_at: float = 0.0
    kill_at: float = float("inf")
    quick_ends: int = 0

    def start(self, leave: Callable[[], None]) -> int:
        """Start it and return its process ID, which is its group's too. It calls `leave` first."""
        self.started_at, self.kill_at = time.monotonic(), float("inf")
        sys.stdout.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # until the child has no use for our handlers any more
        self.pid = os.fork()
        if self.pid == 0:
            self._become(leave)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        return self.pid

    def ask_to_end(self, grace_s: float) -> None:
        """Send SIGTERM to the first process alone: django-q hangs when its whole group gets one."""
        if self.pid:
            self.kill_at = time.monotonic() + grace_s
            os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End the whole group at once."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    def has_ended(self) -> bool:
        """Tell whether its first process is dead, and leave it unburied, so that its number stays its group's."""
        if not self.pid:
            return False
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, options) is not None

    def bury(self) -> str:
        """Kill what its first process left behind and return how that one ended, in words."""
        if not self.pid:
            return ""
        self.kill()
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = 0
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def _become(self, leave: Callable[[], None]) -> NoReturn:
        """Be the child, and never return to what its parent was doing."""
        code = 1
        try:
            os.setsid()
            leave()
            _settle()
            self.run()
            code = 0
        except SystemExit as end:
            code = _exit_code(end)
        except BaseException:
            log.exception("%s failed", self.name)
        finally:
            sys.stdout.flush()
            os._exit(code)


def _exit_code(end: SystemExit) -> int:
    """Return what the interpreter would end with, and say what it would say."""
    if isinstance(end.code, int):
        return end.code
    if end.code is not None:
        log.error("%s", end.code)
    return int(end.code is not None)


def _settle() -> None:
    """Work in the installation's directory, read nothing, write one log, and heed signals."""
    os.chdir(BASE_DIR)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(1, 2)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


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
        for number in _SIGNALS:
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
        while running := [child for child in self._children if child.pid]:
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
        if not child.pid:
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
        log.info("%s started (process %d)", child.name, child.start(self._leave))

    def _leave(self) -> None:
        """Let go, in a child, of what is the supervisor's alone, the warden's pipe last of all.

        The warden waits until nobody holds its pipe: so no child is unknown to it, whenever the supervisor is killed.
        """
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        os.close(self._wake_up)
        os.close(self._woken)
        self._tell_warden(f"+{os.getpid()}")
        if self._warden and self._warden.stdin:
            self._warden.stdin.close()

    def _bury(self, child: Child) -> str:
        pid, how = child.pid, child.bury()
        self._tell_warden(f"-{pid}")
        return how

    def _keep_warden(self) -> None:
        """Start the process that ends the children should this one be killed, and start it again if it is gone."""
        if self._warden and self._warden.poll() is None:
            return
        groups = [str(child.pid) for child in self._children if child.pid]
        argv = (sys.executable, "-I", "-S", str(_WARDEN), *groups)
        self._warden = subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)

    def _tell_warden(self, line: str) -> None:
        pipe: IO[bytes] | None = self._warden.stdin if self._warden else None
        if pipe:
            with contextlib.suppress(BrokenPipeError):  # killed a moment ago: the next one knows
                pipe.write(f"{line}\n".encode())
                pipe.flush()
