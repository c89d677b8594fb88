"""Work out what instances are to be called: all names together, and only when one of them may have moved."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from elements.domain.changes import Name
from elements.domain.instance_rows import naming_values
from elements.domain.naming import longer_names, make_unique
from elements.domain.snapshots import InstanceSnapshot
from elements.models import Element, Instance
from elements.usecases.reading import Reading, format_of
from elements.usecases.spool import Spool
from elements.usecases.store_snapshots import Seen

AT_ONCE = 2000
# What a format can name is a column of the row.
_COLUMNS = sorted({each.name for each in fields(InstanceSnapshot)} & {each.name for each in Instance._meta.fields})

Names = Iterator[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class WantedNames:
    """Every instance is called what its format says, but for those whose name others have too."""

    unique: Mapping[str, str]
    spool: Spool

    def name(self, instance_id: str, plain: str) -> Name:
        """Return the name of an instance that its format calls `plain`."""
        return Name(self.unique.get(instance_id, plain), plain)

    @property
    def shared(self) -> int:
        """Return how many names had to be made unique."""
        return len(self.unique)

    def renamed(self) -> Iterator[Seen]:
        """Yield the instances that were not looked at and are called something else from now on."""
        for rows in self.spool.stored_names():
            names = [(instance_id, self.name(instance_id, plain), shown) for instance_id, plain, shown in rows]
            yield from (Seen(instance_id, name=name) for instance_id, name, shown in names if name.text != shown)


def wanted_names(reading: Reading, named_by: str) -> WantedNames | None:
    """Return all names, None when each instance keeps the one it has.

    `named_by` is the format by which the stored names were made, "" when not all of them were.
    """
    is_same_format = named_by == reading.named_by
    if is_same_format and not _may_move(reading):
        return None
    element, spool = reading.element, reading.spool
    stored = _stored(element) if is_same_format else _rendered(element)
    spool.set_names(each for each in stored if each[0] not in reading.missing)
    plain = _entangled(spool)
    unique, _ = make_unique(plain)
    return WantedNames({key: name for key, name in unique.items() if name != plain[key]}, spool)


def _may_move(reading: Reading) -> bool:
    """Tell whether an instance came or went, or is called something else by the format."""
    if reading.added or reading.missing:
        return True
    rows = reading.element.instances.order_by()
    for names in reading.spool.names():
        held = rows.filter(instance_id__in=[instance_id for instance_id, _ in names])
        if dict(names) != dict(held.values_list("instance_id", "plain_name")):
            return True
    return False


def _stored(element: Element) -> Names:
    """Yield each listed instance with the name that the format gave it, and the one that is shown."""
    rows = element.instances.listed().order_by().values_list("instance_id", "plain_name", "display_name")
    for instance_id, plain, shown in rows.iterator(chunk_size=AT_ONCE):
        yield instance_id, plain or shown, shown


def _rendered(element: Element) -> Names:
    """Yield the same, by a format that the names were not made by."""
    naming_format = format_of(element)
    rows = element.instances.listed().order_by().values_list("display_name", *_COLUMNS)
    for shown, *values in rows.iterator(chunk_size=AT_ONCE):
        snapshot = InstanceSnapshot(**dict(zip(_COLUMNS, values, strict=True)))
        plain = naming_format.render(naming_values(snapshot, element.region), snapshot.tags).text
        yield snapshot.instance_id, plain, shown


def _entangled(spool: Spool) -> dict[str, str]:
    """Return the names that cannot be told from others, by instance ID, and those that stand in the way of longer ones.

    Whatever is called otherwise meets none of them, so that it needs not be looked at.
    """
    found = spool.alike()
    new = found
    while new:
        longer = {name for key, plain in new.items() for name in longer_names(plain, key)}
        new = {key: plain for key, plain in spool.holders(longer).items() if key not in found}
        found = {**found, **new}
    return found
