import threading
import time
from unittest.mock import Mock

import pytest

from elements.aws import deadlines, reading, slices
from elements.aws.calls import Pace
from elements.aws.errors import AwsDenied, AwsRejected, AwsUnreachable
from elements.aws.listings import INSTANCES, STATUSES, AtOnce
from elements.aws.session import Credentials, Patience, Target, open_gateway
from tests.aws.pages import listed

THIS = threading.get_ident


def both(gateway, *known):
    pages = {"instances": [], "statuses": []}
    for listing, page in gateway.read_all(*known):
        pages[listing].append(page)
    return pages


def test_both_listings_are_read_whole(aws, gateway):
    aws.add_instances(count=2001)

    pages = both(gateway)

    assert [len(page.seen) for page in pages["instances"]] == [1000, 1000, 1]
    assert [page.first for page in pages["statuses"]] == [True, False, False]
    assert listed(pages["instances"]) == listed(gateway.describe_instances())
    assert listed(pages["statuses"]) == listed(gateway.describe_instance_status())


def test_what_is_known_is_only_named_and_what_changed_is_read(aws, gateway):
    first, second, third = aws.add_instances(names=["a", "b", "c"])
    before = both(gateway)
    known = {name: {s.instance_id: s.raw_digest for s in listed(pages)} for name, pages in before.items()}
    aws.instance(second).tags["Name"] = "another"
    aws.instance(third).fail_check("ebs")

    after = both(gateway, known["instances"], known["statuses"])

    (instances,), (statuses,) = after["instances"], after["statuses"]
    assert (sorted(instances.unchanged), [s.name for s in instances.seen]) == (sorted([first, third]), ["another"])
    assert (sorted(statuses.unchanged), [s.ebs for s in statuses.seen]) == (sorted([first, second]), ["impaired"])


def test_a_record_counts_what_was_listed_whether_it_was_read_or_known(aws, gateway, records):
    aws.add_instances(count=3)
    known = {snapshot.instance_id: snapshot.raw_digest for snapshot in listed(gateway.describe_instances())}
    listed(gateway.describe_instances(known))

    assert [(record.returned, record.response) for record in records] == [(3, {"Reservations": "3 returned"})] * 2
    assert records[0].bytes == records[1].bytes > 1000


def test_statuses_that_cannot_be_read_leave_the_instances_good(aws, open_to):
    aws.add_instances(count=1001)
    gateway = open_to(aws.add_keys(denied=["DescribeInstanceStatus"]), aws.url)

    pages = both(gateway)

    assert len(listed(pages["instances"])) == 1001
    assert isinstance(pages["statuses"].pop(), AwsDenied)


@pytest.mark.parametrize("page", [1, 2])
def test_instances_that_cannot_be_read_fail_the_read_and_every_attempt_is_recorded(aws, gateway, records, page):
    aws.add_instances(count=1001)
    aws.fault("error", "DescribeInstances", page=page, code="Blocked", message="x", status=403)

    with pytest.raises(AwsDenied):
        both(gateway)

    assert len(records) == len(aws.journal())


def test_when_aws_lost_its_place_the_first_page_comes_again(aws, gateway):
    aws.add_instances(count=1001)
    aws.fault("expired-token", "DescribeInstanceStatus", page=2, times=1)

    pages = both(gateway)

    assert [page.first for page in pages["statuses"]] == [True, True, False]
    assert len(listed(pages["statuses"])) == 1001


def test_when_aws_loses_its_place_again_the_statuses_fail(aws, gateway):
    aws.add_instances(count=1001)
    aws.fault("expired-token", "DescribeInstanceStatus", page=2)

    assert isinstance(both(gateway)["statuses"][-1], AwsRejected)


def test_attempts_are_recorded_by_the_thread_that_reads(aws, keys):
    threads = set()
    gateway = open_gateway(
        Credentials(keys.access_key_id, keys.secret_access_key),
        Target("eu-central-1", aws.url, allow_private=True),
        record=lambda attempt: threads.add(THIS()),
        caller="test",
        patience=Patience(),
    )

    both(gateway)

    assert threads == {THIS()}


def test_a_read_that_is_given_up_ends_and_its_attempts_are_recorded(aws, gateway, records):
    aws.add_instances(count=5001)
    pages = gateway.read_all()
    next(pages)

    pages.close()

    assert len(records) == len(aws.journal()) < 12
    assert [thread.name for thread in threading.enumerate() if "listing" in thread.name] == []


def test_a_thread_that_dies_without_a_word_fails_its_listing(aws, gateway, monkeypatch):
    aws.add_instances(count=1)
    monkeypatch.setattr(AtOnce, "_run", lambda self, listing: None)

    with pytest.raises(AwsUnreachable, match="ended early"):
        both(gateway)


def test_a_thread_that_cannot_be_started_fails_the_read(aws, gateway, monkeypatch):
    aws.add_instances(count=1)
    started, start = [], threading.Thread.start

    def first_only(thread):
        if "listing" in thread.name and started:
            raise RuntimeError("can't start new thread")
        if "listing" in thread.name:
            started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", first_only)

    with pytest.raises(RuntimeError, match="new thread"):
        both(gateway)


def test_a_thread_that_waits_for_ever_is_given_up_after_the_deadline(aws, keys, records, monkeypatch):
    aws.add_instances(count=1)
    monkeypatch.setattr(deadlines, "GRACE_S", 0.5)
    for_ever = threading.Event()
    gateway = open_gateway(
        Credentials(keys.access_key_id, keys.secret_access_key),
        Target("eu-central-1", aws.url, allow_private=True),
        record=records.append,
        caller="test",
        patience=Patience(deadline_s=1),
        pace=Pace(lambda operation: for_ever.wait() and None),
    )

    with pytest.raises(AwsUnreachable, match="AWS did not finish within 1 s"):
        both(gateway)

    for_ever.set()


def test_a_task_that_is_ended_waits_for_no_thread(aws, keys, monkeypatch):
    for_ever = threading.Event()
    gateway = gateway_that_hangs(aws, keys, for_ever)
    pages = AtOnce(gateway._asker, {INSTANCES: {}, STATUSES: {}})
    waiting = pages.pages()
    next(waiting)
    monkeypatch.setattr(pages, "_speak_for_the_lost", lambda: pytest.fail("It waits."))

    with pytest.raises(SystemExit):
        waiting.throw(SystemExit())

    assert pages._stopped
    for_ever.set()


def test_an_answer_of_a_listing_that_was_given_up_is_read_no_more(aws, keys):
    aws.add_instances(count=1001)
    for_ever = threading.Event()
    gateway = gateway_that_hangs(aws, keys, for_ever)
    pages = AtOnce(gateway._asker, {INSTANCES: {}, STATUSES: {}})
    waiting = pages.pages()
    next(waiting)
    pages._items.put((STATUSES, gateway._asker.overdue(STATUSES.operation)))
    pages._items.put((STATUSES, next(STATUSES.answers(gateway_that_hangs(aws, keys, None)._asker))))

    found = list(waiting)

    assert [type(page) for listing, page in found if listing is STATUSES] == [AwsUnreachable]
    assert [len(page.seen) for listing, page in found if listing is INSTANCES] == [1]
    for_ever.set()


def gateway_that_hangs(aws, keys, for_ever):
    """Return one that asks for statuses only once `for_ever` is set."""
    return open_gateway(
        Credentials(keys.access_key_id, keys.secret_access_key),
        Target("eu-central-1", aws.url, allow_private=True),
        record=lambda record: None,
        caller="test",
        patience=Patience(),
        pace=Pace(lambda operation: for_ever and operation == STATUSES.operation and for_ever.wait() and None),
    )


def test_a_task_that_is_ended_records_what_was_answered(aws, gateway, records):
    aws.add_instances(count=1001)
    pages = AtOnce(gateway._asker, {INSTANCES: {}, STATUSES: {}})
    waiting = pages.pages()
    next(waiting)
    until = time.monotonic() + 60
    while time.monotonic() < until and pages._items.qsize() < 3:
        time.sleep(0.01)

    with pytest.raises(SystemExit):
        waiting.throw(SystemExit())

    assert pages._stopped
    assert len(records) == len(aws.journal()) == 4


def test_the_next_page_is_asked_for_while_one_is_read(aws, gateway, monkeypatch):
    aws.add_instances(count=1001)
    read, asked = reading.Found.read, []

    def when_the_next_was_asked_for(found, known):
        until = time.monotonic() + 60
        while time.monotonic() < until and len(aws.journal()) < 4:
            time.sleep(0.01)
        asked.append(len(aws.journal()))
        return read(found, known)

    monkeypatch.setattr(reading.Found, "read", when_the_next_was_asked_for)

    both(gateway)

    assert asked[0] == 4


@pytest.mark.parametrize("wrong", [{"State": None}, {"State": {"Code": "one"}}])
@pytest.mark.parametrize("next_page", ["good", "error", "internal"])
def test_a_page_that_is_not_understood_ends_its_listing_and_all_attempts_are_recorded(
    aws, gateway, records, wrong, next_page
):
    aws.add_instances(extra=wrong)
    aws.add_instances(count=5000)
    if next_page != "good":
        aws.fault(next_page, "DescribeInstances", page=2, times=1, code="Blocked", message="x", status=403)

    with pytest.raises(AwsUnreachable, match="could not be understood"):
        both(gateway)

    mine = [record for record in records if record.operation == "DescribeInstances"]
    assert (mine[0].outcome, mine[0].error_code, mine[0].returned) == ("not-understood", "AnswerNotUnderstood", None)
    assert mine[0].response == {} and "could not be understood" in mine[0].error_message
    assert len(mine) <= 3
    assert len(records) == len(aws.journal())
    assert [thread.name for thread in threading.enumerate() if "listing" in thread.name] == []


def test_a_page_left_to_botocore_that_is_not_understood_is_not_recorded_as_good(aws, gateway, records, monkeypatch):
    aws.add_instances(extra={"State": None})
    monkeypatch.setattr(slices, "cut", Mock(spec=slices.cut, side_effect=slices.Unproven))

    with pytest.raises(AwsUnreachable, match="an instance has no state"):
        both(gateway)

    (mine,) = [record for record in records if record.operation == "DescribeInstances"]
    assert (mine.outcome, mine.error_code, mine.returned, mine.response) == (
        "not-understood",
        "AnswerNotUnderstood",
        None,
        {},
    )
    assert len(records) == len(aws.journal())


def test_statuses_that_are_not_understood_leave_the_instances_good(aws, gateway, records, monkeypatch):
    aws.add_instances(count=2001)
    read = reading.Found.read

    def read_instances_only(found, known):
        if found.rest.startswith(b"<DescribeInstanceStatus"):
            raise ValueError
        return read(found, known)

    monkeypatch.setattr(reading.Found, "read", read_instances_only)

    pages = both(gateway)

    assert (len(listed(pages["instances"])), len(pages["statuses"])) == (2001, 1)
    assert isinstance(pages["statuses"][0], AwsUnreachable)
    assert len(records) == len(aws.journal())
    assert [record.outcome for record in records if record.operation == "DescribeInstances"] == ["ok"] * 3


def test_attempts_are_recorded_in_the_order_of_their_pages(aws, gateway, records):
    aws.add_instances(count=3001)
    aws.fault("internal", "DescribeInstances", page=2, times=1)

    both(gateway)

    mine = [record for record in records if record.operation == "DescribeInstances"]
    assert [record.outcome for record in mine] == ["ok", "error", "ok", "ok", "ok"]
    assert [record.at for record in mine] == sorted(record.at for record in mine)


def test_no_more_than_one_page_ahead_waits_for_whoever_stores_them(aws, gateway):
    aws.add_instances(count=9001)
    pages = gateway.read_all()
    next(pages)
    settled = 0
    while settled != (settled := len(aws.journal())) or settled < 4:
        time.sleep(1)

    pages.close()

    assert settled == 4


def test_the_listings_are_asked_for_at_the_same_time(aws, keys, records):
    together = threading.Barrier(2, timeout=60)
    gateway = open_gateway(
        Credentials(keys.access_key_id, keys.secret_access_key),
        Target("eu-central-1", aws.url, allow_private=True),
        record=records.append,
        caller="test",
        patience=Patience(),
        pace=Pace(lambda operation: together.wait()),
    )

    both(gateway)

    assert {record.operation for record in records} == {"DescribeInstances", "DescribeInstanceStatus"}


def test_each_attempt_waits_for_its_budget_and_a_throttled_one_is_told(aws, keys, records):
    said = []
    gateway = open_gateway(
        Credentials(keys.access_key_id, keys.secret_access_key),
        Target("eu-central-1", aws.url, allow_private=True),
        record=records.append,
        caller="test",
        patience=Patience(),
        pace=Pace(lambda operation: said.append(len(aws.journal())), lambda operation: said.append(operation)),
    )
    aws.fault("throttle", times=1)
    aws.fault("internal", times=1)

    gateway.sample_instances()

    assert said == [0, "DescribeInstances", 1, 2]


def test_a_budget_that_refuses_keeps_the_request_at_home(aws, keys):
    def refuse(operation):
        raise TimeoutError

    gateway = open_gateway(
        Credentials(keys.access_key_id, keys.secret_access_key),
        Target("eu-central-1", aws.url, allow_private=True),
        record=print,
        caller="test",
        patience=Patience(),
        pace=Pace(refuse),
    )

    with pytest.raises(AwsUnreachable):
        gateway.sample_instances()

    assert aws.journal() == []
