"""The three status checks of an instance, each by itself: what it looks at, how it reads, what a failure means."""

from dataclasses import dataclass

from elements.domain.instance_states import StateView, state_view

_SEEN = {
    "ok": StateView("Passed", "ok", "s-ok"),
    "impaired": StateView("Failed", "crit", "s-alert"),
    "initializing": StateView("Initializing", "busy", "s-dotted"),
    "insufficient-data": StateView("Insufficient data", "idle", "s-dotted"),
    "not-applicable": StateView("Not applicable", "idle", "s-dash"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """One kind of check; `causes` say what its failure means and what usually is behind it."""

    field: str
    name: str
    title: str
    looks_at: str
    causes: str


# Source: EC2 user guide, status checks for your instances.
CHECKS = (
    Check(
        "system_status",
        "System",
        "System status check",
        "AWS network, power, host",
        "AWS cannot reach the host the instance runs on. Usual causes: lost network or power, a fault of the host's"
        " hardware or software. A stop and a start bring an instance with an EBS root volume to another host.",
    ),
    Check(
        "instance_status",
        "Instance",
        "Instance status check",
        "operating system reachable",
        "AWS cannot reach the operating system although the host is healthy. Usual causes: exhausted memory, a stuck"
        " boot, a wrong network setting.",
    ),
    Check(
        "ebs_status",
        "Attached EBS",
        "Attached EBS status check",
        "volumes reachable",
        "At least one attached volume does not finish reads or writes. Usual causes: a fault of the storage behind EBS,"
        " or of the way to it. A stop and a start may help.",
    ),
)


def check_view(status: str, state: str) -> StateView:
    """Return how one check reads; without a status it is not made in the instance's state."""
    if status:
        return _SEEN.get(status, StateView(status, "idle", "s-dotted"))
    return StateView(f"Not checked while {state_view(state).word.lower()}", "idle", "s-dash")
