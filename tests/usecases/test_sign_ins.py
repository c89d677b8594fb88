import pytest
from axes.models import AccessAttempt
from django.test import Client
from django.urls import reverse

from elements.models import Activity
from tests import builders

pytestmark = pytest.mark.django_db


def sign_in(name, password):
    client = Client()
    client.post(reverse("login"), {"username": name, "password": password})
    return client


def kept():
    return list(Activity.objects.order_by("pk").values_list("username", "text"))


def test_signing_in_and_out_is_kept():
    builders.user("maria.k")

    sign_in("maria.k", "only-for-tests-1").post(reverse("logout"))

    assert kept() == [("maria.k", "Signed in"), ("maria.k", "Signed out")]


def test_a_refused_sign_in_is_kept_with_the_name_of_the_account_and_no_password():
    builders.user("maria.k")

    sign_in("maria.k", "planted-wrong-password")

    assert kept() == [("maria.k", "Sign-in refused")]


def test_a_name_that_nobody_has_is_not_kept_for_it_may_be_a_password():
    sign_in("planted-password-in-the-wrong-field", "x")

    assert kept() == [("", "Sign-in refused for a name that nobody has")]
    assert not [row for row in AccessAttempt.objects.values() if "planted" in str(row)]
    assert AccessAttempt.objects.count() == 1


@pytest.mark.parametrize("name", ["\0", "x" * 100_000, "\ud800".encode("utf-8", "surrogatepass")])
def test_wild_names_are_no_error(name):
    sign_in(name, "x")

    assert Activity.objects.count() <= 1
