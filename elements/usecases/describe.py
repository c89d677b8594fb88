"""Read what AWS said of instances in full: it is kept as it was sent, and parsed only when somebody looks."""

from collections.abc import Mapping, Sequence
from typing import Any

from elements.aws import descriptions
from elements.models import Element, Instance, InstanceDescription


def described(instance: Instance) -> Mapping[str, Any]:
    """Return AWS's description of an instance; empty while none is kept."""
    kept: InstanceDescription | None = getattr(instance, "description", None)
    return descriptions.description(bytes(kept.xml)) if kept else {}


def all_described(element: Element, instance_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Return AWS's descriptions by instance ID; those of which none is kept are missing."""
    if not instance_ids:
        return {}
    kept = InstanceDescription.objects.filter(instance__element=element, instance__instance_id__in=instance_ids)
    found = kept.values_list("instance__instance_id", "xml")
    return {instance_id: descriptions.description(bytes(xml)) for instance_id, xml in found}
