"""Ends the process groups of a supervisor that died without ending them itself.

The supervisor starts this file as a process of its own, with nothing but the standard library and the groups there are
as arguments, and tells it by a pipe what changes: a line `+PID` or `-PID`. The pipe's end is the supervisor's end,
however it came.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_S = 8.0


def main() -> None:
    """Follow the pipe, then end what is left."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups = set(map(int, sys.argv[1:]))
    for line in sys.stdin:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    _end(groups)


def _end(groups: set[int]) -> None:
    """Ask each group's first process to end, give it time, then kill the whole group."""
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.kill(group, signal.SIGTERM)
    until = time.monotonic() + GRACE_S
    while any(map(_leads, groups)) and time.monotonic() < until:
        time.sleep(0.1)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def _leads(group: int) -> bool:
    try:
        os.kill(group, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
