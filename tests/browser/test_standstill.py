"""Workers and clock that stand still: each page that is open says so by itself, and stops saying so once they go on."""

import contextlib
import os
import re
import signal

import pytest
from playwright.sync_api import expect

from tests.ec2mon import processes

OLDER = """
from datetime import timedelta
from django.db.models import F
from elements.models import WorkerBeat
WorkerBeat.objects.update(at=F("at") - timedelta(seconds=60))
"""
SAYS = "Workers and clock silent since"
# Who goes on proves it at least every 10 s; whoever is replaced meanwhile has to start first.
BACK_MS = 90_000


@contextlib.contextmanager
def stopped(stack):
    """Let all stand still that polls and sends, and the supervisor that would replace it; a minute passes at once."""
    (web,) = re.findall(r"web started \(process (\d+)\)", stack.log())
    of_web = {process.pid for process in processes.group(int(web))}
    every = {pid for pid, line in processes.using(stack.directory).items() if "manage.py up" in line}
    found = sorted(every - of_web)
    for pid in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        stack.manage("shell", "-v0", "-c", OLDER)
        yield
    finally:
        for pid in found:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture
def pages(stack, sign_in):
    stack.aws.add_instances(names=["playout-a"])
    stack.add_element("Frankfurt")
    stack.manage("poll", "Frankfurt")
    return [sign_in("vera", path, hasty=True) for path in ("/", "/e/frankfurt/instances/", "/wall/")]


def test_every_open_page_tells_of_a_standstill_and_of_its_end(stack, pages, sign_in):
    for page in pages:
        expect(page.get_by_text("Frankfurt").first).to_be_visible()
        expect(page.get_by_text(SAYS)).to_have_count(0)

    with stopped(stack):
        for page in (*pages, sign_in("vera", "/e/frankfurt/debug/")):
            banner = page.get_by_role("alert").filter(has_text=SAYS)
            expect(banner).to_be_visible()
            expect(banner).to_contain_text("Nothing is polled: what you see is old and gets older.")

    for page in pages:
        expect(page.get_by_text(SAYS)).to_have_count(0, timeout=BACK_MS)
