import re
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.core.checks import INFO, run_checks
from django.utils import timezone
from encrypted_model_fields import fields as emf

from elements.models import WorkerBeat
from tests.builders import element


def ids(**options):
    return {message.id for message in run_checks(**options) if message.id.startswith("elements.")}


def test_nothing_is_wrong_with_the_settings_as_they_are():
    assert ids() == set()


def test_another_time_zone_is_refused(settings):
    settings.TIME_ZONE = "Europe/Vienna"

    assert ids() == {"elements.E001"}


def test_a_task_that_is_delivered_again_while_it_runs_is_refused(settings):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "ALT_CLUSTERS": {"ops": {"timeout": 300}}}

    assert ids() == {"elements.E002"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "ec2mon.example.org"])
def test_debug_is_refused_where_others_can_reach_it(settings, host):
    settings.DEBUG, settings.HOST, settings.ALLOWED_HOSTS = True, host, ["ec2mon.example.org"]

    assert ids() == {"elements.E003"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_debug_is_allowed_on_this_machine_alone(settings, host):
    settings.DEBUG, settings.HOST = True, host

    assert ids() == set()


def test_a_host_that_would_refuse_everybody_is_warned_of(settings):
    settings.HOST, settings.ALLOWED_HOSTS = "0.0.0.0", ["localhost", "127.0.0.1", "[::1]"]

    assert ids() == {"elements.W001"}


def test_secrets_that_others_can_read_are_warned_of(settings, tmp_path):
    settings.ENV_FILE = tmp_path / ".env"
    settings.ENV_FILE.touch(0o600)
    assert ids() == set()

    settings.ENV_FILE.chmod(0o640)

    assert ids() == {"elements.W002"}


@pytest.mark.django_db
def test_an_encryption_key_that_does_not_open_what_is_stored_is_warned_of(aws, monkeypatch):
    element(aws, aws.add_keys(), name="Frankfurt")
    assert ids(databases=["default"]) == set()

    monkeypatch.setattr(emf, "CRYPTER", MultiFernet([Fernet(Fernet.generate_key())]))

    assert ids(databases=["default"]) == {"elements.W003"}
    assert "Frankfurt" in str(run_checks(databases=["default"]))


@pytest.mark.django_db
def test_machinery_that_stands_still_is_warned_of_before_a_deployment_in_the_words_of_the_page():
    deployed = {"databases": ["default"], "include_deployment_checks": True}
    assert "elements.W004" not in ids(databases=["default"])
    assert "elements.W004" in ids(**deployed)
    assert "No clock ticks: there was no beat within the last day." in str(run_checks(**deployed))

    for queue in ("clock", "default", "ops"):
        WorkerBeat.objects.stamp(queue, "one", timezone.now())

    assert "elements.W004" not in ids(**deployed)
    WorkerBeat.objects.stamp("clock", "one", timezone.now() - timedelta(minutes=5))
    assert "No clock ticks: the last beat was 5\u00a0min ago." in [each.msg for each in run_checks(**deployed)]


@pytest.mark.django_db
def test_the_state_of_the_machinery_is_told_before_a_deployment(aws):
    element(aws, name="Frankfurt")
    WorkerBeat.objects.stamp("default", "one", timezone.now() - timedelta(seconds=3))

    [told] = [
        each.msg for each in run_checks(databases=["default"], include_deployment_checks=True) if each.level == INFO
    ]

    # Redis keeps what other tests have queued
    told = re.sub(r"tasks?( waiting)(, the oldest for .*)?", r"tasks\1", told.replace("\u00a0", " "))
    lines = re.sub(r"\d+(\.\d+)?", "N", told).split("\n\t")
    assert lines[:3] == [
        "The machinery:",
        "queue default (polls): N tasks waiting",
        "queue ops (actions): N tasks waiting",
    ]
    assert lines[3] == "clock: there was no beat within the last day"
    assert lines[4:6] == ["workers of default on one: the last beat was N s ago", "polls of N element: pN N s late"]
    assert re.fullmatch("database: (SQLite|PostgreSQL), N [KM]B", lines[6])
