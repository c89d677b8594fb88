"""Rows for tests."""

from django.contrib.auth.models import Group, User
from django.utils import timezone

from elements.domain.changes import Name
from elements.domain.instance_rows import instance_values, status_values
from elements.domain.snapshots import InstanceSnapshot, StatusSnapshot
from elements.models import Element, Instance, Poll
from elements.usecases.store_snapshots import count


def element(aws=None, keys=None, **fields):
    """Make an element that reads the simulated AWS with the given keys."""
    url = aws.url if aws else "http://127.0.0.1:9"
    values = {"name": "Frankfurt", "region": "eu-central-1", "endpoint_url": url, "sts_endpoint_url": url, **fields}
    row = Element.objects.create(**values)
    if keys is not None:
        row.store_keys(
            access_key_id=keys.access_key_id,
            secret_access_key=keys.secret_access_key,
            session_token=keys.session_token or "",
            by="test",
            now=timezone.now(),
        )
    Poll.objects.create(element=row, due_at=timezone.now())
    return row


def user(name, group=""):
    """Make somebody of a group: viewers, operators or administrators."""
    row = User.objects.create_user(name, password="only-for-tests-1")
    if group:
        row.groups.add(Group.objects.get(name=group))
    return row


def instance(element, name, *, checks=("ok", "ok", "ok"), tags=(), gone=False, row=(), **snapshot):
    """Make an instance as a poll stores it: from what DescribeInstances says, its checks, and further columns."""
    now, number = timezone.now(), element.instances.count() + 1
    said = InstanceSnapshot(
        **{
            "instance_id": f"i-{number:017x}",
            "state": "running",
            "instance_type": "c7i.large",
            "availability_zone": f"{element.region}a",
            "tags": {"Name": name, **dict(tags)},
            **snapshot,
        }
    )
    status = StatusSnapshot(said.instance_id, *checks) if said.state in ("pending", "running") else None
    values = {**instance_values(said, Name(name, name)), **status_values(status), **dict(row)}
    return Instance.objects.create(
        element=element, first_seen_at=now, observed_at=now, gone_at=now if gone else None, **values
    )


def polled(element, *, revision=1):
    """Let the element look as if a poll had just succeeded, and count what is stored."""
    now = timezone.now()
    counts = count(element)
    Poll.objects.filter(element=element).update(succeeded_at=now, attempted_at=now, counts=counts, revision=revision)
    return Element.objects.with_poll().get(pk=element.pk)
