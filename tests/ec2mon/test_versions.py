"""No version works on the tables of another one: the former is waited for, the newer is left alone."""

import secrets

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from ec2mon import prepare, running, schema, watch
from elements.models import WorkerBeat
from tests.ec2mon.product import Product, wait_for


@pytest.fixture
def migrated(monkeypatch):
    """Note what `migrate` is called for, and let no time pass."""
    called = []
    monkeypatch.setattr(prepare, "call_command", lambda name, **options: called.append(name))
    monkeypatch.setattr(prepare.time, "sleep", lambda seconds: None)
    return called


def forget_last_migration():
    MigrationRecorder(connection).migration_qs.filter(app="elements").latest("name").delete()


@pytest.mark.django_db
def test_where_all_is_applied_a_start_waits_for_nobody(migrated):
    WorkerBeat.objects.stamp("default", "studio-pc:1", timezone.now())

    prepare._migrate()

    assert migrated == ["migrate"]


@pytest.mark.django_db
def test_tables_are_not_changed_under_the_former_version(migrated, monkeypatch):
    WorkerBeat.objects.stamp("default", "studio-pc:1", timezone.now())
    forget_last_migration()
    monkeypatch.setattr(prepare, "SILENCE_S", 0.0)

    with pytest.raises(prepare.CannotStart, match="former version still works on it: end studio-pc:1"):
        prepare._migrate()

    assert migrated == []


@pytest.mark.django_db
def test_it_is_waited_for_until_it_works_no_more(migrated, monkeypatch, caplog):
    WorkerBeat.objects.stamp("default", "studio-pc:1", timezone.now())
    forget_last_migration()
    monkeypatch.setattr(prepare.time, "sleep", lambda seconds: WorkerBeat.objects.all().delete())

    prepare._migrate()

    assert migrated == ["migrate"]
    assert "waiting until studio-pc:1 works no more" in caplog.text


@pytest.mark.django_db
def test_a_beat_from_far_ahead_is_no_sign_of_life():
    now = timezone.now()
    WorkerBeat.objects.stamp("default", "studio-pc:1", now + timezone.timedelta(hours=1))

    assert running.hosts(now) == []


@pytest.mark.django_db
def test_what_other_apps_have_migrated_is_no_concern_of_ours():
    done = schema.applied()

    assert schema.newer(done) == ""
    assert schema.newer(done | {("former_app", "0001_initial")}) == ""
    assert "9999_x" in schema.newer(done | {("elements", "9999_x")})


@pytest.mark.django_db
def test_a_watch_ends_its_supervisor_when_another_version_has_migrated(monkeypatch):
    ended = []
    monkeypatch.setattr(watch.os, "kill", lambda pid, number: ended.append(number))
    watching = watch.Watch({}, {})
    watching.round()
    assert (ended, watching.outdated) == ([], "")

    MigrationRecorder(connection).migration_qs.create(app="elements", name="9999_of_tomorrow")
    watching.round()

    assert ended == [watch.signal.SIGTERM]
    assert "9999_of_tomorrow" in watching.outdated


@pytest.mark.once
@pytest.mark.timeout(300)
def test_a_running_product_ends_and_does_not_start_again_on_newer_tables(tmp_path, free_port):
    keys = {"SECRET_KEY": secrets.token_urlsafe(50), "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode()}
    command = ("manage.py", "up", "--only=clock")
    product = Product(tmp_path, *command, port=free_port(), **keys)
    product.launch()
    try:
        wait_for(lambda: "clock started" in product.log(), product.log, seconds=90)
        wait_for(lambda: product.beat("clock"), product.log, seconds=90)

        product.manage("shell", "-c", _MIGRATE_BY_ANOTHER)

        assert product.process.wait(60) == 1
        assert "A newer version of ec2mon has migrated the database (9999_of_tomorrow)" in product.log()
        assert product.left() == []
        product.launch()
        assert product.process.wait(60) == 1
        assert "this one must not work on it" in product.log()
        assert "started (process" not in product.log()
    finally:
        product.__exit__()


_MIGRATE_BY_ANOTHER = (
    "from django.db import connection; from django.db.migrations.recorder import MigrationRecorder;"
    "MigrationRecorder(connection).record_applied('elements', '9999_of_tomorrow')"
)
