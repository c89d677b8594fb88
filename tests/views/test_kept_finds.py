"""The Instances page finds once what it finds, and yet shows what the database says."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from elements.models import Element, Instance, ScheduledEvent
from elements.models.kept_finds import FINDS
from elements.usecases import follow_actions, prune, set_up
from elements.usecases.change_instance_state import perform, request
from elements.usecases.run_polls import poll_once
from elements.usecases.store_snapshots import touch
from tests import builders

pytestmark = pytest.mark.django_db
PAGE = "/e/frankfurt/instances/"
QUESTIONS = (
    *("", "?sort=-type", "?sort=tag:env", "?sort=-platform", "?per_page=25&page=2", "?q=state:running"),
    *("?q=state:stopped&sort=id", "?q=-state:running", "?q=state:gone", "?q=checks:impaired", "?q=checks:none"),
    *("?q=event:any", "?q=event:none", "?q=event:reboot", "?q=enc&sort=-tag:env", "?q=name:*2", "?q=tag:env=prod"),
    *("?q=type:c7*", "?q=ip:10.0.0.0/8", "?q=launched:<24h", "?q=no-such-thing", "?q=enc&per_page=25&page=2"),
)


def shown(client, query):
    """Return the instances of a page in their order, and the numbers that it says."""
    answer = client.get(PAGE + query)
    assert answer.status_code == 200, (query, answer.status_code)
    context = answer.context
    if context["blank"]:
        return context["blank"]
    page = context["page"]
    return [row.instance_id for row in page.object_list], page.paginator.count, context["more_gone"]


def every(client):
    return {query: shown(client, query) for query in QUESTIONS}


def poll(element):
    assert poll_once(element.pk, caller="poll", now=timezone.now()).ok


def ask(element, verb, *ids):
    asked = request(element, verb, list(ids), batch=uuid.uuid4(), by="olga", now=timezone.now())
    perform(element, [action.pk for action in asked.actions], clock=timezone.now)


def steps(aws, element, ids):
    """Yield after each thing that changes what can be found, with its name; each by the product's own ways."""
    poll(element)
    yield "the first poll"
    aws.add_instances(names=["enc-2", "other"])
    poll(element)
    yield "a poll that adds some"
    aws.instance(ids[0]).tags.update(env="dev")
    aws.change_instance(ids[1], state="stopped", type="t3.small")
    aws.instance(ids[2]).fail_check()
    poll(element)
    yield "a poll that changes some"
    aws.instance(ids[2]).schedule_event("instance-reboot")
    poll(element)
    yield "a scheduled event"
    Element.objects.update(naming_format="{tag:env}-{name}-2", naming_saved_at=timezone.now())
    poll(element)
    yield "another format of names"
    ask(element, "stop", ids[3])
    yield "a stop"
    follow_actions.follow(element, now=timezone.now() + timedelta(seconds=20))
    yield "a look at the stopped one"
    aws.instance(ids[4]).protect()
    ask(element, "stop", ids[4])
    yield "a refused stop"
    aws.instance(ids[2]).pass_checks()
    aws.instance(ids[2]).events.clear()
    poll(element)
    yield "an event that is over"
    for each in ids[5:8]:
        aws.vanish(each)
    poll(element)
    yield "some that AWS no longer lists"
    Instance.objects.gone().update(gone_at=timezone.now() - timedelta(days=8))
    prune.prune(timezone.now())
    yield "gone ones removed"
    wanted = {"region": "us-east-1"}
    set_up.change(Element.objects.get(), wanted, None, by="maria", now=timezone.now())
    yield "another region"


def test_whatever_changes_what_was_found_before_is_what_would_be_found_now(aws, viewer):
    ids = aws.add_instances(names=[f"enc-{number}" for number in range(30)], tags={"env": "prod"}, type="c7i.large")
    element, answers = builders.element(aws, aws.add_keys()), []
    for step in steps(aws, Element.objects.with_poll().get(pk=element.pk), ids):
        again = every(viewer), every(viewer)
        FINDS.clear()
        answers.append(every(viewer))

        assert again == (answers[-1], answers[-1]), step

    seen = {
        query: len({repr(answer[query]) for answer in answers}) for query in QUESTIONS if query != "?q=no-such-thing"
    }
    assert min(seen.values()) > 1, seen


def found(client, query=""):
    return [(row.instance_id, row.state) for row in client.get(PAGE + query).context["page"].object_list]


@pytest.fixture
def element():
    row = builders.element()
    for number in range(1, 4):
        builders.instance(row, f"enc-{number}", launched_at=timezone.now())
    return builders.polled(row)


@pytest.mark.parametrize("query", ["", "?sort=platform", "?q=enc", "?q=enc&sort=-tag:Name", "?q=state:running"])
def test_rows_are_as_the_database_has_them_however_they_were_found(viewer, element, query):
    before = found(viewer, query)
    Instance.objects.filter(instance_id=before[0][0]).update(state="stopping")

    after = found(viewer, query)

    assert after == [(before[0][0], "stopping"), *before[1:]]


def test_the_second_asking_searches_nothing(viewer, element, django_assert_max_num_queries):
    builders.instance(element, "enc-old", gone=True)
    builders.polled(element)
    first = viewer.get(f"{PAGE}?q=enc&sort=platform")

    with django_assert_max_num_queries(6) as asked:
        second = viewer.get(f"{PAGE}?q=enc&sort=platform")

    assert not [each["sql"] for each in asked if "LIKE" in each["sql"] or "ORDER BY NULLIF" in each["sql"]]
    assert first.context["page"].object_list == second.context["page"].object_list
    assert first.context["more_gone"] == second.context["more_gone"] == 1


def test_what_depends_on_the_time_is_found_each_time(viewer, element):
    assert len(found(viewer, "?q=launched:<24h")) == 3
    Instance.objects.update(launched_at=timezone.now() - timedelta(hours=25))

    assert found(viewer, "?q=launched:<24h -state:gone enc") == []
    assert found(viewer, "?q=launched:<24h") == []


def test_what_is_written_while_a_page_is_made_is_in_the_next_one(viewer, element):
    changed = []

    def change_before_rows_are_read(execute, sql, params, many, context):
        if "elements_instance" in sql and "SELECT" in sql and not changed:
            changed.append(True)
            with transaction.atomic():
                touch(element, ["i-00000000000000001"])
                Instance.objects.filter(display_name="enc-1").update(search="decoder")
        return execute(sql, params, many, context)

    assert len(found(viewer, "?q=enc")) == 3
    FINDS.clear()

    with connection.execute_wrapper(change_before_rows_are_read):
        found(viewer, "?q=enc")

    assert changed
    assert len(found(viewer, "?q=enc")) == 2


def test_an_instance_that_is_held_no_more_is_left_out(viewer, element):
    before = found(viewer, "?q=enc")
    Instance.objects.get(instance_id=before[1][0]).delete()

    assert found(viewer, "?q=enc") == [before[0], before[2]]


def test_elements_do_not_share_what_was_found(viewer, element):
    other = builders.element(name="Paris")
    builders.instance(other, "enc-of-paris")
    builders.polled(other)
    found(viewer, "?q=enc")

    rows = viewer.get("/e/paris/instances/?q=enc").context["page"].object_list

    assert [row.display_name for row in rows] == ["enc-of-paris"]


def test_an_event_that_finds_its_instance_again_is_found_by_pages(viewer, aws):
    (instance_id,) = aws.add_instances(names=["enc"])
    aws.instance(instance_id).schedule_event("instance-reboot")
    element = builders.element(aws, aws.add_keys())
    poll(element)
    ScheduledEvent.objects.update(instance=None)
    assert found(viewer, "?q=event:any") == []

    poll(element)

    assert len(found(viewer, "?q=event:any")) == 1
