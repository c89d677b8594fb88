"""One request to the simulated AWS, and which instances it may name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.instances import Instance
from simulator.wire import ApiError
from simulator.world import Keys, World

_ID = re.compile(r"i-([0-9a-f]{8}|[0-9a-f]{17})\Z")


@dataclass(frozen=True, slots=True)
class Request:
    """One authenticated request."""

    world: World
    action: str
    keys: Keys
    region: str
    parameters: dict[str, Any]

    @property
    def scope(self) -> tuple[str, ...]:
        """Return what a page token belongs to."""
        return (self.action, self.keys.account, self.region)

    def instances(self) -> list[Instance]:
        """Return the caller's instances in the region."""
        return self.world.of(self.keys.account, self.region)

    def named(self, instance_ids: Sequence[str]) -> list[Instance]:
        """Return the instances with these ids; raises ApiError unless the caller has them all."""
        own = {instance.instance_id: instance for instance in self.instances()}
        for instance_id in instance_ids:
            if not _ID.match(instance_id):
                raise ApiError("InvalidInstanceID.Malformed", f'Invalid id: "{instance_id}"')
        missing = [instance_id for instance_id in instance_ids if instance_id not in own]
        if missing:
            plural = "s" if len(missing) > 1 else ""
            raise ApiError(
                "InvalidInstanceID.NotFound",
                f"The instance ID{plural} '{', '.join(missing)}' do{'' if plural else 'es'} not exist",
            )
        return [own[instance_id] for instance_id in dict.fromkeys(instance_ids)]
