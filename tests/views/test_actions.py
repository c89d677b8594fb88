"""Start, stop and reboot from the question to what AWS was asked."""

import re
import threading
import uuid
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.utils import timezone

from elements.models import Action, Activity, Element, Instance, Poll
from elements.usecases.follow_actions import follow
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(aws):
    return aws.add_keys()


@pytest.fixture
def element(aws, keys):
    aws.add_instances(names=[f"encoder-{n}" for n in range(4)])
    return polled(builders.element(aws, keys))


def polled(row):
    poll_once(row.pk, caller="poll", now=timezone.now())
    return Element.objects.with_poll().get(pk=row.pk)


def ids(element, **fields):
    return list(element.instances.filter(**fields).order_by("display_name").values_list("instance_id", flat=True))


def ask(client, element, verb, instance_ids, **headers):
    return client.get(f"/e/{element.slug}/actions/confirm/", {"action": verb, "id": instance_ids}, headers=headers)


def fields(response):
    """Return what the form of a question would post."""
    found = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', response.content.decode()):
        found.setdefault(name, []).append(value)
    found.pop("csrfmiddlewaretoken", None)
    return found


def submit(client, element, form, **more):
    return client.post(f"/e/{element.slug}/actions/", {**form, **more})


def stop(client, element, instance_ids, **more):
    return submit(client, element, fields(ask(client, element, "stop", instance_ids)), **more)


def words(response):
    """Return a page's text, in one line."""
    return " ".join(re.sub(r"<[^>]+>", "", response.content.decode()).replace("\u00a0", " ").split())


def told(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_the_question_names_what_is_touched_and_what_is_left_alone(aws, element, operator):
    aws.instance(ids(element)[3]).state = "stopped"
    element = polled(element)

    page = words(ask(operator, element, "stop", ids(element)))

    assert "Stop 3 instances?" in page
    assert "The operating system is shut down. Volumes are kept." in page
    assert all(f"encoder-{n}" in page for n in range(3))
    assert "1 selected instance is left alone: encoder-3 (stopped)" in page


def test_one_instance_is_asked_about_by_its_name(element, operator):
    page = words(ask(operator, element, "stop", ids(element)[:1]))

    assert "Stop encoder-0?" in page
    assert "Stop instance" in page


def test_what_an_instance_loses_is_said_and_the_worst_comes_first(aws, keys, operator):
    aws.add_instances(names=["a-address"], public_ip="3.120.44.9")
    aws.add_instances(names=["b-group"], tags={"aws:autoscaling:groupName": "packager"})
    aws.add_instances(names=["c-data"], type="g5.xlarge")
    element = polled(builders.element(aws, keys))

    page = words(ask(operator, element, "stop", ids(element)))

    assert "Public IP 3.120.44.9 is released" in page
    assert "Auto Scaling group packager may replace it" in page
    assert "Data on its instance store volumes is lost" in page
    assert page.index("c-data") < page.index("b-group") < page.index("a-address")
    assert "c-data loses instance store data. Type 3 to confirm." in page


def test_late_data_is_said_in_the_question(element, operator):
    Poll.objects.update(succeeded_at=timezone.now() - timedelta(seconds=100))

    assert "State is 1 min old." in words(ask(operator, element, "stop", ids(element)))


def test_the_dialog_is_the_form_alone(element, operator):
    html = ask(operator, element, "stop", ids(element), **{"X-Fragment": "dialog"}).content.decode()

    assert "data-act-form" in html
    assert "<html" not in html
    assert html.index("data-close") < html.index("data-act-go")


def test_more_ids_than_fit_into_an_address_are_asked_about_by_post(element, operator):
    response = operator.post(f"/e/{element.slug}/actions/confirm/", {"action": "stop", "id": ids(element)})

    assert "Stop 4 instances?" in words(response)
    assert not Action.objects.exists()


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        (lambda element: Element.objects.update(paused=True), "Polling of this element is paused"),
        (lambda element: Poll.objects.update(refused=True), "This element is not connected"),
        (lambda element: Poll.objects.update(failures=3), "This element is not connected"),
    ],
)
def test_nothing_can_be_asked_of_an_element_that_is_paused_or_not_connected(aws, element, operator, prepare, reason):
    form = fields(ask(operator, element, "stop", ids(element)))
    prepare(element)

    question = ask(operator, element, "stop", ids(element))
    answer = submit(operator, element, form)

    assert reason in words(question)
    assert "data-act-go" not in question.content.decode()
    assert reason in words(answer)
    assert aws.journal("StopInstances") == []


def test_merely_late_data_stops_nobody(aws, element, operator):
    Poll.objects.update(succeeded_at=timezone.now() - timedelta(seconds=100))

    stop(operator, element, ids(element))

    assert len(aws.journal("StopInstances")) == 1


def test_a_confirmed_stop_is_one_call_and_every_instance_has_its_action_first(aws, element, operator):
    aws.set(delay_s=60)

    response = stop(operator, element, ids(element))

    assert response.url == f"/e/{element.slug}/instances/"
    assert len(aws.journal("StopInstances")) == 1
    assert {action.status for action in Action.objects.all()} == {"accepted"}
    assert {action.requested_by for action in Action.objects.all()} == {"olga"}
    assert Activity.objects.filter(kind="action", username="olga").count() == 4
    assert set(Instance.objects.values_list("state", flat=True)) == {"stopping"}
    assert Poll.objects.get().counts["changing"] == 4


@pytest.mark.parametrize(("verb", "operation"), [("start", "StartInstances"), ("reboot", "RebootInstances")])
def test_start_and_reboot_go_the_same_way(aws, keys, operator, verb, operation):
    aws.add_instances(names=["one", "two"], state="stopped" if verb == "start" else "running")
    element = polled(builders.element(aws, keys))

    submit(operator, element, fields(ask(operator, element, verb, ids(element))))
    follow(element, now=timezone.now() + timedelta(seconds=6))

    assert len(aws.journal(operation)) == 1
    assert set(Action.objects.values_list("status", flat=True)) == {"confirmed"}


def test_the_same_form_sent_again_asks_nothing_and_leads_to_the_same_page(aws, element, operator):
    form = fields(ask(operator, element, "stop", ids(element)))

    first, second = submit(operator, element, form), submit(operator, element, form)

    assert first.url == second.url
    assert len(aws.journal("StopInstances")) == 1
    assert Activity.objects.filter(kind="action").count() == 4


def test_a_key_used_on_another_element_sends_nothing_of_that_element(aws, element, operator):
    form = fields(ask(operator, element, "stop", ids(element)))
    other = polled(builders.element(aws, aws.add_keys(), name="Second"))
    Action.objects.bulk_create(
        Action(
            element=element,
            instance_id_text=instance_id,
            batch=form["batch"][0],
            verb="stop",
            requested_by="maria",
            requested_at=timezone.now(),
            expires_at=timezone.now() + timedelta(minutes=1),
        )
        for instance_id in ids(element)
    )

    submit(operator, other, form)

    assert aws.journal("StopInstances") == []


def test_a_changed_state_is_answered_with_a_fresh_form_and_nothing_done(aws, element, operator):
    form = fields(ask(operator, element, "stop", ids(element)))
    for instance_id in ids(element)[:2]:
        aws.instance(instance_id).state = "stopped"
    element = polled(element)

    response = submit(operator, element, form)

    assert "2 of 4 are no longer running. Nothing was done. Look again?" in words(response)
    assert "Stop 2 instances?" in words(response)
    assert fields(response)["batch"] != form["batch"]
    assert not Action.objects.exists()
    assert aws.journal("StopInstances") == []


def test_the_fresh_form_works(aws, element, operator):
    form = fields(ask(operator, element, "stop", ids(element)))
    aws.instance(ids(element)[0]).state = "stopped"
    element = polled(element)

    submit(operator, element, fields(submit(operator, element, form)))

    assert Action.objects.count() == 3


def test_what_somebody_else_asked_for_meanwhile_is_not_asked_again(aws, element, operator, administrator):
    aws.set(delay_s=60)
    form = fields(ask(operator, element, "stop", ids(element)))
    stop(administrator, element, ids(element)[:1])

    response = submit(operator, element, form)

    assert "Nothing was done. Look again?" in words(response)
    assert "stopping was already asked for by maria" in words(response)
    assert len(aws.journal("StopInstances")) == 1


def test_ten_or_more_need_the_number_typed(aws, keys, operator):
    aws.add_instances(count=10)
    element = polled(builders.element(aws, keys))
    form = fields(ask(operator, element, "stop", ids(element)))

    wrong = submit(operator, element, form, confirm="9")
    assert "Type 10 to confirm. Nothing was done." in words(wrong)
    assert aws.journal("StopInstances") == []

    submit(operator, element, fields(wrong), confirm=" 10 ")
    assert len(aws.journal("StopInstances")) == 1


def test_the_bad_one_of_a_batch_is_named_and_the_rest_still_stop(aws, element, operator):
    bad = ids(element)[1]
    aws.instance(bad).protect()

    stop(operator, element, ids(element))

    refused = Action.objects.get(status="refused")
    assert (refused.instance_id_text, refused.error_code) == (bad, "OperationNotPermitted")
    assert refused.request_id
    assert Action.objects.filter(status="accepted").count() == 3
    assert {aws.instance(other).state for other in ids(element) if other != bad} == {"stopped"}


def test_a_capacity_error_is_exactly_one_call(aws, keys, operator):
    aws.add_instances(names=["big"], state="stopped")
    element = polled(builders.element(aws, keys))
    aws.fault("capacity", "StartInstances")

    submit(operator, element, fields(ask(operator, element, "start", ids(element))))

    assert len(aws.journal("StartInstances")) == 1
    assert Action.objects.get().error_code == "InsufficientInstanceCapacity"


def test_a_key_without_the_right_is_told_with_the_action_to_add(aws, element, keys, operator):
    keys.denied = frozenset(["StopInstances"])

    stop(operator, element, ids(element)[:1])

    assert Action.objects.get().status == "refused"
    assert "ec2:StopInstances" in Action.objects.get().message


def test_more_than_a_hundred_are_stored_and_sent_by_a_worker(aws, keys, operator, monkeypatch):
    aws.add_instances(count=101)
    element = polled(builders.element(aws, keys))
    sent = []
    monkeypatch.setattr("elements.tasks.async_task", lambda *arguments, **options: sent.append((arguments, options)))
    question = operator.post(f"/e/{element.slug}/actions/confirm/", {"action": "stop", "id": ids(element)})

    submit(operator, element, fields(question), confirm="101")

    assert aws.journal("StopInstances") == []
    assert set(Action.objects.values_list("status", flat=True)) == {"requested"}
    [((function, element_id, pks), options)] = sent
    assert (function, element_id, len(pks)) == ("elements.tasks.perform_actions", element.pk, 101)
    assert options == {"cluster": "ops"}


@pytest.mark.parametrize("number", [0, 501])
def test_none_and_too_many_are_refused_in_words(element, operator, number):
    chosen = [f"i-{n:017x}" for n in range(number)]

    response = operator.post(f"/e/{element.slug}/actions/confirm/", {"action": "stop", "id": chosen})

    assert response.url == f"/e/{element.slug}/instances/"
    assert told(response)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "terminate", "id": "i-0123456789abcdef0"},
        {"action": "stop\0", "id": "i-0123456789abcdef0"},
        {"action": "stop", "id": ["'; drop table", "\0", "x" * 1_000_000], "batch": "no"},
        {"action": "stop", "id": "i-0123456789abcdef0", "batch": "\0", "seen": "\0:\0", "confirm": "\0", "next": "\0"},
        {"action": "stop", "id": "i-0123456789abcdef0", "batch": str(uuid.UUID(int=0)), "next": "//evil.example/"},
    ],
)
def test_wild_input_does_nothing(aws, element, operator, form):
    for path in ("actions/", "actions/confirm/"):
        assert operator.post(f"/e/{element.slug}/{path}", form).status_code in (200, 302, 404)

    assert not Action.objects.exists()
    assert aws.journal("StopInstances") == []


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/e/frankfurt/instances/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/admin/",
    ],
)
def test_the_way_back_leads_nowhere_else(element, operator, target):
    response = stop(operator, element, ids(element)[:1], next=target)

    assert response.url == f"/e/{element.slug}/instances/"


def test_the_way_back_keeps_the_filter(element, operator):
    target = f"/e/{element.slug}/instances/?q=encoder"

    assert stop(operator, element, ids(element)[:1], next=target).url == target


def test_a_viewer_is_refused_and_nothing_is_asked(aws, element, viewer, operator):
    form = fields(ask(operator, element, "stop", ids(element)))

    assert ask(viewer, element, "stop", ids(element)).status_code == 403
    assert submit(viewer, element, form).status_code == 403
    assert viewer.post(f"/e/{element.slug}/poll/").status_code == 403
    assert not Action.objects.exists()
    assert aws.journal("StopInstances") == []


def test_whoever_is_not_signed_in_is_sent_to_sign_in(element):
    response = Client().post(f"/e/{element.slug}/actions/", {"action": "stop", "id": ids(element)})

    assert response.status_code == 302
    assert response.url.startswith("/login/")


def test_a_get_does_nothing(element, operator):
    assert operator.get(f"/e/{element.slug}/actions/").status_code == 405
    assert operator.get(f"/e/{element.slug}/poll/").status_code == 405


def test_a_form_without_the_token_is_refused(element):
    client = Client(enforce_csrf_checks=True)
    client.force_login(builders.user("otto", "operators"))

    assert client.post(f"/e/{element.slug}/actions/", {"action": "stop", "id": ids(element)}).status_code == 403
    assert not Action.objects.exists()


def test_another_elements_instance_cannot_be_asked(aws, element, operator):
    other = builders.element(aws, aws.add_keys(), name="Second", region="eu-west-1")
    other = polled(other)
    form = {"action": "stop", "id": ids(element)[0], "seen": f"{ids(element)[0]}:running", "batch": uuid.uuid4()}

    response = submit(operator, other, form)

    assert "not known here" in words(response)
    assert aws.journal("StopInstances") == []


def test_markup_in_names_is_text(aws, keys, operator):
    aws.add_instances(names=["<script>alert(1)</script>"])
    element = polled(builders.element(aws, keys))

    assert "<script>alert" not in ask(operator, element, "stop", ids(element)).content.decode()


def test_a_question_about_many_takes_a_fixed_number_of_queries(aws, keys, operator, django_assert_num_queries):
    aws.add_instances(count=60, public_ip="3.120.44.9")
    element = polled(builders.element(aws, keys))

    with django_assert_num_queries(7):
        ask(operator, element, "stop", ids(element)[:50])


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_twenty_submits_of_one_form_at_once_are_one_call(aws, element, operator):
    form = fields(ask(operator, element, "stop", ids(element)))
    answers = post_at_once([(operator.session.session_key, element, form)] * 20)

    assert answers == [302] * 20
    assert len(aws.journal("StopInstances")) == 1
    assert Action.objects.count() == 4
    assert Activity.objects.filter(kind="action").count() == 4


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_start_and_stop_at_once_by_two_people_are_one_action_each_instance(aws, element, operator, administrator):
    forms = [
        (client.session.session_key, element, fields(ask(client, element, verb, ids(element))))
        for client in (operator, administrator)
        for verb in ("stop", "reboot")
    ]

    post_at_once(forms * 3)

    assert Action.objects.count() == 4
    assert len(aws.journal("StopInstances")) + len(aws.journal("RebootInstances")) == 1


def post_at_once(forms):
    """Post every form from a thread of its own at the same moment and return the statuses."""
    gate, answers = threading.Barrier(len(forms)), []

    def post(session_key, element, form):
        client = Client()
        client.cookies["sessionid"] = session_key
        gate.wait()
        try:
            answers.append(submit(client, element, form).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=post, args=form) for form in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers
