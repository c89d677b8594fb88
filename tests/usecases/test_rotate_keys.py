"""Another encryption key: nothing is lost, and rotation reaches every row that can be read."""

import io

import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.core.management import call_command
from django.db import connection
from encrypted_model_fields import fields as emf

from elements.models import Element, Poll
from elements.usecases.run_polls import poll_once
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def encrypt_with(settings, monkeypatch):
    """Use these encryption keys from now on, the first to write."""

    def use(*keys):
        settings.FIELD_ENCRYPTION_KEY = list(keys)
        monkeypatch.setattr(emf, "CRYPTER", MultiFernet([Fernet(key) for key in keys]))

    return use


def key():
    return Fernet.generate_key().decode()


def cells():
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, access_key_id, secret_access_key, session_token FROM elements_element ORDER BY id")
        return cursor.fetchall()


def rotate():
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("rotate_encryption_key", stdout=out, stderr=err)
    except SystemExit as end:
        return end.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_every_key_is_readable_with_the_first_encryption_key_alone(aws, encrypt_with):
    old, new = key(), key()
    encrypt_with(old)
    keys = [aws.add_keys(), aws.add_keys(session_token="token-1")]
    for number, one in enumerate(keys):
        builders.element(aws, one, name=f"element {number}")
    encrypt_with(new, old)

    code, out, _err = rotate()
    encrypt_with(new)

    assert (code, "2 elements encrypted anew" in out) == (0, True)
    assert [row.secret_access_key for row in Element.objects.with_keys()] == [one.secret_access_key for one in keys]
    assert [row.session_token for row in Element.objects.with_keys()] == ["", "token-1"]


def test_a_second_run_writes_nothing(aws, encrypt_with):
    old, new = key(), key()
    encrypt_with(old)
    builders.element(aws, aws.add_keys())
    encrypt_with(new, old)
    rotate()
    before = cells()

    code, out, _err = rotate()

    assert (code, "1 already current" in out) == (0, True)
    assert cells() == before


def test_what_no_key_opens_is_named_and_left_as_it_is(aws, encrypt_with):
    lost, old, new = key(), key(), key()
    encrypt_with(lost)
    builders.element(aws, aws.add_keys(), name="Lost")
    encrypt_with(old)
    builders.element(aws, aws.add_keys(), name="Found")
    before = cells()
    encrypt_with(new, old)

    code, out, err = rotate()

    after = cells()
    assert (code, "1 element encrypted anew" in out) == (1, True)
    assert "Lost" in err
    assert "Found" not in err
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_second_factors_of_an_option_that_is_switched_off_are_not_forgotten():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE mfa_authenticator (id integer)")
        cursor.execute("INSERT INTO mfa_authenticator VALUES (1)")

    code, out, err = rotate()

    assert code == 1
    assert "1 second factor of SIGN_IN=allauth left as before: run this once more with it." in err
    assert "needed no more" not in out


def test_with_a_wrong_encryption_key_nothing_is_asked_or_changed_and_the_page_says_so(aws, encrypt_with, client):
    right = key()
    encrypt_with(right)
    keys = aws.add_keys()
    element = builders.element(aws, keys)
    before = cells()
    encrypt_with(key())

    poll_once(element.pk, caller="poll", now=Poll.objects.get().due_at)
    client.force_login(builders.user("maria", "administrators"))
    page = client.get(f"/e/{element.slug}/general/").content.decode()
    asked = len(aws.journal())
    encrypt_with(right)
    report = poll_once(element.pk, caller="poll", now=Poll.objects.get().due_at)

    assert asked == 0
    assert cells() == before
    assert "The encryption key is not the one these keys were stored with" in page
    assert "gAAAA" not in page
    assert report.ok


def test_new_keys_can_be_entered_under_a_new_encryption_key(aws, encrypt_with, client):
    encrypt_with(key())
    element = builders.element(aws, aws.add_keys())
    encrypt_with(key())
    new = aws.add_keys()
    client.force_login(builders.user("maria", "administrators"))

    client.post(
        f"/e/{element.slug}/general/",
        {
            "region": element.region,
            "endpoint_url": element.endpoint_url,
            "sts_endpoint_url": element.sts_endpoint_url,
            "access_key_id": new.access_key_id,
            "secret_access_key": new.secret_access_key,
        },
    )

    assert Element.objects.with_keys().get().secret_access_key == new.secret_access_key
