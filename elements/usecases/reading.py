"""What a poll has read so far: what is new of it on disk, and of everything else only that it was there."""

import logging
from collections.abc import Callable, Iterator

from elements.aws.errors import AwsError
from elements.domain.changes import Name
from elements.domain.instance_rows import naming_values
from elements.domain.naming import DEFAULT_FORMAT, InvalidFormat, NamingFormat, parse
from elements.domain.snapshots import InstanceSnapshot, Page, StatusSnapshot
from elements.models import Element, Instance
from elements.usecases.spool import Spool, Spooled
from elements.usecases.store_snapshots import Seen

log = logging.getLogger(__name__)


class Reading:
    """Takes the pages of both listings. `anew` knows nothing, so that everything is read in full."""

    def __init__(self, element: Element, *, anew: bool) -> None:
        self.element, self.anew = element, anew
        self.spool = Spool()
        self.named_by = element.naming_format
        self._format = format_of(element)
        self.known: dict[str, bytes] = {}
        self.known_statuses: dict[str, bytes] = {}
        self.status_error: AwsError | None = None
        self.missing, self.added = set[str](), set[str]()
        self.spots: dict[str, str] = {}
        self.owner = ""
        self._unchecked: set[str] = set()
        self._changed, self._changed_statuses = set[str](), set[str]()

    def begin(self) -> None:
        """Learn what is known."""
        for instance_id, raw, status_raw in Instance.objects.known(self.element.pk):
            self.known[instance_id] = b"" if self.anew else bytes(raw)
            self.known_statuses[instance_id] = b"" if self.anew else bytes(status_raw)
        self._begin_instances()
        self._begin_statuses()

    def close(self) -> None:
        """Give back what the reading takes on disk."""
        self.spool.close()

    @property
    def total(self) -> int:
        """Return how many instances AWS listed."""
        return len(self.known) - len(self.missing) + len(self.added)

    @property
    def has_changed_statuses(self) -> bool:
        """Tell whether a status is new, or is there no more."""
        return bool(self.spool.statuses or self.lost_statuses())

    def note_instances(self, page: Page[InstanceSnapshot]) -> None:
        """Take a page of DescribeInstances."""
        if page.first:
            self.spool.forget_instances()
            self._begin_instances()
        self.missing.difference_update(page.unchanged)
        self.spool.drop_instances(self._changed.intersection(page.unchanged))  # of one listed twice the later counts
        for each in page.seen:
            self.missing.discard(each.instance_id)
            (self._changed if each.instance_id in self.known else self.added).add(each.instance_id)
            if each.lifecycle == "spot" and each.spot_request_id:
                self.spots[each.instance_id] = each.spot_request_id
            self.owner = self.owner or each.account_id
        self.spool.add_instances((each, self._name(each)) for each in page.seen)

    def note_statuses(self, page: Page[StatusSnapshot]) -> None:
        """Take a page of DescribeInstanceStatus."""
        if page.first:
            self.spool.forget_statuses()
            self._begin_statuses()
        self._unchecked.difference_update(page.unchanged)
        self.spool.drop_statuses(self._changed_statuses.intersection(page.unchanged))
        self._changed_statuses.update(each.instance_id for each in page.seen if each.instance_id in self.known)
        self._unchecked.difference_update(each.instance_id for each in page.seen)
        self.spool.add_statuses(page.seen)

    def rename(self) -> None:
        """Give everything that was read the names of the format that the element has by now."""
        self.named_by, self._format = self.element.naming_format, format_of(self.element)
        for batch in self.spool.batches():
            self.spool.rename((each.instance.instance_id, self._name(each.instance)) for each in batch)

    def instances(self, name: Callable[[str, str], Name] | None) -> Iterator[Seen]:
        """Yield what was read of instances, with the status when that was read too, in the order of their names.

        `name` gives the name of an instance by its ID and what its format calls it; without, each keeps the one it has.
        """
        for batch in self.spool.by_name():
            yield from (self._seen(each, name) for each in batch)

    def statuses(self) -> Iterator[Seen]:
        """Yield the statuses of instances that are as they were, and those that are there no more."""
        if self.status_error is not None:
            return
        for batch in self.spool.lone_statuses():
            yield from (Seen(each.instance_id, status=each, is_checked=True) for each in batch)
        yield from (Seen(each, is_checked=True) for each in self.lost_statuses())

    def lost_statuses(self) -> list[str]:
        """Return the instances that AWS lists, though no longer with the status that they had."""
        if self.status_error is not None:
            return []
        return [each for each in self._unchecked if self.known_statuses[each] and each not in self.missing]

    def is_status_unchanged(self, instance_id: str) -> bool:
        """Tell whether AWS says of an instance's checks and events what it said before."""
        is_listed = instance_id in self.known and instance_id not in self._unchecked
        return is_listed and not self.spool.has_status(instance_id)

    def _seen(self, each: Spooled, name: Callable[[str, str], Name] | None) -> Seen:
        instance_id = each.instance.instance_id
        is_kept = each.status is None and instance_id in self.known and instance_id not in self._unchecked
        is_checked = self.status_error is None and not is_kept
        status = each.status if is_checked else None  # events are stored with complete listings alone, and with them
        return Seen(instance_id, each.instance, status, is_checked, name(instance_id, each.name) if name else None)

    def _begin_instances(self) -> None:
        self.missing, self.added, self.spots, self.owner = set(self.known), set(), {}, ""
        self._changed = set()

    def _begin_statuses(self) -> None:
        self._unchecked, self._changed_statuses = set(self.known_statuses), set()

    def _name(self, snapshot: InstanceSnapshot) -> str:
        return self._format.render(naming_values(snapshot, self.element.region), snapshot.tags).text


def format_of(element: Element) -> NamingFormat:
    """Return the element's format; one written past the form, so that it cannot be read, stops no poll."""
    try:
        return parse(element.naming_format)
    except InvalidFormat:
        log.warning("the naming format of element %s cannot be read; the default one is used", element.pk)
        return parse(DEFAULT_FORMAT)
