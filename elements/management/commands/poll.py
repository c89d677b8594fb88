"""`manage.py poll`: one-off polls, in this process."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from elements.domain.wording import NB, plural
from elements.models import Element
from elements.usecases.poll_element import PollReport
from elements.usecases.run_polls import ensure, poll_in_turn

PATIENCE_S = 90.0
USAGE, FAILED = 2, 1
CLEAR_LINE = "\r\x1b[K"


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
        ok = all(report.ok for report in reports)
        if options["json"]:
            answer = {"ok": ok, "elements": [_as_json(report) for report in reports]}
            self.stdout.write(json.dumps(answer, indent=1, ensure_ascii=False))
        elif not reports and not options["quiet"]:
            self.stdout.write("There is no element to poll: none was added, or all are paused.")
        if not ok:
            raise SystemExit(FAILED)

    def _chosen(self, names: list[str], *, everything: bool) -> list[Element]:
        if everything == bool(names):
            raise CommandError("Name the elements to poll, or give --all.", returncode=USAGE)
        if everything:
            return list(Element.objects.active().with_poll())
        found = {}
        for name in names:
            element = Element.objects.named(name)
            if element is None:
                raise CommandError(f"There is no element {name!r}.", returncode=USAGE)
            found[element.pk] = element
        return list(found.values())

    def _poll(self, element: Element, options: dict[str, Any]) -> PollReport:
        talks = not options["json"] and not options["quiet"]
        progress = talks and self.stdout.isatty()
        if progress:
            self.stdout.write(f"{element.name} ({element.region}): polling …", ending="")
            self.stdout.flush()
        report = self._report(element, options["patience"])
        if progress:
            self.stdout.write(CLEAR_LINE, ending="")
            self.stdout.flush()
        if not report.ok:
            self.stderr.write(f"{report.element} ({report.region}): {_why(report)}")
        elif talks:
            self.stdout.write(_line(report))
        return report

    def _report(self, element: Element, patience_s: float) -> PollReport:
        report = None
        if not element.paused:
            report = poll_in_turn(element, caller="command", patience_s=patience_s, clock=timezone.now)
        return report or _not_polled(element, patience_s)


def _not_polled(element: Element, patience_s: float) -> PollReport:
    paused = Element.objects.filter(pk=element.pk).values_list("paused", flat=True).first()
    if paused is None:
        code, text = "Deleted", "The element was deleted meanwhile."
    elif paused:
        code, text = "Paused", "Polling of this element is paused; AWS was not asked."
    else:
        code, text = "Busy", f"Another worker is still reading this element after {patience_s:.0f} s."
    return PollReport(element.name, element.region, ok=False, error_code=code, error=text)


def _why(report: PollReport) -> str:
    """Return why a poll failed, with its code once: most sentences begin with it."""
    code, text = report.error_code, report.error
    return text if code in text else f"{code}: {text}"


def _line(report: PollReport) -> str:
    changes = f"{report.added} added, {report.changed} changed, {report.gone} gone"
    return (
        f"{report.element} ({report.region}): {plural(report.instances or 0, 'instance')},"
        f" {plural(report.scheduled_events or 0, 'scheduled event')}, {changes};"
        f" {plural(report.aws_calls, 'AWS call')} in {report.seconds:.2f} s"
    ).replace(NB, " ")


def _as_json(report: PollReport) -> dict[str, Any]:
    """Return what scripts read; counts are null when nothing was read."""
    return {
        "name": report.element,
        "region": report.region,
        "ok": report.ok,
        "error_code": report.error_code,
        "error_text": report.error,
        "instances": report.instances,
        "events": report.scheduled_events,
        "added": report.added,
        "changed": report.changed,
        "gone": report.gone,
        "aws_calls": report.aws_calls,
        "seconds": report.seconds,
    }
