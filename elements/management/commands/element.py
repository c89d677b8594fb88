"""`manage.py element`: set elements up from scripts. No key is ever an argument."""

import getpass
import json
import math
import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from elements.domain.wording import plural
from elements.forms.elements import KEY_NAMES, ElementForm
from elements.models import Element
from elements.usecases import removal, set_up
from elements.usecases.configure import switch_polling
from elements.usecases.connect import KeysMissing
from elements.usecases.test_connection import examine, remember

USAGE, FAILED = 2, 1


class Command(BaseCommand):
    """Add, list, test, pause, resume, share and remove elements. Exit code 0: done; 1: failed; 2: usage."""

    help = "Set elements up. Keys come from the environment or from stdin, never from arguments."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take a verb and what it needs."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        self._add_arguments_of_add(verbs.add_parser("add", help="add an element"))
        listing = verbs.add_parser("list", help="list the elements")
        listing.add_argument("--json", action="store_true", help="print one JSON object")
        testing = (("test", "ask AWS what the keys may do"), ("pause", "stop polling"), ("resume", "poll again"))
        for verb, text in testing:
            verbs.add_parser(verb, help=text).add_argument("elements", nargs="+", metavar="ELEMENT")
        access = verbs.add_parser("access", help="say which groups see an element")
        access.add_argument("elements", nargs=1, metavar="ELEMENT")
        access.add_argument("groups", nargs="*", metavar="GROUP", help="all groups that are to see it from now on")
        access.add_argument("--everybody", action="store_true", help="let everybody see it who may see elements")
        removal = verbs.add_parser("remove", help="remove an element with all its data")
        removal.add_argument("elements", nargs=1, metavar="ELEMENT")
        removal.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the verb says."""
        getattr(self, f"_{options['verb']}")(options)

    def _add_arguments_of_add(self, parser: ArgumentParser) -> None:
        parser.description = (
            "Keys are taken from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or with"
            " --keys-from-stdin from the first two or three lines of stdin, in this order."
        )
        parser.add_argument("name", help="name of the new element")
        parser.add_argument("--region", required=True, help="Region Endpoint: a code, a host name or a URL")
        parser.add_argument("--use-it-anyway", action="store_true", help="take a region that ec2mon does not know")
        parser.add_argument("--endpoint-url", default="", help="host and port of EC2, when not the region's own")
        parser.add_argument("--sts-endpoint-url", default="", help="host and port of STS, when not the region's own")
        parser.add_argument("--account-id", default="", help="12 digits; AWS names it otherwise")
        parser.add_argument("--interval", default=30, metavar="S", help="seconds between polls, 10 to 86400")
        parser.add_argument("--group", action="append", default=[], help="a group that sees it; none: everybody")
        parser.add_argument("--paused", action="store_true", help="do not poll it yet")
        parser.add_argument("--keys-from-stdin", action="store_true", help="read the keys from stdin, one a line")

    def _add(self, options: dict[str, Any]) -> None:
        keys = _keys_from_stdin() if options["keys_from_stdin"] else _keys_from_environment()
        settings = ("name", "region", "use_it_anyway", "endpoint_url", "sts_endpoint_url", "account_id", "paused")
        data = {name: options[name] for name in settings}
        form = ElementForm({**data, "interval_s": options["interval"], **keys})
        if not form.is_valid():
            raise CommandError("\n".join(_complaints(form)), returncode=USAGE)
        groups = _groups(options["group"])
        element = set_up.add(form.set_up, form.keys, by=_who(), now=timezone.now(), groups=groups)
        shown = f"with Access Key ID ending in {element.key_hint[-4:]}" if element.has_keys else "without keys"
        self.stdout.write(f"Added {element.name} ({element.region}), {shown}. Its address is /e/{element.slug}/.")

    def _list(self, options: dict[str, Any]) -> None:
        elements = [_facts(element) for element in Element.objects.with_poll().prefetch_related("groups")]
        if options["json"]:
            self.stdout.write(json.dumps({"elements": elements}, indent=1))
            return
        for facts in elements:
            self.stdout.write(
                f"{facts['name']}  {facts['region']}  {facts['account_id'] or '–'}  {facts['connection']}"
                f"  {plural(facts['instances'], 'instance')}, last success {facts['last_success'] or 'never'}"
                f"  seen by {', '.join(facts['groups']) or set_up.EVERYBODY}"
            )
        if not elements:
            self.stderr.write("There are no elements. Add one with: manage.py element add NAME --region REGION")

    def _test(self, options: dict[str, Any]) -> None:
        """Test connection, one line a finding; exit code 1 when one of the elements cannot be polled like this."""
        passed = [self._test_one(found(name)) for name in options["elements"]]
        if not all(passed):
            raise SystemExit(FAILED)

    def _test_one(self, element: Element) -> bool:
        try:
            report = examine(element, caller="command", now=timezone.now())
        except KeysMissing as missing:
            self.stderr.write(f"{element.name} ({element.region}): {missing}")
            return False
        remember(element, report)
        (self.stdout if report.passed else self.stderr).write(f"{element.name} ({element.region}): {report.result}")
        for line in report.findings:
            self.stdout.write(f"  {line.word:<12} {line.name}: {line.text}")
        return report.passed and self._owned_as_known(element, report.account_id)

    def _owned_as_known(self, element: Element, account_id: str) -> bool:
        """Point another account out: the keys are right, and yet no poll reads it until somebody accepts it."""
        if not element.account_id or account_id in ("", element.account_id):
            return True
        self.stderr.write(
            f"{element.name} ({element.region}): The keys belong to AWS account {account_id}, but this element is for"
            f" account {element.account_id}. Enter keys of that account, or accept the new one on General."
        )
        return False

    def _pause(self, options: dict[str, Any]) -> None:
        for element in [found(name) for name in options["elements"]]:
            switch_polling(element, False, by=_who(), now=timezone.now())
            self.stdout.write(f"{element.name}: polling paused")

    def _resume(self, options: dict[str, Any]) -> None:
        for element in [found(name) for name in options["elements"]]:
            switch_polling(element, True, by=_who(), now=timezone.now())
            self.stdout.write(f"{element.name}: polling resumed")

    def _access(self, options: dict[str, Any]) -> None:
        """Show who sees the element, after setting it when groups or everybody are given."""
        if options["groups"] and options["everybody"]:
            raise CommandError("Give either groups or --everybody.", returncode=USAGE)
        element, groups = found(options["elements"][0]), _groups(options["groups"])
        if groups or options["everybody"]:
            set_up.show_to(element, groups, by=_who(), now=timezone.now())
        names = sorted(element.groups.values_list("name", flat=True))
        self.stdout.write(f"{element.name} is seen by {', '.join(names) or set_up.EVERYBODY}")

    def _remove(self, options: dict[str, Any]) -> None:
        element = found(options["elements"][0])
        held = removal.holdings(element)
        losses = ", ".join(
            (
                plural(held.instances, "instance"),
                plural(held.scheduled_events, "scheduled event"),
                plural(held.debug_records, "Debug record"),
            )
        )
        if not options["yes"]:
            self.stdout.write(f"{element.name} ({element.region}) and with it {losses} will be removed.")
            self.stdout.write("Type the name of the element to confirm: ", ending="")
            self.stdout.flush()
            if sys.stdin.readline().strip() != element.name:
                raise CommandError("Not confirmed; nothing was removed.", returncode=FAILED)
        removal.remove(element, by=_who(), now=timezone.now(), patience_s=math.inf)
        self.stdout.write(f"Removed {element.name} and with it {losses}.")


def found(name: str) -> Element:
    """Return an element by its name or address; ends the command when there is none."""
    element = Element.objects.with_poll().named(name)
    if element is None:
        raise CommandError(f"There is no element {name!r}.", returncode=USAGE)
    return element


def _groups(names: list[str]) -> list[Group]:
    """Return groups by their names; ends the command when one is not there."""
    groups = list(Group.objects.filter(name__in=names))
    missing = set(names) - {group.name for group in groups}
    if missing:
        raise CommandError(f"There is no group {', '.join(map(repr, sorted(missing)))}.", returncode=USAGE)
    return groups


def _facts(element: Element) -> dict[str, Any]:
    """Return what a script may want to know of an element; never a key."""
    poll = getattr(element, "poll", None)
    return {
        "name": element.name,
        "slug": element.slug,
        "region": element.region,
        "endpoint_url": element.endpoint_url,
        "sts_endpoint_url": element.sts_endpoint_url,
        "account_id": element.account_id,
        "keys_stored_at": element.keys_stored_at.isoformat() if element.keys_stored_at else None,
        "access_key_id_ends_in": element.key_hint[-4:],
        "paused": element.paused,
        "interval_s": element.interval_s,
        "connection": element.connection(timezone.now()).state,
        "last_success": poll.succeeded_at.isoformat() if poll and poll.succeeded_at else None,
        "failures": poll.failures if poll else 0,
        "failure_code": poll.failure_code if poll else "",
        "failure": poll.failure_text if poll else "",
        "instances": poll.counts.get("total", 0) if poll else 0,
        "groups": sorted(group.name for group in element.groups.all()),
    }


def _keys_from_environment() -> dict[str, str]:
    return {name: os.environ.get(f"AWS_{name.upper()}", "") for name in KEY_NAMES}


def _keys_from_stdin() -> dict[str, str]:
    lines = [sys.stdin.readline().strip() for _name in KEY_NAMES]
    return dict(zip(KEY_NAMES, lines, strict=True))


def _complaints(form: ElementForm) -> list[str]:
    return [
        f"{form.fields[name].label if name in form.fields else 'Element'}: {error}"
        for name, errors in form.errors.items()
        for error in errors
    ]


def _who() -> str:
    """Return who runs the command, as it stands in Activity."""
    try:
        return f"{getpass.getuser()} (command)"[:150]
    except (OSError, KeyError):  # no such user in this container
        return "command"
