"""Every fault of AWS while an element is read: what is said, what is kept, what AWS is asked, and how it ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from elements.models import DebugRecord, Element
from tests.faults.scene import INTERVAL_S, LATE_S, Scene, pass_time

pytestmark = pytest.mark.django_db

BACK_OFF_LIMIT_S = 300
BOTH = 6  # three attempts for each of the two listings
FIRST = 4  # three for the one that fails, one for the other


@dataclass(frozen=True)
class Fault:
    """One fault: the row of the table, how it begins and ends, what pages say, and how often AWS may be asked."""

    name: str
    begin: Callable[[Scene], object]
    words: Sequence[str]
    calls: int
    end: Callable[[Scene], object] = lambda scene: scene.aws.clear_faults()
    within_s: float = BACK_OFF_LIMIT_S


def kind(name: str, words: str | Sequence[str], calls: int, *, row: str, action: str | None = None, **details) -> Fault:
    """Return a fault of the simulator."""
    title = "-".join([row, name, *([action] if action else []), *(f"{k}{v}" for k, v in details.items())])
    said = [words] if isinstance(words, str) else words
    return Fault(title, lambda scene: scene.aws.fault(name, action, **details), said, calls)


def paged(fault: Fault) -> Fault:
    """Let AWS list two instances a page, so that there are three pages."""

    def begin(scene: Scene) -> None:
        scene.aws.set(page_size=2)
        fault.begin(scene)

    return replace(fault, begin=begin)


def hurried(fault: Fault, **patience: float) -> Fault:
    """Wait for AWS for a moment only, while the fault lasts."""

    def begin(scene: Scene) -> None:
        scene.patience.update(patience)
        fault.begin(scene)

    def end(scene: Scene) -> None:
        scene.patience.clear()
        fault.end(scene)

    return replace(fault, begin=begin, end=end)


def point_to(url: str) -> Callable[[Scene], object]:
    return lambda scene: Element.objects.update(endpoint_url=url or scene.aws.url)


LISTING = "DescribeInstances"
ODD = "could not be understood"
LOST = "was lost before AWS answered"
FAULTS = [
    kind("throttle", "AWS throttles requests of account 1111 2222 3333", BOTH, row="F1"),
    kind("throttle", "AWS throttles requests of", FIRST, row="F1", action=LISTING),
    kind("internal", "AWS had an internal error (InternalError, HTTP 500)", BOTH, row="F2"),
    kind("unavailable", "AWS had an internal error (Unavailable, HTTP 503)", BOTH, row="F2"),
    kind("html-500", "AWS had an internal error (Unknown, HTTP 500)", BOTH, row="F2"),
    hurried(kind("hang", "No answer from http://127.0.0.1:", BOTH, row="F3"), read_s=0.3),
    hurried(kind("slow", "within 0.3 s", BOTH, row="F3", seconds=30), read_s=0.3),
    hurried(kind("drip", "did not arrive within", BOTH, row="F3", seconds=4), attempt_s=0.6),
    kind("reset", LOST, BOTH, row="F4"),
    kind("short", LOST, BOTH, row="F4"),
    *(kind(name, ODD, BOTH, row="F5") for name in ("truncated", "garbled", "garbage", "empty", "captive", "redirect")),
    kind("no-set", ODD, FIRST, row="F5", action=LISTING),
    *(
        paged(kind(name, words, 6 + calls, row="F6", action=LISTING, page=page))
        for page in (1, 2, 3)
        for name, words, calls in (("truncated", ODD, 3), ("garbled", ODD, 3), ("internal", "internal error", 3))
    ),
    paged(kind("expired-token", "InvalidPaginationToken", 8, row="F6", action=LISTING, page=2)),
    paged(kind("same-token", ["could not be understood: its pages do not end"], 8, row="F6", action=LISTING)),
    kind("optin", "The account is not subscribed to EC2", BOTH, row="F10"),
    kind("blocked", "AWS has blocked this account", BOTH, row="F8"),
    Fault(
        "F12-port-closed",
        point_to("http://127.0.0.1:9"),
        ["http://127.0.0.1:9 could not be reached: its name is unknown, or nothing listens there."],
        0,
        point_to(""),
    ),
    Fault(
        "F12-no-such-name",
        point_to("http://ec2.eu-central-1.invalid"),
        ["http://ec2.eu-central-1.invalid could not be reached: its name is unknown, or nothing listens there."],
        0,
        point_to(""),
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_said_changes_nothing_and_is_over_by_itself(scene, fault):
    before = scene.rows()
    fault.begin(scene)

    for _ in range(2):
        asked, kept = len(scene.aws.journal()), DebugRecord.objects.count()
        _, report = scene.next_poll()
        calls = len(scene.aws.journal()) - asked
        assert not report.ok
        assert calls <= fault.calls
        assert DebugRecord.objects.count() - kept >= max(1, calls)
        assert scene.rows() == before
        assert scene.row.failure_text in scene.page("general")
    pass_time(LATE_S)
    scene.says_it_is_old(fault.words)
    fault.end(scene)

    assert scene.recover() <= fault.within_s
    scene.all_is_well()
    assert scene.rows() == before
    assert scene.due_in_s <= INTERVAL_S
