"""The admin site: whoever is no superuser raises nobody's rights there, his own least of all, and mends no record."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from elements.models import Activity
from tests import builders

pytestmark = pytest.mark.django_db

USERS, GROUPS = "/admin/auth/user/", "/admin/auth/group/"
PASSWORD = {"password1": "Blue-horse-staple-7", "password2": "Blue-horse-staple-7", "usable_password": "true"}
DATES = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00", "last_login_0": "", "last_login_1": ""}


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root", password="only-for-tests-1")


@pytest.fixture
def manager(db):
    """Return somebody who may change users and groups, and operate."""
    people = Group.objects.create(name="people")
    people.permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    user = builders.user("mina", "operators")
    user.groups.add(people)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    return user


@pytest.fixture
def client(manager):
    client = Client()
    client.force_login(manager)
    return client


def change(user, **more):
    return f"{USERS}{user.pk}/change/", {"username": user.username, "is_active": "on", **DATES, **more}


def rights(user):
    fresh = User.objects.get(pk=user.pk)
    return (fresh.is_superuser, fresh.is_staff, fresh.get_all_permissions(), fresh.password)


def test_users_of_the_own_groups_can_be_managed(client):
    olga = builders.user("olga", "operators")
    operators = Group.objects.get(name="operators")

    address, form = change(olga, first_name="Olga", groups=[operators.pk])
    assert client.post(address, form).status_code == 302
    assert client.post(f"{USERS}{olga.pk}/password/", PASSWORD).status_code == 302
    assert client.post(f"{USERS}add/", {"username": "new", **PASSWORD}).status_code == 302

    olga.refresh_from_db()
    assert (olga.first_name, olga.check_password(PASSWORD["password1"])) == ("Olga", True)
    assert list(olga.groups.all()) == [operators]


@pytest.mark.parametrize("who", ["himself", "another"])
def test_nobody_gets_more_rights_from_one_who_is_no_superuser(client, manager, who):
    user = manager if who == "himself" else builders.user("olga", "operators")
    before = rights(user)
    everything = {
        "is_superuser": "on",
        "is_staff": "on",
        "user_permissions": list(Permission.objects.values_list("pk", flat=True)),
    }
    own = list(user.groups.values_list("pk", flat=True))

    address, form = change(user, **everything, groups=own)
    client.post(address, form)
    foreign = client.post(address, {**form, "groups": list(Group.objects.values_list("pk", flat=True))})

    assert rights(user) == before
    assert "is not one of the available choices" in foreign.content.decode()
    for field in everything:
        assert f'name="{field}"' not in foreign.content.decode()


def superior(kind):
    """Return somebody who may more than the manager, or sees more."""
    user = builders.user("sven", "administrators" if kind == "administrator" else "operators")
    if kind == "superuser":
        User.objects.filter(pk=user.pk).update(is_superuser=True)
    elif kind == "with rights of his own":
        user.user_permissions.add(Permission.objects.get(codename="change_element"))
    elif kind == "who sees more":
        user.groups.add(Group.objects.create(name="inner"))
    return user


@pytest.mark.parametrize("kind", ["superuser", "administrator", "with rights of his own", "who sees more"])
def test_accounts_with_more_rights_are_not_there_for_one_who_is_no_superuser(client, kind):
    """Who could set the password of such an account would have its rights."""
    user = superior(kind)
    before = rights(user)
    address, form = change(user, username="gone")

    statuses = [client.get(address).status_code, client.post(address, form).status_code]
    statuses += [client.post(f"{USERS}{user.pk}/{page}/", PASSWORD).status_code for page in ("password", "delete")]
    for action in ("delete_selected", "end_pauses", "end_sessions"):
        client.post(USERS, {"action": action, "_selected_action": user.pk, "post": "yes"})
    listed = client.get(USERS).content.decode()

    assert statuses == [302, 302, 404, 302]
    assert rights(user) == before
    assert not Activity.objects.filter(text__contains="sven").exists()
    assert "sven" not in listed
    assert "olga" not in listed


def test_groups_are_changed_by_superusers_alone(client, root):
    operators = Group.objects.get(name="operators")
    everything = {"name": "operators", "permissions": list(Permission.objects.values_list("pk", flat=True))}
    before = set(operators.permissions.values_list("codename", flat=True))

    asked = [
        client.post(f"{GROUPS}add/", {"name": "mine", **everything}),
        client.post(f"{GROUPS}{operators.pk}/change/", everything),
        client.post(f"{GROUPS}{operators.pk}/delete/", {"post": "yes"}),
    ]
    client.post(GROUPS, {"action": "delete_selected", "_selected_action": operators.pk, "post": "yes"})

    assert [answer.status_code for answer in asked] == [403, 403, 403]
    assert set(operators.permissions.values_list("codename", flat=True)) == before
    client.force_login(root)
    assert client.post(f"{GROUPS}{operators.pk}/change/", everything).status_code == 302


def test_an_administrator_of_elements_has_no_way_to_users_and_groups_at_all(root):
    maria = builders.user("maria", "administrators")
    before, client = rights(maria), Client()
    client.force_login(maria)

    for user in (maria, root):
        address, form = change(user, is_superuser="on")
        assert client.post(address, form).status_code == 403
        assert client.post(f"{USERS}{user.pk}/password/", PASSWORD).status_code == 403
        assert client.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{USERS}add/", {"username": "new", **PASSWORD}).status_code == 403
    assert rights(maria) == before
    assert User.objects.count() == 2


RECORDS = (
    "debugrecord",
    "activity",
    "action",
    "change",
    "poll",
    "instance",
    "scheduledevent",
    "wallscreen",
    "elementaccess",
)
QUEUE = ("schedule", "success", "failure", "task", "ormq")
PAGES = ("", "add/", "1/change/", "1/delete/", "1/history/")


@pytest.mark.parametrize(
    "table",
    [
        *(f"elements/{name}" for name in RECORDS),
        *(f"django_q/{name}" for name in QUEUE),
        "django_q",
        "axes/accessattempt",
    ],
)
def test_neither_records_nor_the_queue_have_a_page_not_even_for_superusers(root, manager, table):
    readers = {"root": root, "mina": manager, "maria": builders.user("maria", "administrators")}

    for name, user in readers.items():
        client = Client()
        client.force_login(user)
        for page in PAGES:
            address = f"/admin/{table}/{page}"
            assert (client.get(address).status_code, client.post(address).status_code) == (404, 404), (name, address)
