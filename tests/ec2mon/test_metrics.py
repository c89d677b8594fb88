"""/metrics, read by the parser of those who made the format."""

import re
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from elements.models import Action, Element, Poll, WorkerBeat
from elements.usecases import prune
from elements.usecases.change_instance_state import perform, request
from elements.usecases.run_polls import give_up_lost, poll_once
from tests import builders

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
TOKEN = "only-for-tests-0123456789"


@pytest.fixture(autouse=True)
def token(settings):
    settings.METRICS_TOKEN = TOKEN


def scraped():
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert not answer.cookies
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.content.decode())
        for sample in family.samples
    }


def counters(figures):
    return {key: value for key, value in figures.items() if key[0].endswith(("_total", "_sum", "_count"))}


def of(figures, name, **labels):
    return figures[(f"ec2mon_{name}", *sorted(labels.items()))]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": "Bearer \u00e9\ud800"},
    ],
)
def test_without_the_token_there_is_no_such_page(headers):
    assert Client().get("/metrics", headers=headers).status_code == 404


def test_without_a_token_in_the_settings_an_empty_one_opens_nothing(settings):
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("10.1.2.3", {}, 200),
        ("::ffff:10.1.2.3", {}, 200),
        ("10.2.0.1", {}, 404),
        ("", {}, 404),
        ("10.1.2.3", {"X-Forwarded-For": "10.1.2.3"}, 404),
        ("10.1.2.3", {"Forwarded": "for=10.1.2.3"}, 404),
    ],
)
def test_a_network_is_open_but_not_what_a_proxy_of_it_passes_on(settings, address, headers, status):
    import ipaddress

    settings.METRICS_NETWORKS = [ipaddress.ip_network("10.1.0.0/16")]

    assert Client(REMOTE_ADDR=address).get("/metrics", headers=headers).status_code == status


def test_the_figures_are_those_of_the_machinery_and_of_each_element(aws):
    element = builders.element(aws, aws.add_keys(), name='Studio "4"\n\\', interval_s=30)
    aws.add_instances(count=3)
    WorkerBeat.objects.stamp("clock", 'a "host"\n\\', timezone.now() - timedelta(seconds=7))
    poll_once(element.pk, caller="poll", now=timezone.now())

    found = scraped()

    slug = element.slug
    assert of(found, "working", queue="clock") == 1
    assert of(found, "working", queue="ops") == 0
    assert 7 <= of(found, "beat_age_seconds", queue="clock", host='a "host"\n\\') < 60
    assert of(found, "queue_tasks", queue="default") == 0
    assert of(found, "instances", element=slug, state="running") == 3
    assert of(found, "element_connection", element=slug, state="connected") == 1
    assert of(found, "element_connection", element=slug, state="late") == 0
    assert 0 <= of(found, "poll_age_seconds", element=slug) < 60
    assert of(found, "poll_lateness_seconds", element=slug) == 0
    assert of(found, "poll_last_duration_seconds", element=slug) > 0
    assert of(found, "poll_duration_seconds_count", element=slug) == 1
    assert of(found, "poll_duration_seconds_sum", element=slug) > 0
    assert of(found, "aws_calls_total", element=slug) == Poll.objects.get().aws_calls
    assert "Studio" not in str(found)


def test_nothing_is_young_because_a_clock_was_put_back(aws):
    element = builders.polled(builders.element(aws, aws.add_keys()))
    ahead = timezone.now() + timedelta(hours=1)
    Poll.objects.update(succeeded_at=ahead)
    WorkerBeat.objects.stamp("clock", "one", ahead)

    found = scraped()

    assert of(found, "poll_age_seconds", element=element.slug) > 3000
    assert of(found, "beat_age_seconds", queue="clock", host="one") > 3000
    assert of(found, "working", queue="clock") == 0


def test_what_only_grows_never_goes_down_whatever_happens(aws):
    element = builders.element(aws, aws.add_keys())
    ids = aws.add_instances(count=2)
    poll = lambda: poll_once(element.pk, caller="poll", now=timezone.now())  # noqa: E731
    poll()

    def stop():
        row = Element.objects.with_poll().get(pk=element.pk)
        asked = request(row, "stop", ids, batch=uuid.uuid4(), by="maria", now=timezone.now())
        perform(row, [action.pk for action in asked.actions], clock=timezone.now)

    def throttle():
        aws.fault("throttle", "DescribeInstances")
        poll()
        aws.clear_faults()

    def end():
        Action.objects.update(status="confirmed", settled_at=timezone.now() - timedelta(days=91))

    def cut_off():
        Poll.objects.update(lease="x", leased_until=timezone.now() - timedelta(seconds=1))
        give_up_lost(timezone.now())

    seen = counters(scraped())
    for step in (stop, end, lambda: prune.prune(timezone.now()), throttle, cut_off, poll):
        step()
        now = counters(scraped())
        assert now.keys() == seen.keys()
        assert all(now[key] >= seen[key] for key in seen), step
        seen = now

    slug = element.slug
    assert not Action.objects.exists()
    assert seen[("ec2mon_actions_total", ("element", slug), ("outcome", "confirmed"))] == 2
    assert seen[("ec2mon_poll_failures_total", ("element", slug))] == 2
    assert seen[("ec2mon_poll_duration_seconds_count", ("element", slug))] == 4
    assert seen[("ec2mon_aws_throttles_total", ("element", slug))] >= 1
    assert seen[("ec2mon_aws_calls_total", ("element", slug))] == element.debug_records.count()


def test_many_elements_cost_no_more_statements(django_assert_num_queries, settings):
    builders.element()
    with django_assert_num_queries(4 if settings.REDIS_URL else 6) as few:
        scraped()

    for number in range(30):
        builders.element(name=f"e{number}", slug=f"e{number}")

    with django_assert_num_queries(len(few)):
        scraped()


def test_every_figure_that_the_handbook_names_exists():
    row = builders.element()
    builders.polled(row)
    Poll.objects.update(duration_ms=5)
    WorkerBeat.objects.stamp("clock", "worker-1", timezone.now())
    named = set(re.findall(r"\bec2mon_\w+", (ROOT / "docs" / "operating.md").read_text()))

    assert len(named) >= 8
    assert named <= {name for name, *_ in scraped()}
