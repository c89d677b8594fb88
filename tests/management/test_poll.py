import io
import json
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from elements.models import Element, Poll
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(*arguments, to=None):
    """Run the command and return its exit code and what it printed on both channels."""
    out, err = to or io.StringIO(), io.StringIO()
    try:
        call_command("poll", *arguments, stdout=out, stderr=err)
    except SystemExit as ended:
        return ended.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def element(aws):
    aws.add_instances(count=2)
    return builders.element(aws, aws.add_keys())


def test_an_element_is_polled_by_name_and_what_changed_is_printed(element):
    code, out, err = run("Frankfurt")

    assert (code, err) == (0, "")
    assert out.startswith(
        "Frankfurt (eu-central-1): 2 instances, 0 scheduled events, 2 added, 0 changed, 0 gone; 3 AWS calls in "
    )
    assert out.endswith(" s\n")


def test_an_element_is_polled_by_its_address_too_and_once_however_often_it_is_named(aws, element):
    assert run("frankfurt", "Frankfurt")[0] == 0
    assert len(aws.journal("DescribeInstances")) == 1


def test_all_are_those_that_are_not_paused(aws, element):
    builders.element(aws, aws.add_keys(), name="London", paused=True)

    code, out, _ = run("--all")

    assert (code, len(out.splitlines())) == (0, 1)


def test_json_is_one_object_with_all_that_is_known_of_each(aws, element):
    (instance_id,) = aws.add_instances()
    aws.instance(instance_id).schedule_event("system-reboot")

    code, out, err = run("--all", "--json")

    answer = json.loads(out)
    seconds = answer["elements"][0].pop("seconds")
    assert (code, err) == (0, "")
    assert 0 < seconds < 30
    assert answer == {
        "ok": True,
        "elements": [
            {
                "name": "Frankfurt",
                "region": "eu-central-1",
                "ok": True,
                "error_code": "",
                "error_text": "",
                "instances": 3,
                "events": 1,
                "added": 3,
                "changed": 0,
                "gone": 0,
                "aws_calls": 3,
            }
        ],
    }


def test_json_counts_what_changed_since_the_last_poll(aws, element):
    run("Frankfurt")
    first, second = (call["InstanceId"] for call in instances(aws))
    aws.vanish(first)
    aws.change_instance(second, state="stopped")
    aws.add_instances(count=3)

    _, out, _ = run("Frankfurt", "--json")

    (report,) = json.loads(out)["elements"]
    assert (report["instances"], report["added"], report["changed"], report["gone"]) == (4, 3, 1, 1)


def instances(aws):
    return [{"InstanceId": instance_id} for instance_id in aws.world.instances]


def test_of_several_the_failed_ones_are_told_with_their_reason_and_the_code_is_1(aws, element):
    builders.element(name="Nokeys")

    code, out, err = run("--all", "--json")

    reports = {report["name"]: report for report in json.loads(out)["elements"]}
    assert code == 1
    assert json.loads(out)["ok"] is False
    assert (reports["Frankfurt"]["ok"], reports["Nokeys"]["ok"]) == (True, False)
    assert reports["Nokeys"]["error_code"] == "KeysMissing"
    assert reports["Nokeys"]["error_text"].startswith("No keys are stored.")
    assert (reports["Nokeys"]["instances"], reports["Nokeys"]["aws_calls"]) == (None, 0)
    assert err == f"Nokeys (eu-central-1): KeysMissing: {reports['Nokeys']['error_text']}\n"


def test_a_poll_whose_status_checks_could_not_be_read_counts_as_failed(aws, element):
    aws.fault("optin", "DescribeInstanceStatus")

    code, out, err = run("Frankfurt", "--json")

    (report,) = json.loads(out)["elements"]
    assert code == 1
    assert (report["instances"], report["events"], report["error_code"]) == (2, None, "OptInRequired")
    assert "not subscribed" in err


def test_quiet_says_nothing_but_failures(element):
    builders.element(name="Nokeys")

    assert run("Frankfurt", "--quiet") == (0, "", "")
    code, out, err = run("--all", "--quiet")
    assert (code, out) == (1, "")
    assert "Nokeys" in err


def test_on_a_terminal_each_element_has_a_line_while_it_is_polled(element):
    _, out, _ = run("Frankfurt", to=Terminal())

    assert out.startswith("Frankfurt (eu-central-1): polling …\r\x1b[KFrankfurt (eu-central-1): 2 instances")


@pytest.mark.parametrize("option", ["--json", "--quiet"])
def test_on_a_terminal_json_and_quiet_show_no_progress(element, option):
    assert "polling …" not in run("Frankfurt", option, to=Terminal())[1]


def test_elsewhere_nothing_moves(element):
    assert "\r" not in run("Frankfurt")[1]


@pytest.mark.parametrize("arguments", [(), ("Frankfurt", "--all"), ("Atlantis",), ("--frobnicate",)])
def test_wrong_usage_is_said_and_the_code_is_2(element, arguments):
    with pytest.raises(CommandError) as ended:
        call_command("poll", *arguments)

    assert ended.value.returncode == 2 or "frobnicate" in str(ended.value)


def test_without_elements_all_is_nothing_and_no_failure():
    assert run("--all") == (0, "There is no element to poll: none was added, or all are paused.\n", "")
    assert json.loads(run("--all", "--json")[1]) == {"ok": True, "elements": []}


def test_a_paused_element_is_not_asked_for(aws, element):
    element.set_paused(True, by="maria", now=timezone.now())

    code, _, err = run("Frankfurt")

    assert code == 1
    assert "Paused: Polling of this element is paused; AWS was not asked." in err
    assert aws.journal() == []


def test_who_waits_too_long_for_another_poll_says_so(aws, element):
    Poll.objects.lease(element.pk, now=timezone.now(), seconds=60)

    code, _, err = run("Frankfurt", "--patience=0.3")

    assert code == 1
    assert "Busy: Another worker is still reading this element" in err
    assert aws.journal() == []


@pytest.mark.django_db(transaction=True)
def test_a_poll_under_way_is_waited_for(aws, element):
    aws.fault("slow", "DescribeInstances", seconds=1, times=1)
    worker = threading.Thread(target=_poll_and_close, args=(element.pk,))
    worker.start()
    until = time.monotonic() + 20
    while not aws.journal("DescribeInstances"):
        assert time.monotonic() < until
        time.sleep(0.02)

    code, out, _ = run("Frankfurt", "--json")

    worker.join()
    (report,) = json.loads(out)["elements"]
    assert (code, report["instances"], report["added"]) == (0, 2, 0)
    assert len(aws.journal("DescribeInstances")) == 2


def _poll_and_close(pk):
    try:
        poll_once(pk, caller="poll", now=timezone.now())
    finally:
        connection.close()


def test_a_poll_that_is_broken_off_by_hand_blocks_nobody(element, monkeypatch):
    monkeypatch.setattr("elements.usecases.poll_element.ElementPoll.run", lambda self: _interrupt())

    with pytest.raises(KeyboardInterrupt):
        run("Frankfurt")

    row = Poll.objects.get()
    assert (row.lease, row.failures) == ("", 0)


def _interrupt():
    raise KeyboardInterrupt


def test_an_element_deleted_while_it_is_waited_for_is_said(element, monkeypatch):
    def gone(*args, **kwargs):
        Element.objects.all().delete()

    monkeypatch.setattr("elements.management.commands.poll.poll_in_turn", gone)

    assert "Deleted: The element was deleted meanwhile." in run("Frankfurt")[2]
