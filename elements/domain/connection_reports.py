"""What a test of the connection found, in words: one finding a line, and what they come to."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from elements.domain.wording import NB, account, duration, span

CLOCK_LIMIT_S = 240

# (operation, what it is needed for) in the order shown.
PERMISSIONS = (
    ("DescribeInstances", "Needed to list instances"),
    ("DescribeInstanceStatus", "Status checks and scheduled events"),
    ("StartInstances", "Start buttons"),
    ("StopInstances", "Stop buttons"),
    ("RebootInstances", "Reboot buttons"),
    ("ModifyInstanceEventStartTime", "Reschedule on Events"),
)
_LOOKS = {"good": ("ok", "s-ok"), "partly": ("warn", "s-alert"), "bad": ("crit", "s-alert")}


def not_enabled(region: str, account_id: str) -> str:
    """Return what to do when AWS knows the keys but the account has not enabled the region."""
    return (
        f"The keys are right, but region {region} is not enabled for account {account(account_id)}. Enable it in the"
        " AWS console under Account, AWS Regions, or choose another region."
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is (good, partly, bad or unknown), in one word and in a sentence."""

    name: str
    verdict: str
    word: str
    text: str

    @property
    def tone(self) -> str:
        """Return the tone of the verdict."""
        return _LOOKS.get(self.verdict, ("idle", "s-unknown"))[0]

    @property
    def icon(self) -> str:
        """Return the glyph of the verdict."""
        return _LOOKS.get(self.verdict, ("idle", "s-unknown"))[1]

    @property
    def is_permission(self) -> bool:
        """Tell whether the line is about an IAM action."""
        return ":" in self.name


@dataclass(frozen=True, slots=True)
class Report:
    """How a test ended.

    `outcome`: ok (the region can be read), lacking (the key may not list), refused, not-enabled (the region),
    clock (ours is wrong), unreachable, or unclear.
    """

    at: datetime
    outcome: str
    sentence: str
    duration_ms: int = 0
    account_id: str = ""
    arn: str = ""
    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def passed(self) -> bool:
        """Tell whether the element can be polled like this."""
        return self.outcome == "ok"

    @property
    def hopeless(self) -> bool:
        """Tell whether AWS said for certain that these keys are wrong."""
        return self.outcome == "refused"

    @property
    def result(self) -> str:
        """Return how it ended in one sentence."""
        if not self.passed:
            return self.sentence
        whose = f" as account {account(self.account_id)}" if self.account_id else ""
        return f"Connected in {duration(self.duration_ms)}{whose}."

    @property
    def shortcomings(self) -> list[Finding]:
        """Return the lines that are not as they should be."""
        return [finding for finding in self.findings if finding.verdict in ("partly", "bad")]

    def as_json(self) -> dict[str, Any]:
        """Return the report as it is stored."""
        return {**asdict(self), "at": self.at.isoformat(), "findings": [asdict(line) for line in self.findings]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Report | None":
        """Read a stored report; None when there is none, or one of another version of ec2mon."""
        try:
            lines = tuple(Finding(**line) for line in stored["findings"])
            return cls(**{**stored, "at": datetime.fromisoformat(stored["at"]), "findings": lines})
        except (KeyError, TypeError, ValueError):
            return None


def allowed(operation: str, note: str = "", *, partly: bool = False) -> Finding:
    """Return the line of an action the key may call, for all instances or for some."""
    verdict, word = ("partly", "Partly") if partly else ("good", "Allowed")
    return Finding(f"ec2:{operation}", verdict, word, _purpose(operation, note))


def denied(operation: str) -> Finding:
    """Return the line of an action the key may not call."""
    return Finding(f"ec2:{operation}", "bad", "Denied", _purpose(operation, "Add the action to the key's IAM policy"))


def unknown(operation: str, why: str = "") -> Finding:
    """Return the line of an action that could not be found out about."""
    return Finding(f"ec2:{operation}", "unknown", "Unknown", _purpose(operation, why))


def not_tested(why: str = "") -> tuple[Finding, ...]:
    """Return a line for each permission nobody asked about."""
    return tuple(unknown(operation, why) for operation, _purpose in PERMISSIONS)


def clock(offset_s: float | None) -> Finding:
    """Return the line about our clock; AWS's is ahead by `offset_s`."""
    if offset_s is None:
        return Finding("Clock", "unknown", "Unknown", "AWS did not answer, so its time is not known")
    if abs(offset_s) > CLOCK_LIMIT_S:
        text = f"The clock of the ec2mon server is {round(abs(offset_s) / 60)} min off"
        return Finding("Clock", "bad", "Wrong", f"{text}. AWS refuses requests signed with a wrong time")
    return Finding("Clock", "good", "Right", f"AWS's clock is {clock_difference(offset_s)}")


def clock_difference(offset_s: float) -> str:
    """Return how AWS's clock differs from ours: `3 s behind ours`. AWS tells its time in whole seconds."""
    if abs(offset_s) < 1.5:
        return f"within 1{NB}s of ours"
    return f"{span(offset_s)} {'ahead of' if offset_s > 0 else 'behind'} ours"


def _purpose(operation: str, note: str) -> str:
    purpose = dict(PERMISSIONS)[operation]
    return f"{purpose}. {note}" if note else purpose
