"""What the State of an instance's row says: the state, or the action under way, or the one that failed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from elements.domain.action_words import SLOW_AFTER, action_view
from elements.domain.instance_states import CHANGING, RULES, StateView, Verb, state_view
from elements.domain.wording import absolute

# As long as the dock keeps bad news.
FAILURE_SHOWN_FOR = timedelta(hours=1)
_FAILED = ("failed", "refused", "expired")


@dataclass(frozen=True, slots=True)
class ShownAction:
    """The last thing asked of an instance, as far as its row may show it."""

    verb: Verb
    status: str
    requested_by: str
    requested_at: datetime
    answered_at: datetime | None = None
    settled_at: datetime | None = None
    request_id: str = ""
    error_code: str = ""
    message: str = ""
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class RowState:
    """A glyph with its word; behind it who, or since when, or the state meanwhile, and why it failed.

    `is_ago` has the time read `2 s ago`; `is_slow` has it end the word: `Still stopping, after 6 min`.
    """

    view: StateView
    note: str = ""
    since: datetime | None = None
    is_ago: bool = False
    is_slow: bool = False
    explanation: str = ""
    request_id: str = ""

    @property
    def is_failure(self) -> bool:
        """Tell whether the row tells of an action that failed."""
        return self.view.tone == "crit"


def row_state(
    state: str,
    *,
    gone_at: datetime | None,
    since: datetime | None,
    action: ShownAction | None,
    viewer: str,
    now: datetime,
) -> RowState:
    """Return what a row shows as its state to the user `viewer`."""
    if gone_at is not None:
        return RowState(state_view("gone"), since=gone_at, is_ago=True)
    if action is not None and is_shown(action, since, now):
        shown = _of_action(action, state, viewer, now)
        if shown is not None:
            return shown
    view = state_view(state)
    if state not in CHANGING or since is None:
        return RowState(view)
    return _slow(view, since) if now - since >= SLOW_AFTER else RowState(view, since=since)


def is_shown(action: ShownAction, since: datetime | None, now: datetime) -> bool:
    """Tell whether an action still belongs into the row: while it is open, and an hour after it failed.

    A state that changed afterwards is newer news.
    """
    if action.is_open:
        return True
    if action.settled_at is None or now - action.settled_at > FAILURE_SHOWN_FOR:
        return False
    return since is None or since <= action.settled_at


def _of_action(action: ShownAction, state: str, viewer: str, now: datetime) -> RowState | None:
    view = action_view(
        action.verb,
        action.status,
        requested_at=action.requested_at,
        answered_at=action.answered_at,
        now=now,
    )
    if view is None:
        return None
    if action.status in ("requested", "sent"):
        who = "you" if action.requested_by == viewer else action.requested_by
        word = StateView(f"{view.word},", view.tone, view.icon)
        return RowState(word, note=f"{who},", since=action.requested_at, is_ago=True)
    if action.status == "accepted":
        if view.tone == "warn":
            return _slow(StateView(RULES[action.verb].doing, "warn", view.icon), action.answered_at)
        # The name for everybody, also for whoever asked: one row looks the same on every screen of a room.
        asked = f"Asked for by {action.requested_by} at {absolute(action.requested_at)} UTC"
        return RowState(view, note=f"by {action.requested_by}", explanation=asked)
    note = f"{'still ' if action.status in _FAILED else ''}{state_view(state).word.lower()}"
    why = ". ".join(text.rstrip(".") for text in (action.error_code, action.message) if text)
    return RowState(view, note=note, explanation=why, request_id=action.request_id)


def _slow(view: StateView, since: datetime | None) -> RowState:
    # The time stands apart, so that it can run by itself.
    word = f"Still {view.word.lower()}, after"
    return RowState(StateView(word, "warn", view.icon), since=since, is_slow=True)
