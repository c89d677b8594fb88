"""Actions: what may be asked of an instance, and how what AWS shows afterwards settles a request."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from elements.domain.connections import Connection
from elements.domain.instance_states import RULES, Verb, state_view

# A read may lag behind a write; nothing is called failed for showing the old state before this.
LAG = timedelta(minutes=5)
GIVE_UP = timedelta(minutes=10)
# A request without an answer may have been lost on its way: so long it is looked for.
UNANSWERED_SETTLES = timedelta(minutes=2)
# The old state seen so long after the way to the new one was seen is no lag.
FALL_SETTLES = timedelta(seconds=20)
REBOOT_SETTLES = timedelta(seconds=5)
PROTECTION_IS_KNOWN_FOR = timedelta(minutes=15)
# Seconds between the looks at an instance under an action; the last repeats.
LOOKS_S = (3, 3, 3, 5, 5, 10, 10, 20)


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """What decides whether an instance may be asked for something."""

    state: str
    is_gone: bool = False
    root_device_type: str = ""
    lifecycle: str = ""
    spot_type: str = ""
    protected_seen_at: datetime | None = None
    managed_by: str = ""
    open_verb: str = ""
    open_by: str = ""


def refusal(verb: Verb, facts: InstanceFacts, now: datetime) -> str:
    """Return why the instance cannot be asked for this, "" when it can. AWS is not asked."""
    if facts.is_gone:
        return "AWS no longer lists it"
    if facts.open_verb:
        return f"{RULES[_verb(facts.open_verb)].doing.lower()} was already asked for by {facts.open_by}"
    if facts.state not in RULES[verb].needs:
        return state_view(facts.state).word.lower()
    if facts.managed_by:
        return f"managed by {facts.managed_by}"
    if verb == "stop":
        return _stop_refusal(facts, now)
    return ""


def connection_refusal(connection: Connection) -> str:
    """Return why nothing may be asked of an element in this connection state, "" when all is well."""
    if connection.state == "paused":
        return "Polling of this element is paused, so its states are old and no outcome could be seen. Resume it first."
    if connection.state == "not-connected":
        return "This element is not connected. Start and Stop are off until the connection is back."
    if connection.state == "new":
        return "This element waits for its first poll."
    return ""


Outcome = Literal["wait", "confirmed", "failed", "unknown"]


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at an instance under an action shows; state "" means AWS no longer lists it."""

    state: str
    reason_code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of the instance, when AWS answered (or was given up on), and what was seen before."""

    verb: Verb
    answered_at: datetime
    reason_before: str
    passed_through: bool
    is_answered: bool = True


@dataclass(frozen=True, slots=True)
class Settled:
    """How a look settles a request, with a sentence when it failed."""

    outcome: Outcome
    message: str = ""


WAIT = Settled("wait")


def settle(asked: Asked, look: Look, now: datetime) -> Settled:
    """Decide from the instance itself, never from the HTTP answer, how a request ended."""
    rule = RULES[asked.verb]
    if look.state in ("", "terminated", "shutting-down"):
        word = "AWS no longer lists the instance" if not look.state else "It was terminated"
        return Settled("failed", f"{word}, so it could not be {rule.done}.")
    if asked.verb == "reboot":
        return _settle_reboot(asked, look, now)
    if look.state == rule.goal:
        return Settled("confirmed")
    if look.state not in rule.passing and not asked.is_answered and not asked.passed_through:
        return _settle_unanswered(asked, look, now)
    if look.state not in rule.passing and _fell_back(asked, look, now):
        return Settled("failed", _why(look, rule.done))
    if now - asked.answered_at >= GIVE_UP:
        word = state_view(look.state).word.lower()
        return Settled("unknown", f"After 10 min AWS still shows it {word}. Look at it in the AWS console.")
    return WAIT


def next_look_s(looks: int) -> int:
    """Return the seconds until the next look, after so many looks."""
    return LOOKS_S[min(looks, len(LOOKS_S) - 1)]


def _settle_unanswered(asked: Asked, look: Look, now: datetime) -> Settled:
    if now - asked.answered_at < UNANSWERED_SETTLES:
        return WAIT
    word = state_view(look.state).word.lower()
    text = f"AWS did not answer, and 2 min later it is still {word}: the request has probably not arrived."
    return Settled("unknown", f"{text} Ask again if it is still wanted.")


def _settle_reboot(asked: Asked, look: Look, now: datetime) -> Settled:
    if look.state == "running" and not asked.is_answered:
        return Settled("unknown", "AWS did not answer, and its state does not show whether it was rebooted.")
    if look.state == "running":
        return Settled("confirmed") if now - asked.answered_at >= REBOOT_SETTLES else WAIT
    return Settled("failed", f"It is {state_view(look.state).word.lower()}, not running.")


def _fell_back(asked: Asked, look: Look, now: datetime) -> bool:
    """Tell a real return to the old state from a read that lags behind."""
    if look.reason_code and look.reason_code != asked.reason_before:
        return True
    waited = now - asked.answered_at
    return waited >= LAG or (asked.passed_through and waited >= FALL_SETTLES)


def _why(look: Look, done: str) -> str:
    reason = look.reason or look.reason_code
    text = f"It was not {done}: it is {state_view(look.state).word.lower()} again."
    if reason:
        text += f" AWS says: {reason}."
    if look.reason_code == "Client.InternalError":
        text += (
            " The usual cause is an encrypted volume whose key this access key may not use (kms:CreateGrant)."
            " Add the last statement of the policy on General."
        )
    return text


def _stop_refusal(facts: InstanceFacts, now: datetime) -> str:
    if facts.root_device_type == "instance-store":
        return "its root volume is an instance store, so it can only be terminated"
    if facts.lifecycle == "spot" and facts.spot_type != "persistent":
        if facts.spot_type == "one-time":
            return "a one-time Spot Instance cannot be stopped"
        return (
            "Spot Instance: only one of a persistent request can be stopped, and its request is not known"
            " (needs ec2:DescribeSpotInstanceRequests)"
        )
    if facts.protected_seen_at and now - facts.protected_seen_at < PROTECTION_IS_KNOWN_FOR:
        return "protected against stopping"
    return ""


def _verb(text: str) -> Verb:
    if text in ("start", "stop", "reboot"):
        return text  # type: ignore[return-value]
    raise ValueError(f"no such verb: {text}")
