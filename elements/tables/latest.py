"""What changed lately, as Overview and Wall tell it: the newest first, the same of several instances in one line."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser, User

from elements.domain.history_words import Words, change_words
from elements.models import Change, Instance

# Read for what is shown: more than one action can touch. Whoever sees few elements finds them among so many.
READ, LOOKED_THROUGH = 600, 50_000


@dataclass(frozen=True, slots=True)
class Latest:
    """One change of an instance, with how many others it was the same of; a gap concerns the element alone."""

    words: Words
    at: datetime
    by: str
    element_id: int
    instance_id: str
    name: str
    others: int


def latest(user: User | AnonymousUser, now: datetime, within: timedelta) -> list[Latest]:
    """Return what a user may see of the time before now: two queries, however much there is."""
    found: dict[tuple[int, str, str, str], list[Change]] = {}
    told = Change.objects.visible_to(user).told().settled().last_written(LOOKED_THROUGH)
    for change in told.order_by("-pk")[:READ]:
        if change.at >= now - within:
            words = change_words(change.difference)
            found.setdefault((change.element_id, words.text, change.by, change.what), []).append(change)
    heads = sorted((same[0] for same in found.values()), key=lambda change: (change.at, change.pk), reverse=True)
    names, sizes = _names(heads), {same[0].pk: len({each.instance_id_text for each in same}) for same in found.values()}
    return [_latest(change, names, sizes[change.pk] - 1) for change in heads]


def _latest(change: Change, names: dict[tuple[int, str], str], others: int) -> Latest:
    instance_id = change.instance_id_text
    return Latest(
        change_words(change.difference),
        change.at,
        change.by,
        change.element_id,
        instance_id,
        names.get((change.element_id, instance_id), instance_id),
        others,
    )


def _names(changes: Iterable[Change]) -> dict[tuple[int, str], str]:
    """Return how the instances of changes are called."""
    meant = {(change.element_id, change.instance_id_text) for change in changes if change.instance_id_text}
    if not meant:
        return {}
    element_ids, instance_ids = {one for one, _ in meant}, {one for _, one in meant}
    rows = Instance.objects.filter(element_id__in=element_ids, instance_id__in=instance_ids)
    columns = rows.values_list("element_id", "instance_id", "display_name")
    return {(element_id, instance_id): name for element_id, instance_id, name in columns}
