"""Decide whether an element's new keys, region or account may be stored: AWS is asked before anything is dropped."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from elements.domain.connection_reports import Report
from elements.domain.wording import account, plural
from elements.models import Element
from elements.usecases.connect import Credentials, KeysMissing
from elements.usecases.set_up import TARGET, moves, retargets
from elements.usecases.test_connection import examine

ASK_ANYWAY, ASK_CLEAR = "save_anyway", "clear_instances"


@dataclass(slots=True)
class Judgement:
    """What a test of the wanted set-up came to.

    `wanted` is what may be stored, with the account AWS named. `errors` holds sentences by field; nothing may be
    stored while there are any. `questions` are the choices that would let it be stored all the same.
    """

    wanted: dict[str, Any]
    report: Report | None = None
    errors: dict[str, str] = field(default_factory=dict)
    questions: set[str] = field(default_factory=set)


def judge(
    element: Element,
    wanted: Mapping[str, Any],
    keys: Credentials | None,
    *,
    caller: str,
    now: datetime,
    anyway: bool = False,
    clear: bool = False,
) -> Judgement:
    """Try the wanted set-up at AWS and say what keeps it from being stored. Nothing is written here.

    Another region or endpoint needs the keys anew: the stored ones would otherwise sign for whoever listens there.
    """
    judgement = Judgement(dict(wanted))
    if keys is None and element.has_keys and retargets(element, wanted):
        text = "Region or endpoint change, so the keys are needed anew. Enter Access Key ID and Secret Access Key."
        judgement.errors["access_key_id"] = text
        return judgement
    try:
        judgement.report = examine(_as_wanted(element, wanted), credentials=keys, caller=caller, now=now)
    except KeysMissing as missing:
        if element.has_keys:
            judgement.errors["access_key_id"] = str(missing)
    _weigh(judgement, element, keys, anyway=anyway)
    _settle_account(judgement, element)
    if not judgement.errors and not clear and moves(element, judgement.wanted):
        judgement.questions.add(ASK_CLEAR)
        judgement.errors[ASK_CLEAR] = clearing(element, judgement.wanted)
    return judgement


def clearing(element: Element, wanted: Mapping[str, Any]) -> str:
    """Say what another region or account does to the element."""
    places = []
    if wanted.get("region", element.region) != element.region:
        places.append(f"the region from {element.region} to {wanted['region']}")
    if element.account_id and wanted.get("account_id", element.account_id) != element.account_id:
        places.append(f"the account from {account(element.account_id)} to {account(wanted['account_id'])}")
    what = plural(element.instances.count(), "instance")
    return (
        f"This changes {' and '.join(places)}. It clears this element's {what} with their scheduled events; Debug"
        " records and Activity stay. Nothing was saved yet."
    )


def _as_wanted(element: Element, wanted: Mapping[str, Any]) -> Element:
    """Return the element as it would be, without saving it."""
    tried = copy.copy(element)
    for name in TARGET:
        setattr(tried, name, wanted.get(name, getattr(element, name)))
    return tried


def _weigh(judgement: Judgement, element: Element, keys: Credentials | None, *, anyway: bool) -> None:
    """Keep keys from being stored that AWS does not take; a doubt may be overruled, a refusal not."""
    report = judgement.report
    if report is None or report.passed or keys is None:
        return
    kept = " The keys stored before stay in use." if element.has_keys else " Nothing was stored."
    if report.hopeless:
        judgement.errors["access_key_id"] = f"AWS refused the new keys. {report.sentence}{kept}"
    elif not anyway:
        judgement.questions.add(ASK_ANYWAY)
        judgement.errors["access_key_id"] = f"The new keys did not pass the test. {report.sentence}{kept}"


def _settle_account(judgement: Judgement, element: Element) -> None:
    """Take the account that AWS names; one that was typed in must be the same."""
    named = judgement.report.account_id if judgement.report else ""
    typed = judgement.wanted.get("account_id", "")
    if typed and named and typed != named:
        judgement.errors["account_id"] = (
            f"The keys belong to account {account(named)}, not to {account(typed)}. Empty this field to move the"
            f" element to account {account(named)}."
        )
    judgement.wanted["account_id"] = typed or named or element.account_id
