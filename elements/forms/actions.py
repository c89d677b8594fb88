"""What a request to start, stop or reboot says, read with tolerance: what makes no sense is left out."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import QueryDict

from elements.domain.instance_states import VERBS, Verb

MAX_IDS = 500
_INSTANCE_ID = re.compile(r"i-[0-9a-f]{8,17}")


@dataclass(frozen=True, slots=True)
class ActionInput:
    """A verb, the instances it is for, and what a confirmed form carries besides."""

    verb: Verb | None
    instance_ids: Sequence[str]
    next: str
    batch: uuid.UUID | None
    seen: Mapping[str, str]
    typed: str

    @classmethod
    def of(cls, query: QueryDict) -> "ActionInput":
        """Read a query or a form. A row's own button names the verb and gives its instance's ID as the value."""
        verb = _verb(query.get("action", ""))
        ids = query.getlist("id")
        for own in VERBS:
            if only := query.get(own):
                verb, ids = own, [str(only)]
        pairs = (text.partition(":") for text in query.getlist("seen"))
        return cls(
            verb=verb,
            instance_ids=[text for text in dict.fromkeys(ids) if _INSTANCE_ID.fullmatch(text)],
            next=query.get("next", ""),
            batch=_uuid(query.get("batch", "")),
            seen={instance_id: state for instance_id, _, state in pairs if _INSTANCE_ID.fullmatch(instance_id)},
            typed=query.get("confirm", "").strip().lower(),
        )


def _verb(text: str) -> Verb | None:
    return next((verb for verb in VERBS if verb == text), None)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
