"""The queue's tables hold pickles, which run code when they are read: no page may read them."""

import os
import pickle
from base64 import b64encode

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ, Task

from tests import builders
from tests.security.addresses import pages

pytestmark = pytest.mark.django_db


class Bomb:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


def test_a_pickle_in_the_queue_goes_off_on_no_page(aws, client, tmp_path):
    marker, now = tmp_path / "marker", timezone.now()
    element = builders.element(aws, aws.add_keys())
    task = Task.objects.create(id="a" * 32, name="planted", func="print", started=now, stopped=now)
    plant(Task, task.pk, ("args", "kwargs", "result"), Bomb(marker))
    queued = OrmQ.objects.create(key="ec2mon", payload="x", lock=now)
    plant(OrmQ, queued.pk, ("payload",), Bomb(marker))
    root = builders.user("root")
    root.is_staff = root.is_superuser = True
    root.save()
    client.force_login(root)

    statuses = [client.get(page).status_code for page in pages(element.slug, "i-0123456789abcdef0")]

    assert len(statuses) > 30
    assert 500 not in statuses
    assert not marker.exists()
    Task.objects.get(pk=task.pk)
    assert marker.exists(), "what was planted is no bomb"


def plant(model, pk, columns, bomb):
    """Write a pickle as django-picklefield keeps it, past its field."""
    text = b64encode(pickle.dumps(bomb)).decode()
    names = ", ".join(f"{column} = %s" for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {model._meta.db_table} SET {names} WHERE {model._meta.pk.column} = %s",
            [*[text] * len(columns), pk],
        )
