"""The groups that a migration makes."""

import pytest
from django.contrib.auth.models import Group, Permission, User

from ec2mon.auth import UsersWithSettings
from tests import builders


@pytest.mark.parametrize(
    ("group", "operates", "sets_up"),
    [("viewers", False, False), ("operators", True, False), ("administrators", True, True)],
)
def test_each_group_may_do_what_its_name_says(db, group, operates, sets_up):
    someone = builders.user("someone", group)

    assert someone.has_perm("elements.view_element")
    assert someone.has_perm("elements.operate_element") == operates
    assert someone.has_perm("elements.change_element") == sets_up


def test_whoever_is_in_no_group_sees_nothing(db):
    assert not builders.user("nobody").has_perm("elements.view_element")


def test_rights_are_read_with_the_user_whether_of_groups_or_of_ones_own(db, django_assert_num_queries):
    someone = builders.user("someone", "viewers")
    someone.groups.add(Group.objects.get(name="operators"))
    backend, rights = UsersWithSettings(), someone.get_all_permissions()

    with django_assert_num_queries(1):
        read = backend.get_user(someone.pk)
        assert read.get_all_permissions() == rights
        assert read.has_perm("elements.operate_element")
        assert not read.has_perm("elements.change_element")

    someone.user_permissions.add(Permission.objects.get(codename="change_element"))

    assert backend.get_user(someone.pk).has_perm("elements.change_element")
    assert backend.get_user(someone.pk).has_perm("elements.operate_element")


def test_a_superuser_may_do_everything(db):
    root = User.objects.create_superuser("root")

    assert UsersWithSettings().get_user(root.pk).has_perm("elements.change_element")
    assert UsersWithSettings().get_user(root.pk).get_all_permissions() == root.get_all_permissions()


def test_whoever_is_in_no_group_has_no_right_and_costs_no_query(db, django_assert_num_queries):
    nobody = builders.user("nobody")

    with django_assert_num_queries(1):
        assert not UsersWithSettings().get_user(nobody.pk).has_perm("elements.view_element")
