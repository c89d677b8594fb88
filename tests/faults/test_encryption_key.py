"""The encryption key is wrong, or a process that changes it dies: no stored key is lost (F28, F29)."""

import json
import uuid

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from encrypted_model_fields import fields as emf

from elements import tasks
from elements.models import Action, Element, Poll
from elements.usecases.change_instance_state import request
from elements.usecases.run_polls import poll_once
from tests import builders
from tests.ec2mon.product import database
from tests.faults.rotation import ELEMENTS, KILLS
from tests.upgrade.saved import Installation


def cells():
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_key_id, secret_access_key, session_token FROM elements_element ORDER BY id")
        return cursor.fetchall()


@pytest.mark.django_db
def test_with_a_wrong_key_all_goes_on_but_aws_and_no_cell_changes_whatever_is_saved(aws, client, monkeypatch):
    element = builders.element(aws, aws.add_keys(session_token="a-token"))
    (instance_id,) = aws.add_instances()
    poll_once(element.pk, caller="poll", now=timezone.now())
    client.force_login(builders.user("maria", "administrators"))
    before, asked = cells(), len(aws.journal())
    right = emf.CRYPTER
    monkeypatch.setattr(emf, "CRYPTER", MultiFernet([Fernet(Fernet.generate_key())]))

    row = Element.objects.with_poll().get()
    stop = request(row, "stop", [instance_id], batch=uuid.uuid4(), by="maria", now=timezone.now())
    tasks.perform_actions(row.pk, [action.pk for action in stop.actions])
    values = {"save": "polling", "interval_s": "77", "initial-interval_s": "30", "polled": "on", "initial-polled": "on"}
    client.post(f"/e/{element.slug}/configuration/", values)
    client.post(f"/e/{element.slug}/configuration/", {"save": "naming", "naming_format": "{name} {az}"})
    Element.objects.with_keys().get().save()
    Element.objects.get().save()
    for _ in range(4):
        poll_once(element.pk, caller="poll", now=Poll.objects.get().due_at)
    with pytest.raises(SystemExit):
        call_command("rotate_encryption_key")
    pages = [client.get(f"/e/{element.slug}/{page}/") for page in ("general", "instances", "configuration", "debug")]
    monkeypatch.setattr(emf, "CRYPTER", right)

    assert len(aws.journal()) == asked
    assert cells() == before
    saved = Element.objects.get()
    assert (saved.interval_s, saved.naming_format) == (77, "{name} {az}")
    assert [page.status_code for page in pages] == [200] * 4
    assert all("FIELD_ENCRYPTION_KEY" in page.content.decode() for page in pages[:2])
    assert Action.objects.get().status == "refused"
    assert poll_once(element.pk, caller="poll", now=Poll.objects.get().due_at).ok
    assert len(aws.journal()) > asked


@pytest.mark.timeout(300)
def test_a_rotation_that_is_killed_twenty_times_loses_no_key(tmp_path):
    former, new = (Fernet.generate_key().decode() for _ in range(2))
    installation = Installation(tmp_path / "data", FIELD_ENCRYPTION_KEY=former, **database("ec2mon_rotation"))

    done = installation.run("-m", "tests.faults.rotation", former, new)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["cut_off"] == KILLS
    assert found["unreadable"] == found["unreadable_with_new"] == 0
    assert found["anew"] + found["current"] == ELEMENTS
    assert found["anew"] > 0 and found["current"] >= KILLS
