"""Rows for tests."""

from django.contrib.auth.models import Group, User
from django.utils import timezone

from elements.models import Element, Poll


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
