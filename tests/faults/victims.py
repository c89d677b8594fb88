"""Who can be killed: each kind of process of an installation, and how to find it."""

from collections.abc import Callable

from tests.ec2mon import processes
from tests.faults.installation import Installation


def below(pid: int) -> list[int]:
    return [child.pid for child in processes.children(pid)]


def one_of(name: str, position: slice) -> Callable[[Installation], list[int]]:
    """Return how to find some of what a sentinel looks after: workers come first, then monitor and pusher."""
    return lambda product: [pid for sentinel in below(product.pid(name)) for pid in below(sentinel)][position]


def warden(product: Installation) -> list[int]:
    assert product.process
    lines = processes.using(product.directory)
    return [each.pid for each in processes.children(product.process.pid) if "warden.py" in lines.get(each.pid, "")]


VICTIMS: dict[str, Callable[[Installation], list[int]]] = {
    **{f"a worker of {name}": one_of(name, slice(0, 1)) for name in ("workers", "ops")},
    # one of them waits for the next task and holds the lock of the queue
    **{f"all workers of {name}": one_of(name, slice(0, -2)) for name in ("workers", "ops")},
    **{f"monitor of {name}": one_of(name, slice(-2, -1)) for name in ("workers", "ops")},
    **{f"pusher of {name}": one_of(name, slice(-1, None)) for name in ("workers", "ops")},
    **{f"sentinel of {name}": lambda product, name=name: below(product.pid(name)) for name in ("workers", "ops")},
    **{f"first process of {name}": lambda product, name=name: [product.pid(name)] for name in ("workers", "ops")},
    "web": lambda product: [product.pid("web")],
    "web worker": lambda product: below(product.pid("web")),
    "clock": lambda product: [product.pid("clock")],
    "watch": lambda product: [product.pid("watch")],
    "warden": warden,
}
