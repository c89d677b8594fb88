"""Ask AWS what an element's keys may do: one finding a line, told apart and in words."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from elements.aws.ec2 import Ec2Gateway, Identity
from elements.aws.errors import CLOCK_LIMIT_S, AwsDenied, AwsError, AwsRejected, AwsUnreachable
from elements.domain.connection_reports import (
    PERMISSIONS,
    Finding,
    Report,
    allowed,
    clock,
    denied,
    not_enabled,
    not_tested,
    unknown,
)
from elements.domain.instance_states import Verb
from elements.domain.regions import default_sts_region, region_name
from elements.domain.wording import NB, account, plural
from elements.models import Element
from elements.usecases.connect import Credentials, Patience, connect

# Somebody waits for the answer: one attempt a call, and none begins after 20 s.
PATIENCE = Patience(read_s=10, attempts=1, deadline_s=20)
# Well-formed, and never given out.
NO_INSTANCE = "i-00000000000000000"
NO_EVENT = "instance-event-00000000000000000"
LOOK_BACK = timedelta(hours=24)
_DENIED_CODES = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException")


def examine(element: Element, *, caller: str, now: datetime, credentials: Credentials | None = None) -> Report:
    """Try the element's stored keys, or the given ones, and report what they may do.

    `element` may hold a region or endpoint that is not saved. Nothing is written but Debug records, and no instance
    is touched. Raises KeysMissing when there is nothing to try.
    """
    began = time.monotonic()
    gateway = connect(element, caller=caller, keys=credentials, patience=PATIENCE)
    stored = credentials is None
    examination = _Examination(element, gateway, _denials(element, now) if stored else {}, now)
    return examination.report(lambda: round((time.monotonic() - began) * 1000))


def last_report(element: Element) -> Report | None:
    """Return the last test of what is stored, None when there was none. Read apart, so that no key comes with it."""
    stored = Element.objects.filter(pk=element.pk).values_list("last_test", flat=True).first()
    return Report.from_json(stored or {})


def remember(element: Element, report: Report) -> None:
    """Keep a test of the stored keys for the panel on General."""
    element.last_test = report.as_json()
    element.save(update_fields=["last_test"])


class _Examination:
    """One test, call by call. What AWS refuses for certain is not asked again in other words."""

    def __init__(self, element: Element, gateway: Ec2Gateway, denials: Mapping[str, int], now: datetime) -> None:
        self.element, self.gateway, self.denials, self.now = element, gateway, denials, now
        self.identity: Identity | None = None
        self.identity_elsewhere: Identity | None = None
        self.identity_error: AwsError | None = None
        self.elsewhere_error: AwsError | None = None
        self.read_error: AwsError | None = None
        self.instance_ids = list(element.instances.listed().values_list("instance_id", flat=True)[:2])

    def report(self, elapsed_ms: Callable[[], int]) -> Report:
        """Ask everything and sum it up."""
        self._identify()
        self._list()
        outcome, sentence = self._outcome()
        region = self._region(outcome)
        permissions = self._permissions()
        who = self.identity or self.identity_elsewhere
        return Report(
            at=self.now,
            outcome=outcome,
            sentence=sentence,
            duration_ms=elapsed_ms(),
            account_id=who.account_id if who else "",
            arn=who.arn if who else "",
            findings=(clock(self.gateway.clock_offset_s), self._identity(), region, *permissions),
        )

    def _identify(self) -> None:
        """Ask the region's STS, and where it refuses one that needs no opt-in: that tells keys from regions."""
        try:
            self.identity = self.gateway.caller_identity()
        except AwsError as error:
            self.identity_error = error
            elsewhere = default_sts_region(self.element.region)
            if refuses_keys(error) and elsewhere != self.element.region:
                self._identify_elsewhere(elsewhere)

    def _identify_elsewhere(self, region: str) -> None:
        try:
            self.identity_elsewhere = self.gateway.caller_identity(region)
        except AwsError as error:
            self.elsewhere_error = error
            if refuses_keys(error):
                self.identity_error = error

    def _list(self) -> None:
        try:
            seen = self.gateway.sample_instances()
        except AwsError as error:
            self.read_error = error
        else:
            self.instance_ids = [one.instance_id for one in seen if one.state != "terminated"]

    def _outcome(self) -> tuple[str, str]:
        error = self.read_error
        if error is None:
            return "ok", ""
        if refuses_keys(error):
            return self._outcome_of_refusal(error)
        if isinstance(error, AwsDenied):
            return "lacking", f"The keys are right, but not allowed enough. {error.sentence}"
        return ("unreachable" if isinstance(error, AwsUnreachable) else "unclear"), error.sentence

    def _outcome_of_refusal(self, error: AwsError) -> tuple[str, str]:
        offset, region = self.gateway.clock_offset_s, self.element.region
        if offset is not None and abs(offset) > CLOCK_LIMIT_S:
            return "clock", f"{clock(offset).text}."
        if self.identity_elsewhere is not None:
            return "not-enabled", not_enabled(region, self.identity_elsewhere.account_id)
        certain = self.elsewhere_error is None or refuses_keys(self.elsewhere_error)
        if self.identity_error is not None and refuses_keys(self.identity_error) and certain:
            return "refused", self.identity_error.sentence
        return "unclear", error.sentence

    def _identity(self) -> Finding:
        who = self.identity or self.identity_elsewhere
        if who is not None:
            return Finding("Identity", "good", "Accepted", f"Account {account(who.account_id)}, {who.arn}")
        error = self.identity_error
        if error is not None and refuses_keys(error):
            return Finding("Identity", "bad", "Refused", error.sentence)
        return Finding("Identity", "unknown", "Unknown", error.sentence if error else "AWS was not asked")

    def _region(self, outcome: str) -> Finding:
        region = self.element.region
        name = f"{region}, {region_name(region)}" if region_name(region) else region
        if outcome == "not-enabled":
            return Finding("Region", "bad", "Not enabled", f"{name} is not enabled for this account")
        if self.read_error is not None and not isinstance(self.read_error, AwsDenied | AwsRejected):
            return Finding("Region", "unknown", "Unknown", "The region did not answer")
        if self.read_error is not None and refuses_keys(self.read_error):
            return Finding("Region", "unknown", "Unknown", "AWS tells only those whose keys it accepts")
        try:
            enabled = self.gateway.region_enabled()
        except AwsError as error:
            note = " (ec2:DescribeRegions, which only this test uses, is denied)" if denies(error) else ""
            return Finding("Region", "good", "Enabled", f"{name} answers{note}")
        if not enabled:
            return Finding("Region", "bad", "Not enabled", f"{name} is not enabled for this account")
        return Finding("Region", "good", "Enabled", name)

    def _permissions(self) -> Sequence[Finding]:
        error = self.read_error
        if error is not None and not denies(error):
            return not_tested()
        listing = allowed("DescribeInstances") if error is None else denied("DescribeInstances")
        verbs: tuple[Verb, ...] = ("start", "stop", "reboot")
        return (listing, self._status(), *(self._dry_run(verb) for verb in verbs), self._reschedule())

    def _status(self) -> Finding:
        return _asked("DescribeInstanceStatus", self.gateway.sample_instance_status)

    def _dry_run(self, verb: Verb) -> Finding:
        """Try all instances of the sample together; where that is denied, some of them may still be allowed."""
        operation, ids = f"{verb.capitalize()}Instances", self.instance_ids or [NO_INSTANCE]
        finding = _asked(operation, lambda: self.gateway.dry_run(verb, ids))
        if finding.verdict == "good" and self.denials.get(verb):
            note = f"Denied for {plural(self.denials[verb], 'instance')} in the last 24{NB}h"
            return allowed(operation, note, partly=True)
        if finding.verdict != "bad" or len(ids) < 2:
            return finding
        singles = [_asked(operation, lambda one=one: self.gateway.dry_run(verb, [one])) for one in ids[:2]]  # type: ignore[misc]
        if any(single.verdict == "good" for single in singles):
            return allowed(operation, "Denied for some instances", partly=True)
        return finding

    def _reschedule(self) -> Finding:
        event = self.element.scheduled_events.active().order_by("-id").first()
        ids = (event.instance_id_text, event.event_id) if event else (NO_INSTANCE, NO_EVENT)
        start = self.now.replace(second=0, microsecond=0) + timedelta(days=1)
        return _asked(PERMISSIONS[-1][0], lambda: self.gateway.dry_run_of_event_start(*ids, start))


def refuses_keys(error: AwsError) -> bool:
    """Tell whether AWS refused the keys themselves."""
    return isinstance(error, AwsDenied) and error.refused_credentials


def denies(error: AwsError) -> bool:
    """Tell whether the keys lack a permission."""
    return isinstance(error, AwsDenied) and not error.refused_credentials


def _asked(operation: str, ask: Callable[[], object]) -> Finding:
    try:
        ask()
    except AwsError as error:
        if denies(error):
            return denied(operation)
        if error.code.startswith("InvalidInstance"):
            return unknown(operation, "Nothing to try it on yet")
        return unknown(operation, f"{error.code}: no answer to go by")
    return allowed(operation)


def _denials(element: Element, now: datetime) -> dict[str, int]:
    """Count the instances for which AWS denied an action to these keys in the last day, by verb."""
    since = max(now - LOOK_BACK, element.keys_stored_at or now - LOOK_BACK)
    rows = element.actions.filter(requested_at__gte=since, error_code__in=_DENIED_CODES)
    pairs = rows.values_list("verb", "instance_id_text").distinct()
    found: dict[str, int] = {}
    for verb, _instance_id in pairs.order_by():
        found[verb] = found.get(verb, 0) + 1
    return found
