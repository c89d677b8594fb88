"""What processes have used until now, read from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def of_directory(directory: Path) -> list[int]:
    """Return the processes that have a directory in their environment, other than the benchmark's own."""
    found = []
    for pid in _pids():
        try:
            surroundings = Path(f"/proc/{pid}/environ").read_bytes()
            ours = b"tests.bench" in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:  # it ended meanwhile
            continue
        if os.fsencode(directory) + b"\0" in surroundings and not ours:
            found.append(pid)
    return found


def family(pid: int) -> list[int]:
    """Return a process and its living children."""
    return [pid, *(each for each in _pids() if (fields := _stat(each)) and int(fields[1]) == pid)]


def cpu_s(pids: Iterable[int]) -> float:
    """Return the CPU time of processes and of those that they have waited for."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _stat(pid))) / _TICK


def memory_mib(pids: Iterable[int]) -> tuple[float, float]:
    """Return the resident memory of all together, and the same with pages that they share counted once."""
    resident = shared_out = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes = {line.split()[0]: int(line.split()[1]) for line in lines[1:] if line.endswith(" kB")}
        resident += sizes["Rss:"]
        shared_out += sizes["Pss:"]
    return resident / 1024, shared_out / 1024


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]


def _stat(pid: int) -> list[str]:
    """Return the fields of a process's stat after its name: state, parent, group ..."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
