"""Set elements up: add, change, pause, and everything that has to happen with it."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from elements.domain.connection_reports import Report
from elements.models import Activity, Element, Poll
from elements.models.elements import leaving
from elements.usecases.configure import switch_polling
from elements.usecases.connect import Credentials
from elements.usecases.removal import PATIENCE_S, clear, go_on

LABELS = {
    "name": "Name",
    "region": "Region Endpoint",
    "endpoint_url": "Endpoint URL",
    "sts_endpoint_url": "STS Endpoint URL",
    "account_id": "Account ID",
}
EVERYBODY = "everybody"
# Whoever changes one of these sends the element's signature somewhere else.
TARGET = ("region", "endpoint_url", "sts_endpoint_url")
# Whoever changes one of these makes the element's instances those of another place.
PLACE = ("region", "account_id")


@dataclass(frozen=True, slots=True)
class SetUp:
    """What an element is set to, without its keys."""

    name: str
    region: str
    endpoint_url: str = ""
    sts_endpoint_url: str = ""
    account_id: str = ""
    interval_s: int = 30
    paused: bool = False


def add(wanted: SetUp, keys: Credentials | None, *, by: str, now: datetime, groups: Collection[Group] = ()) -> Element:
    """Add an element, seen by the groups or else by everybody; the next tick of the clock polls it."""
    values = asdict(wanted)
    paused = values.pop("paused")
    with transaction.atomic():
        element = Element.objects.create(**values)
        labels = {**LABELS, "interval_s": "Polling Interval"}
        changes = {label: ["", values[name]] for name, label in labels.items() if values[name] != ""}
        note(element, "Element added", by=by, now=now, changes=changes)
        show_to(element, groups, by=by, now=now)
        if keys is not None:
            replace_keys(element, keys, by=by, now=now)
        if paused:
            switch_polling(element, False, by=by, now=now)
            element.refresh_from_db(fields=["paused", "paused_at", "paused_by"])
    return element


def show_to(element: Element, groups: Collection[Group], *, by: str, now: datetime) -> bool:
    """Let these groups see the element and no others, everybody when there are none; tell whether that is new."""
    with transaction.atomic():
        Element.objects.locked().get(pk=element.pk)
        old = sorted(element.groups.values_list("name", flat=True))
        new = sorted(group.name for group in groups)
        if old == new:
            return False
        element.groups.set(groups)
        shown = {"Seen By": [", ".join(old) or EVERYBODY, ", ".join(new) or EVERYBODY]}
        note(element, "Element changed", by=by, now=now, changes=shown)
    return True


def changes(element: Element, wanted: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return {field: [old, new]} of the settings that would change."""
    return {
        name: [getattr(element, name), wanted[name]]
        for name in LABELS
        if name in wanted and getattr(element, name) != wanted[name]
    }


def moves(element: Element, wanted: Mapping[str, Any]) -> bool:
    """Tell whether the settings are those of another region or account, so that the instances are cleared."""
    return any(name in PLACE and old != "" for name, (old, _new) in changes(element, wanted).items())


def retargets(element: Element, wanted: Mapping[str, Any]) -> bool:
    """Tell whether requests would go to another place than before, so that the keys are asked for again."""
    return any(name in TARGET for name in changes(element, wanted))


def change(
    element: Element,
    wanted: Mapping[str, Any],
    keys: Credentials | None,
    *,
    by: str,
    now: datetime,
    report: Report | None = None,
    patience_s: float = PATIENCE_S,
) -> dict[str, list[Any]]:
    """Change settings and keys in one transaction and return {field: [old, new]}.

    Another region or account clears the element's instances; what concerns AWS makes it due at once. `report` is the
    test of exactly these settings and keys.
    """
    with transaction.atomic():
        element.refresh_from_db(fields=list(LABELS), from_queryset=Element.objects.locked())
        found = changes(element, wanted)
        if moves(element, wanted):
            clear(element, now)
        if found:
            _store(element, found, by=by, now=now)
        if keys is not None:
            replace_keys(element, keys, by=by, now=now)
        elif any(name in (*TARGET, *PLACE) for name in found):
            forget_owner(element)
            start_afresh(element, now)
        if report is not None:
            note_report(element, report)
    if element.cleared_at:
        go_on([element.pk], patience_s)
        # somebody may have removed it meanwhile
        element.cleared_at = leaving().filter(pk=element.pk).values_list("cleared_at", flat=True).first()
    return found


def _store(element: Element, found: Mapping[str, list[Any]], *, by: str, now: datetime) -> None:
    for name, (_old, new) in found.items():
        setattr(element, name, new)
    element.save(update_fields=list(found))
    shown = {LABELS[name]: values for name, values in found.items()}
    note(element, "Element changed", by=by, now=now, changes=shown)


def replace_keys(element: Element, keys: Credentials, *, by: str, now: datetime) -> None:
    """Store keys in place of the old ones and let them be tried at once."""
    with transaction.atomic():
        element.store_keys(
            access_key_id=keys.access_key_id,
            secret_access_key=keys.secret_access_key,
            session_token=keys.session_token,
            by=by,
            now=now,
        )
        start_afresh(element, now)
        hint = f"{keys.access_key_id[:4]}…{keys.access_key_id[-4:]}"
        note(element, f"Keys stored, Access Key ID {hint}", by=by, now=now, kind="keys")


def note_report(element: Element, report: Report) -> None:
    """Keep a test of what is stored now, and whose keys they are if AWS said so."""
    element.last_test = report.as_json()
    fields = ["last_test"]
    if report.account_id:
        element.seen_account_id, element.account_arn = report.account_id, report.arn
        element.identified_at = report.at
        fields += ["seen_account_id", "account_arn", "identified_at"]
    element.save(update_fields=fields)


def forget_owner(element: Element) -> None:
    """Let AWS be asked anew whose the keys are."""
    element.identified_at, element.account_arn, element.seen_account_id = None, "", ""
    element.save(update_fields=["identified_at", "account_arn", "seen_account_id"])


def start_afresh(element: Element, now: datetime) -> None:
    """Make the next poll due now and forget the failures before it.

    A poll still under way reads with what was set before: its lease is taken away, so that nothing of it is stored.
    """
    Poll.objects.filter(element=element).update(
        due_at=now,
        lease="",
        leased_until=None,
        failures=0,
        failed_since=None,
        failure_code="",
        failure_text="",
        refused=False,
        throttled=False,
    )


def note(
    element: Element,
    text: str,
    *,
    by: str,
    now: datetime,
    kind: str = "setting",
    changes: dict[str, list[Any]] | None = None,
) -> None:
    """Keep in Activity what was set, never a secret."""
    Activity.objects.note(by=by, kind=kind, text=text, now=now, element=element, changes=changes)
