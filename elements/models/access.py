"""ElementAccess: which groups see an element; one without groups is seen by whoever may see elements at all."""

from typing import Any, Self

from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.exceptions import ObjectDoesNotExist
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
        try:
            return f"{self.group} sees {self.element}"
        except ObjectDoesNotExist:
            return f"{self.group} saw an element that is being removed"


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
        """Leave out what belongs to elements that the user must not see, and what is on its way out."""
        kept: Self = self.exclude(element__in=hidden_from(user))  # type: ignore[attr-defined]
        elements = kept.model._meta.get_field("element").related_model  # type: ignore[attr-defined]
        left: Self = kept.exclude(element__in=_leaving(elements))  # type: ignore[attr-defined]
        return left


class KeptManager(models.Manager[Any]):
    """Shows nothing of an element while that is on its way out: what it holds then is of another place."""

    def get_queryset(self) -> models.QuerySet[Any]:
        """Return no rows when asked through such an element, `element.instances` and the like."""
        rows: models.QuerySet[Any] = super().get_queryset()
        element = getattr(self, "instance", None)
        return rows.none() if getattr(element, "cleared_at", None) else rows


def _leaving(elements: type[models.Model]) -> "models.QuerySet[Any, Any]":
    return models.QuerySet(elements).filter(cleared_at__isnull=False).values("pk")
