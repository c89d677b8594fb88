"""/readyz says what is wrong, to anybody, and nothing that is secret."""

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from ec2mon import health
from elements import tasks
from elements.domain.machinery import PARTS, Queue
from elements.models import WorkerBeat
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_work(monkeypatch):
    found = [Queue("default", 0), Queue("ops", 0)]
    monkeypatch.setattr(tasks, "queues", lambda now: found)
    for part in PARTS:
        WorkerBeat.objects.stamp(part, "worker-1", timezone.now())
    return found


def asked():
    answer = Client().get("/readyz")
    return answer.status_code, {each["about"]: each["text"] for each in answer.json()["reasons"]}


def test_it_is_ready_while_everything_works_and_costs_few_statements(django_assert_max_num_queries, settings):
    settings.SECURE_SSL_REDIRECT = True
    with django_assert_max_num_queries(6):
        assert asked() == (200, {})

    answer = Client().get("/readyz")
    assert answer.json() == {"ready": True, "reasons": []}
    assert not answer.cookies
    assert Client().post("/readyz").status_code == 405


def test_each_part_that_stands_still_is_a_reason(at_work):
    WorkerBeat.objects.filter(queue="clock").update(at=timezone.now() - timezone.timedelta(minutes=5))
    WorkerBeat.objects.filter(queue="ops").delete()
    at_work[0] = Queue("default", 7, timezone.now() - timezone.timedelta(minutes=2))

    status, reasons = asked()

    assert status == 503
    assert reasons.keys() == {"clock", "default", "ops"}
    assert reasons["clock"].startswith("No clock ticks: the last beat was 5")
    assert reasons["ops"].startswith("No worker takes actions from the queue ops")
    assert "7 tasks with polls wait" in reasons["default"]
    assert "worker-1" not in str(reasons)


def test_a_database_away_is_a_reason(monkeypatch):
    def refuse():
        raise OperationalError("password of ec2mon at db.example.org")

    monkeypatch.setattr(health.schema, "trouble", refuse)

    assert asked() == (503, {"database": "The database cannot be reached."})


def test_a_migration_that_is_not_applied_and_one_that_is_not_known_are_reasons():
    applied = MigrationRecorder(connection).migration_qs
    last = applied.filter(app="elements").latest("name")
    last.delete()
    assert asked() == (503, {"migrations": "1 migration not applied. `manage.py up` applies them."})

    last.save(force_insert=True)
    applied.create(app="elements", name="9999_of_tomorrow")
    status, reasons = asked()

    assert status == 503
    assert "newer version of ec2mon has migrated the database (9999_of_tomorrow)" in reasons["migrations"]


def test_another_encryption_key_is_a_reason(aws, settings, monkeypatch):
    import encrypted_model_fields.fields as emf

    builders.element(aws, aws.add_keys(), name="Studio 4")
    assert asked() == (200, {})

    monkeypatch.setattr(emf, "CRYPTER", MultiFernet([Fernet(Fernet.generate_key())]))
    status, reasons = asked()

    assert status == 503
    assert "FIELD_ENCRYPTION_KEY does not open" in reasons["encryption key"]
    assert "Studio" not in str(reasons)
