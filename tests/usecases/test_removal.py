"""Removing elements, and clearing those that moved, step by step."""

import time
import uuid
from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import Group
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from elements.domain import strides
from elements.models import (
    Action,
    Activity,
    Change,
    DebugRecord,
    Element,
    ElementAccess,
    Instance,
    InstanceDescription,
    Poll,
    ScheduledEvent,
)
from elements.models.elements import leaving
from elements.usecases import follow_actions, prune, removal, run_polls, set_up, steps
from elements.usecases.change_instance_state import perform, request
from elements.usecases.connect import Credentials
from elements.usecases.poll_element import ElementPoll
from elements.usecases.run_polls import poll_once
from elements.usecases.store_reading import Superseded
from tests import builders

pytestmark = pytest.mark.django_db

EVERYTHING = (Change, ScheduledEvent, InstanceDescription, Instance, Action, DebugRecord, Activity)
OF_A_PLACE = EVERYTHING[:4]
ROWS = 10


def action(element, instance, **fields):
    now = timezone.now()
    about = {"element": element, "instance": instance, "instance_id_text": instance.instance_id, "batch": uuid.uuid4()}
    asked = {"verb": "stop", "status": "confirmed", "requested_by": "olga", "requested_at": now, "expires_at": now}
    return Action.objects.create(**{**about, **asked, "settled_at": now, **fields})


@pytest.fixture
def element(aws):
    """Return an element with ten rows of each kind."""
    element, now = builders.element(aws, aws.add_keys()), timezone.now()
    for number in range(ROWS):
        instance = builders.instance(element, f"encoder-{number}")
        InstanceDescription.objects.create(instance=instance, xml=b"x")
        about = {"element": element, "instance_id_text": instance.instance_id}
        Change.objects.create(**about, kind="state", at=now, action=action(element, instance))
        ScheduledEvent.objects.create(**about, instance=instance, event_id="e", code="system-reboot", first_seen_at=now)
        DebugRecord.objects.create(element=element, at=now, service="ec2", operation="DescribeInstances", caller="poll")
        Activity.objects.note(by="olga", kind="poll", text="Poll now", now=now, element=element)
    return builders.polled(element)


@pytest.fixture
def steps_of(monkeypatch):
    """Let every step take so many rows, whatever it costs."""

    def fix(size):
        monkeypatch.setattr(steps, "Stride", lambda **_: strides.Stride(first=size, least=size, most=size))

    return fix


def left(models=EVERYTHING):
    return [model._base_manager.count() for model in models]


def move(element, now=None, **more):
    keys = Credentials("AKIANEWNEWNEW", "another-secret-for-tests")
    set_up.change(element, {"region": "eu-west-1"}, keys, by="maria", now=now or timezone.now(), **more)


remove = partial(removal.remove, by="maria")
LEAVE = pytest.mark.parametrize("leave", [remove, move], ids=["removed", "moved"])


def test_removing_takes_everything_but_the_activity(element):
    remove(element, now=timezone.now())

    assert left(EVERYTHING[:-1]) == [0] * 6
    assert (leaving().count(), Element.objects.count(), Poll.objects.count()) == (0, 0, 0)
    assert set(Activity.objects.values_list("element", "element_name")) == {(None, "Frankfurt")}
    assert Activity.objects.count() == ROWS + 1


def test_an_element_that_two_remove_is_removed_once(element):
    same = Element.objects.get()
    remove(element, now=timezone.now())

    removal.remove(same, by="olga", now=timezone.now())

    assert list(Activity.objects.exclude(kind="poll").values_list("username", "text")) == [("maria", "Element removed")]


def test_a_removed_element_is_gone_at_once_and_its_name_free(element):
    remove(element, now=timezone.now(), patience_s=0)

    again = set_up.add(set_up.SetUp("Frankfurt", "eu-central-1"), None, by="maria", now=timezone.now())

    assert left() == [*[ROWS] * 6, ROWS + 2]
    assert (again.name, again.slug, again.instances.count()) == ("Frankfurt", "frankfurt", 0)
    assert [row.pk for row in Element.objects.all()] == [again.pk]
    with pytest.raises(Element.DoesNotExist):
        element.refresh_from_db()


def test_no_key_outlives_the_moment_of_removal(element):
    remove(element, now=timezone.now(), patience_s=0)

    row = leaving().defer(None).get()
    assert (row.access_key_id, row.secret_access_key, row.session_token, row.key_hint) == ("", "", "", "")


@LEAVE
def test_no_transaction_removes_more_than_a_step(element, steps_of, leave):
    """The first one removes none of these rows however many there are; a description goes with its instance."""
    steps_of(3)
    with CaptureQueriesContext(connection) as queries:
        leave(element, now=timezone.now())

    inside, sizes = 0, []
    for sql in (query["sql"] for query in queries):
        inside = 0 if sql.startswith("RELEASE") else inside
        if sql.startswith("DELETE FROM") and "elements_poll" not in sql:
            inside = max(inside, sql.partition(" IN (")[2].count(",") + 1)
            sizes.append(inside)
    assert max(sizes) == 3
    assert len(sizes) >= 4 * len(OF_A_PLACE)
    assert left(OF_A_PLACE) == [0] * 4


def test_rows_go_in_as_many_transactions_as_there_are_steps(element, steps_of):
    steps_of(4)
    remove(element, now=timezone.now(), patience_s=0)
    (job,) = removal.jobs()
    gone = []

    while job.has_more:
        before = sum(left())
        job.step(time.monotonic)
        gone.append(before - sum(left()))

    # an instance has a description
    assert max(gone) == 8
    assert sum(gone) == 6 * ROWS


@pytest.mark.django_db(transaction=True)
def test_steps_are_never_parts_of_one_transaction():
    element = builders.element()
    builders.instance(element, "web")

    with pytest.raises(RuntimeError), transaction.atomic():
        remove(element, now=timezone.now())


class Killed(BaseException):
    """As if the process had ended."""


@pytest.mark.parametrize("steps_before", [0, 1, 5, 9])
@LEAVE
def test_whoever_is_killed_half_way_leaves_the_rest_to_pruning(element, steps_of, leave, steps_before):
    steps_of(4)
    done = []

    def killed_before_it_removes(execute, sql, *args):
        done.append(sql.startswith("DELETE FROM") and "elements_poll" not in sql)
        if sum(done) > steps_before:
            raise Killed
        return execute(sql, *args)

    with pytest.raises(Killed), connection.execute_wrapper(killed_before_it_removes):
        leave(element, now=timezone.now())
    assert leaving().exists()

    prune.prune(timezone.now())

    assert not leaving().exists()
    assert left(OF_A_PLACE) == [0] * 4


def test_every_table_that_belongs_to_an_element_is_emptied():
    kinds = {kind.rows.model for kind in removal._Rest(1, whole=True)._all()}

    assert {relation.related_model for relation in Element._meta.related_objects} == {*kinds, Poll, ElementAccess}


def test_a_moved_element_keeps_its_debug_records_actions_and_activity(element):
    move(element)

    assert left((Action, DebugRecord)) == [ROWS, ROWS]
    assert Activity.objects.filter(element=element).count() == ROWS + 2
    assert set(Action.objects.values_list("instance", flat=True)) == {None}
    assert element.cleared_at is None


def test_a_moved_element_shows_nothing_and_is_not_read_before_it_is_empty(aws, element):
    move(element, patience_s=0)
    found = Element.objects.get()

    assert (found.instances.count(), found.scheduled_events.count(), found.changes.count()) == (0, 0, 0)
    assert Instance.objects.count() == ROWS
    assert not Poll.objects.due(timezone.now()).exists()
    assert poll_once(element.pk, caller="poll", now=timezone.now()) is None

    prune.prune(timezone.now())

    assert Poll.objects.due(timezone.now()).exists()


def test_a_poll_that_won_its_lease_in_the_same_moment_stores_nothing(aws, element):
    aws.add_instances(count=2)
    token = Poll.objects.lease(element.pk, now=timezone.now(), seconds=60)
    removal.clear(element, timezone.now())
    row = Element.objects.with_keys().select_related("poll").get()

    with pytest.raises(Superseded):
        ElementPoll(row, token, caller="poll", now=timezone.now()).run()

    assert Instance.objects.count() == ROWS


def test_a_poll_that_began_while_an_element_was_emptied_stores_nothing_after_it(aws, element):
    """It knew nothing of what was there, or held it for known."""
    aws.add_instances(count=2)
    removal.clear(element, timezone.now())
    token = Poll.objects.lease(element.pk, now=timezone.now(), seconds=60)
    row = Element.objects.with_keys().select_related("poll").get()
    removal.go_on([element.pk])

    with pytest.raises(Superseded):
        ElementPoll(row, token, caller="poll", now=timezone.now()).run()

    assert not Instance.objects.exists()


def test_who_stood_still_removes_nothing_that_was_read_since(element, steps_of):
    steps_of(4)
    removal.clear(element, timezone.now())
    (slow,) = removal.jobs()
    slow.step(time.monotonic)
    removal.go_on([element.pk])
    builders.instance(Element.objects.get(), "new")

    while slow.has_more:
        slow.step(time.monotonic)

    assert Instance.objects.get().display_name == "new"


@pytest.mark.parametrize("steps_before", [0, 1])
def test_an_element_that_is_removed_while_it_is_emptied_after_a_move_goes_as_a_whole(element, steps_of, steps_before):
    """Who empties it for its new place must not call it empty: nothing would remove the rest any more."""
    steps_of(4)
    removal.clear(element, timezone.now())
    (slow,) = removal.jobs()
    for _ in range(steps_before):
        slow.step(time.monotonic)
    remove(element, now=timezone.now(), patience_s=0)

    while slow.has_more:
        slow.step(time.monotonic)
    prune.prune(timezone.now())

    assert left(EVERYTHING[:-1]) == [0] * 6
    assert not models.QuerySet(Element).exists()
    assert not Activity.objects.exclude(element=None).exists()


def test_who_moves_an_element_that_another_removes_meanwhile_meets_no_error(element, monkeypatch):
    monkeypatch.setattr(set_up, "go_on", lambda *_: remove(Element.objects.get(), now=timezone.now()))

    move(element)

    assert not models.QuerySet(Element).exists()


def test_a_debug_record_that_comes_late_goes_too(element, steps_of):
    steps_of(4)
    remove(element, now=timezone.now(), patience_s=0)
    (job,) = removal.jobs()
    while not Activity.objects.filter(element=None).exists():
        job.step(time.monotonic)
    DebugRecord.objects.create(element_id=element.pk, at=timezone.now())

    while job.has_more:
        job.step(time.monotonic)

    assert (DebugRecord.objects.count(), leaving().count()) == (0, 0)


def test_a_change_that_is_noted_late_goes_before_the_element_is_read_again(element, steps_of):
    steps_of(4)
    removal.clear(element, timezone.now())
    (job,) = removal.jobs()
    while ScheduledEvent.objects.count() == ROWS:
        job.step(time.monotonic)
    Change.objects.create(element_id=element.pk, kind="state", at=timezone.now())

    while job.has_more:
        job.step(time.monotonic)

    assert (Change.objects.count(), leaving().count()) == (0, 0)


@LEAVE
def test_what_is_asked_of_an_instance_that_is_leaving_asks_aws_nothing(aws, element, leave):
    ids, page = list(element.instances.values_list("instance_id", flat=True)), Element.objects.with_poll().get()
    old = request(page, "stop", ids[:1], batch=uuid.uuid4(), by="olga", now=timezone.now())
    leave(element, now=timezone.now(), patience_s=0)

    asked = request(page, "stop", ids, batch=uuid.uuid4(), by="olga", now=timezone.now())
    perform(page, [each.pk for each in old.actions], clock=timezone.now)
    later = timezone.now() + timedelta(minutes=5)
    follow_actions.expire(later)
    assert (follow_actions.elements_to_look_at(later), follow_actions.stuck_requests(later)) == ([], [])

    (ended,) = Action.objects.exclude(status="confirmed")
    assert (asked.changed, asked.actions, aws.journal("StopInstances")) == (True, [], [])
    assert (ended.status, ended.message) in {("expired", removal.REMOVED), ("expired", removal.MOVED)}


def test_an_answer_that_comes_after_the_move_does_not_count_what_is_leaving(element):
    removal.clear(element, timezone.now())

    Poll.objects.keep_counts(element.pk, {"total": ROWS})

    assert Poll.objects.get().counts == {}


def test_the_clock_makes_no_poll_for_a_removed_element(element):
    remove(element, now=timezone.now(), patience_s=0)

    run_polls.ensure()

    assert not Poll.objects.exists()


def test_a_group_stays_named_until_nothing_tells_of_the_element_any_more(element):
    group = Group.objects.create(name="inner")
    set_up.show_to(element, [group], by="maria", now=timezone.now())
    remove(element, now=timezone.now(), patience_s=0)
    assert str(ElementAccess.objects.get()) == "inner saw an element that is being removed"

    prune.prune(timezone.now())

    assert not ElementAccess.objects.exists()
    assert set(Activity.objects.values_list("is_sealed", flat=True)) == {True}
