"""What the whole product costs when nothing much is to do."""

import time
from collections.abc import Iterator

from tests.bench import processes
from tests.bench.bars import Row
from tests.bench.bench import SQLITE, Bench
from tests.bench.place import element

ACCOUNTS, INSTANCES, INTERVAL_S = range(10, 14), 50, 30
SETTLE_S, WATCH_S = 35, 60


def measure(bench: Bench) -> Iterator[Row]:
    """Let `manage.py up` poll four elements at 30 s, and look at all of its processes for a minute."""
    place = bench.new_place(SQLITE)
    bench.aws.show(ACCOUNTS, count=INSTANCES)
    with place.child() as child:
        elements = [element(number, f"Idle {number}", bench.aws.url) for number in ACCOUNTS]
        child.ask("add_elements", elements=elements, due_in_s=0, interval_s=INTERVAL_S)
    bench.say(f"idle cost of the whole product: {SETTLE_S + WATCH_S} s")
    with place.up():
        time.sleep(SETTLE_S)
        pids = processes.of_directory(place.directory)
        before, began = processes.cpu_s(pids), time.monotonic()
        time.sleep(WATCH_S)
        used, seconds = processes.cpu_s(pids) - before, time.monotonic() - began
        resident, shared_out = processes.memory_mib(processes.of_directory(place.directory))
    what = f"idle, {len(ACCOUNTS)} elements of {INSTANCES} at {INTERVAL_S} s"
    note = f"{used:.2f} CPU s in {seconds:.0f} s; {len(pids)} processes, the supervisor included"
    yield Row(f"{what}: CPU", f"{what}: CPU of one core", used / seconds * 100, 3, "%", note=note, steady=False)
    note = f"shared pages counted once; {resident:.0f} MiB when counted in each process"
    yield Row(f"{what}: memory", f"{what}: memory of all processes", shared_out, 450, "MiB", note=note)
