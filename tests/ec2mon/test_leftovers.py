import pytest
from django.contrib.auth.models import User
from django.db import connection

from tests import builders

pytestmark = pytest.mark.django_db


def test_somebody_who_has_a_second_factor_can_be_removed_while_the_option_is_off():
    person, other = builders.user("olga", "operators"), builders.user("vera", "viewers")
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE mfa_authenticator (id integer, user_id integer NOT NULL REFERENCES auth_user (id))"
        )
        cursor.execute("INSERT INTO mfa_authenticator VALUES (1, %s), (2, %s)", [person.pk, other.pk])

    person.delete()

    connection.check_constraints()
    assert not User.objects.filter(username="olga").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM mfa_authenticator")
        assert [row[0] for row in cursor.fetchall()] == [2]
