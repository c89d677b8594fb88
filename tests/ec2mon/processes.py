"""What runs on this machine, read from /proc."""

import os
from pathlib import Path
from typing import NamedTuple


class Process(NamedTuple):
    started: int
    pid: int
    parent: int
    group: int


def is_alive(pid: int) -> bool:
    """Tell whether a process lives; one that is dead but not yet buried does not."""
    return _read(pid) is not None


def group(pid: int) -> list[Process]:
    """Return the living processes of a process group, oldest first."""
    return [process for process in _all() if process.group == pid]


def children(pid: int) -> list[Process]:
    """Return the living children of a process, oldest first."""
    return [process for process in _all() if process.parent == pid]


def using(directory: Path) -> dict[int, str]:
    """Return the living processes that have a directory in their environment, with their command lines."""
    found = {}
    for process in _all():
        try:
            surroundings = Path(f"/proc/{process.pid}/environ").read_bytes()
            if process.pid != os.getpid() and os.fsencode(directory) in surroundings:
                found[process.pid] = Path(f"/proc/{process.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended meanwhile
            continue
    return found


def _all() -> list[Process]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (process := _read(int(entry.name))):
            found.append(process)
    return sorted(found)


def _read(pid: int) -> Process | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, parent, process_group, started = fields[0], fields[1], fields[2], fields[19]
    return None if state == "Z" else Process(int(started), pid, int(parent), int(process_group))
