"""The groups that a migration makes."""

import pytest

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
