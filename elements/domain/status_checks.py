"""How the status checks of an instance read in one word."""

from dataclasses import dataclass

from elements.domain.instance_states import state_view


@dataclass(frozen=True, slots=True)
class ChecksView:
    """A glyph with its word; without a glyph the instance is not checked, and `word` says while what."""

    word: str
    tone: str = ""
    icon: str = ""


def checks_view(rank: int, passed: int, made: int, state: str) -> ChecksView:
    """Return the look of the checks: the worst of them decides, ranked as in the column checks_rank."""
    match rank:
        case 0:
            return ChecksView(f"{passed}/{made}", "crit", "s-alert")
        case 1:
            return ChecksView("Insufficient data", "idle", "s-dotted")
        case 2:
            return ChecksView("Initializing", "busy", "s-dotted")
        case 3:
            return ChecksView(f"{passed}/{made}", "ok", "s-ok")
    return ChecksView(f"not checked while {state_view(state).word.lower()}")


def checks_word(rank: int) -> str:
    """Return AWS's word for the worst of the checks, "" when there is none."""
    return {0: "impaired", 1: "insufficient-data", 2: "initializing", 3: "ok"}.get(rank, "")
