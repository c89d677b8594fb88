"""`manage.py poll`: one-off polls, in this process."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from elements.models import Element
from elements.usecases.poll_element import PollReport
from elements.usecases.run_polls import ensure, poll_in_turn

PATIENCE_S = 90.0
USAGE, FAILED = 2, 1


class Command(BaseCommand):
    """Poll elements now. Exit code 0: all polled; 1: some failed; 2: usage."""

    help = "Poll elements now, in this process, and print what changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take elements by name or address, or all."""
        parser.add_argument("elements", nargs="*", metavar="ELEMENT", help="name or address of an element")
        parser.add_argument("--all", action="store_true", help="every element that is not paused")
        parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        parser.add_argument("--quiet", action="store_true", help="print failures only")
        parser.add_argument(
            "--patience", type=float, default=PATIENCE_S, metavar="S", help="wait this long for a running poll to end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Poll one after the other."""
        elements = self._chosen(options["elements"], everything=options["all"])
        ensure()
        reports = [self._poll(element, options) for element in elements]
        if options["json"]:
            self.stdout.write(json.dumps({"elements": [asdict(report) for report in reports]}, indent=1))
        if not all(report.ok for report in reports):
            raise SystemExit(FAILED)

    def _chosen(self, names: list[str], *, everything: bool) -> list[Element]:
        if everything == bool(names):
            raise CommandError("Name the elements to poll, or give --all.", returncode=USAGE)
        if everything:
            return list(Element.objects.active().with_poll())
        found = []
        for name in names:
            element = Element.objects.filter(name=name).first() or Element.objects.filter(slug=name).first()
            if element is None:
                raise CommandError(f"There is no element {name!r}.", returncode=USAGE)
            found.append(element)
        return found

    def _poll(self, element: Element, options: dict[str, Any]) -> PollReport:
        talks = not options["json"] and not options["quiet"]
        progress = talks and self.stdout.isatty()
        if progress:
            self.stdout.write(f"{element.name} ({element.region}): polling …", ending="\r")
            self.stdout.flush()
        report = self._report(element, options["patience"])
        if not report.ok:
            self.stderr.write(f"{report.element} ({report.region}): {report.error_code}: {report.error}")
        elif talks:
            self.stdout.write(_line(report))
        return report

    def _report(self, element: Element, patience_s: float) -> PollReport:
        if element.paused:
            text = "Polling of this element is paused; AWS was not asked."
            return PollReport(element.name, element.region, ok=False, error_code="Paused", error=text)
        report = poll_in_turn(element, caller="command", patience_s=patience_s, clock=timezone.now)
        if report is None:
            text = f"Another worker is still reading this element after {patience_s:.0f} s."
            return PollReport(element.name, element.region, ok=False, error_code="Busy", error=text)
        return report


def _line(report: PollReport) -> str:
    changes = f"{report.added} added, {report.changed} changed, {report.gone} gone"
    return (
        f"{report.element} ({report.region}): {report.instances} instances, {report.scheduled_events} scheduled events,"
        f" {changes}; {report.aws_calls} AWS calls in {report.seconds:.2f} s"
    )
