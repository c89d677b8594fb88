import pytest
from cryptography.fernet import Fernet, MultiFernet
from django.db import connection
from encrypted_model_fields import fields as emf

from elements.models import Element
from elements.models.fields import Undecryptable
from tests import builders

pytestmark = pytest.mark.django_db


class Keys:
    access_key_id, secret_access_key, session_token = "AKIADEMO", "planted-secret-value", None


def raw():
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_access_key FROM elements_element")
        return cursor.fetchone()[0]


def test_the_database_never_holds_the_secret_in_clear():
    builders.element(keys=Keys)

    assert "planted-secret-value" not in raw()
    assert Element.objects.with_keys().get().secret_access_key == "planted-secret-value"


def test_a_wrong_encryption_key_shows_nothing_and_keeps_the_bytes(monkeypatch):
    builders.element(keys=Keys)
    stored = raw()
    monkeypatch.setattr(emf, "CRYPTER", MultiFernet([Fernet(Fernet.generate_key())]))

    element = Element.objects.with_keys().get()
    element.save()

    assert isinstance(element.secret_access_key, Undecryptable)
    assert element.secret_access_key == ""
    assert raw() == stored


def test_a_bulk_update_encrypts_the_value_and_not_its_sql():
    builders.element(keys=Keys)
    element = Element.objects.with_keys().get()
    element.secret_access_key = "another"

    Element.objects.bulk_update([element], ["secret_access_key"])

    assert Element.objects.with_keys().get().secret_access_key == "another"


def test_pages_load_elements_without_keys():
    builders.element(keys=Keys)

    assert "secret_access_key" in Element.objects.get().get_deferred_fields()
