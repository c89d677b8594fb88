"""ElementAccess: which groups see an element; one without groups is seen by whoever may see elements at all."""

from typing import Any, Self

from django.contrib.auth.models import AnonymousUser, Group, User
from django.db import models


class ElementAccess(models.Model):
    """One group that sees one element. The group stays as long as it is named: without it everybody would see."""

    element = models.ForeignKey("elements.Element", on_delete=models.CASCADE, related_name="access")
    group = models.ForeignKey(Group, on_delete=models.PROTECT, related_name="element_access")

    class Meta:
        constraints = [models.UniqueConstraint(fields=("element", "group"), name="a_group_is_named_once")]
        verbose_name = "access of a group"
        verbose_name_plural = "access of groups"

    def __str__(self) -> str:
        return f"{self.group} sees {self.element}"


def hidden_from(user: User | AnonymousUser) -> "models.QuerySet[ElementAccess, Any]":
    """Return the keys of elements that a user must not see, for a subquery: this alone decides who sees what.

    They are those with groups named of which the user is in none. From a superuser nothing is hidden.
    """
    return ElementAccess.objects.none().values("element") if sees_all(user) else hidden_but_for(user.groups.all())


def sees_all(user: User | AnonymousUser) -> bool:
    """Tell whether nothing is hidden from a user, whatever groups are named."""
    return user.is_superuser and user.is_active


def hidden_but_for(groups: "models.QuerySet[Group]") -> "models.QuerySet[ElementAccess, Any]":
    """Return the keys of elements that somebody in these groups, and in no other, must not see."""
    named = ElementAccess.objects.order_by().values("element")
    return named.exclude(element__in=named.filter(group__in=groups))


class OfElements:
    """What querysets of rows that belong to elements have in common."""

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Leave out what belongs to elements that the user must not see."""
        kept: Self = self.exclude(element__in=hidden_from(user))  # type: ignore[attr-defined]
        return kept
