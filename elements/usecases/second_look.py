"""Ask by ID for what the listings left out: they are eventually consistent, and shift while they are paged."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from elements.aws.ec2 import Ec2Gateway
from elements.aws.errors import AwsError
from elements.domain.snapshots import Page
from elements.models import Element
from elements.usecases.reading import Reading

T = TypeVar("T")

# So many are named whole in a message of AWS that they do not exist.
_AT_ONCE = 80
# When AWS knows none of so many (10 calls), the listing is believed about the rest.
ASKED_AT_MOST = 10 * _AT_ONCE


def look_again(element: Element, gateway: Ec2Gateway, reading: Reading) -> None:
    """Let the reading have what AWS knows but did not list; costs nothing when everything was listed.

    An instance that was terminated when it was last seen is expected to leave the listing. Raises AwsError when AWS
    does not answer for the instances; nothing is known to be gone then.
    """
    found = _asked(gateway.describe_instances_by_id, _unexpected(element, sorted(reading.missing)))
    if found:
        reading.note_instances(Page(False, [], found))
    try:
        statuses = _asked(gateway.describe_statuses_by_id, _parts(sorted(reading.lost_statuses())))
    except AwsError as error:
        reading.status_error = error
    else:
        if statuses:
            reading.note_statuses(Page(False, [], statuses))


def _asked(ask: Callable[[Sequence[str]], list[T]], parts: Iterable[Sequence[str]]) -> list[T]:
    found, asked = list[T](), 0
    for ids in parts:
        if asked >= ASKED_AT_MOST and not found:
            break
        found += ask(ids)
        asked += len(ids)
    return found


def _unexpected(element: Element, missing: Sequence[str]) -> Iterator[list[str]]:
    for ids in _parts(missing):
        rows = element.instances.filter(instance_id__in=ids).exclude(state="terminated").order_by("instance_id")
        if doubtful := list(rows.values_list("instance_id", flat=True)):
            yield doubtful


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]
