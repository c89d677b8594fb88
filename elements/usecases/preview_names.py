"""Read what a naming preview needs: this element's own instances, and no more of each than a name can be made of."""

from elements.domain.naming_preview import Candidate
from elements.domain.snapshots import InstanceSnapshot
from elements.models import Element

# A preview is asked for at each pause in typing; beyond this many instances it speaks of the first ones only.
MAX_CANDIDATES = 5000
_COLUMNS = (
    "instance_id",
    "state",
    "account_id",
    "instance_type",
    "availability_zone",
    "private_ip",
    "public_ip",
    "private_dns",
    "public_dns",
    "platform",
    "architecture",
    "vpc_id",
    "subnet_id",
    "image_id",
    "key_name",
    "lifecycle",
    "tags",
)


def candidates(element: Element) -> list[Candidate]:
    """Return the element's listed instances with the names they are shown by now."""
    rows = element.instances.listed().order_by("instance_id").values_list("display_name", *_COLUMNS)[:MAX_CANDIDATES]
    return [Candidate(InstanceSnapshot(**dict(zip(_COLUMNS, row[1:], strict=True))), row[0]) for row in rows]
