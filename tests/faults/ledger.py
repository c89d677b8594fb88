"""The ledger of a test run: how many faults were injected, and six counts that must be 0 at its end.

A plugin of pytest: it sums what the processes of the run noted, says it below the results, and fails a run that broke
a promise.
"""

from collections import Counter

import pytest

NEVER = (
    "actions lost",
    "actions sent twice",
    "actions run late",
    "instances or events falsely marked gone",
    "stale values shown as fresh",
    "polls stopped for good",
)


class Ledger:
    """What this process has injected, looked at, and found broken."""

    def __init__(self) -> None:
        self.faults, self.looked, self.broken = Counter[str](), Counter[str](), Counter[str]()

    def fault(self, kind: str, times: int = 1) -> None:
        """Note faults that were injected; `kind` is a few words."""
        self.faults[kind] += times

    def never(self, what: str, broken: int = 0, *, of: int = 1) -> None:
        """Note one of NEVER as looked at `of` times; fails the test at once when some were broken."""
        assert what in NEVER
        self.looked[what] += of
        self.broken[what] += broken
        assert not broken, f"{broken} of {of}: {what}"

    def add(self, notes: dict[str, dict[str, int]]) -> None:
        """Add what another process noted."""
        for name, counts in notes.items():
            getattr(self, name).update(counts)

    @property
    def notes(self) -> dict[str, dict[str, int]]:
        """Return everything as plain values."""
        return {name: dict(getattr(self, name)) for name in ("faults", "looked", "broken")}


LEDGER = Ledger()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["ledger"] = LEDGER.notes
    if LEDGER.broken.total():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    LEDGER.add(getattr(node, "workeroutput", {}).get("ledger", {}))


def pytest_terminal_summary(terminalreporter):
    if not LEDGER.faults:
        return
    kinds = ", ".join(f"{kind} {times}" for kind, times in sorted(LEDGER.faults.items()))
    terminalreporter.section("faults")
    terminalreporter.line(f"{LEDGER.faults.total()} faults injected of {len(LEDGER.faults)} kinds: {kinds}")
    for what in NEVER:
        terminalreporter.line(f"{LEDGER.broken[what]} {what}, looked for {LEDGER.looked[what]} times")
