import pytest
from django.contrib.auth.models import User

from ec2mon import prepare
from elements.models import Activity
from tests.builders import user


@pytest.mark.django_db
def test_the_first_administrator_may_do_everything_and_is_noted():
    password = prepare.first_administrator()

    made = User.objects.get()
    assert (made.username, made.is_superuser, made.is_staff) == ("admin", True, True)
    assert len(password) >= 16 and made.check_password(password)
    assert password not in str(Activity.objects.values())
    assert Activity.objects.get().text == "Created the first administrator, admin"


@pytest.mark.django_db
def test_nobody_is_made_where_somebody_can_sign_in():
    user("vera")

    assert prepare.first_administrator() is None
    assert User.objects.count() == 1


def test_static_files_are_collected_only_when_they_changed(tmp_path, settings, monkeypatch):
    source, collected = tmp_path / "source", []
    source.mkdir()
    (source / "page.css").write_text("a")
    settings.DATA_DIR, settings.STATIC_ROOT, settings.STATICFILES_DIRS = tmp_path, tmp_path / "static", [source]
    settings.STATIC_ROOT.mkdir()
    monkeypatch.setattr(prepare, "call_command", lambda name, **options: collected.append(name))

    prepare._collect_static_files()
    prepare._collect_static_files()
    assert collected == ["collectstatic"]

    (source / "page.css").write_text("ab")
    prepare._collect_static_files()
    assert collected == ["collectstatic"] * 2


@pytest.mark.django_db
def test_migrating_waits_for_other_machines_on_postgresql(django_assert_max_num_queries):
    from django.db import connection

    if connection.vendor != "postgresql":
        with django_assert_max_num_queries(0), prepare._one_machine_at_a_time():
            return
    other = connection.copy()
    with prepare._one_machine_at_a_time(), other.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [prepare._MIGRATION_LOCK])
        assert cursor.fetchone() == (False,)
    other.close()
