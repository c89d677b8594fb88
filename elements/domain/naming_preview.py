"""What a naming format would give: five instances that show its trouble, before anything is saved."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from elements.domain.instance_rows import naming_values
from elements.domain.naming import NamingFormat, make_unique, usable_tag_keys
from elements.domain.snapshots import InstanceSnapshot

SHOWN = 5
MAX_TAG_CHIPS = 10
# In the order in which people reach for them; the others stand in the list of all placeholders.
COMMON = ("instance_id", "short_id", "type", "az", "private_ip", "public_ip", "region", "image_id")
_RIGHT_TO_LEFT = ("R", "AL")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An instance and the name it is shown by now."""

    snapshot: InstanceSnapshot
    shown: str


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One instance in the preview: its name now, its name then, and what is worth knowing."""

    instance_id: str
    old: str
    new: str
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Tell whether the name stays."""
        return self.old == self.new

    @property
    def note(self) -> str:
        """Return the notes as a text."""
        return " ".join(["No change."] * self.same + [". ".join(self.notes)]).strip()


@dataclass(frozen=True, slots=True)
class Preview:
    """The rows, of how many instances they are, and how many instances would share a name."""

    rows: tuple[PreviewRow, ...]
    total: int
    sharing: int

    @property
    def changing(self) -> int:
        """Return how many of the rows change."""
        return sum(not row.same for row in self.rows)


@dataclass(frozen=True, slots=True)
class Chip:
    """A placeholder to insert, and what it stands for on one instance."""

    text: str
    example: str


def preview(naming_format: NamingFormat, candidates: Sequence[Candidate], region: str) -> Preview:
    """Name every candidate as a poll would and return those that show trouble."""
    rendered = {
        c.snapshot.instance_id: naming_format.render(naming_values(c.snapshot, region), c.snapshot.tags)
        for c in candidates
    }
    plain = {key: one.text for key, one in rendered.items()}
    names, sharing = make_unique(plain)
    times = Counter(plain.values())
    rows = []
    for candidate in choose(candidates):
        key = candidate.snapshot.instance_id
        notes, holders = rendered[key].notes, times[plain[key]]
        if holders > 1:
            notes = (f"Shared by {holders} instances, so the short ID is added", *notes)
        rows.append(PreviewRow(key, candidate.shown, names[key], notes))
    return Preview(tuple(rows), len(candidates), sharing)


def choose(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Choose a normal one, the longest name, a right-to-left one, one of a duplicate pair and one without a name."""
    times = Counter(c.snapshot.name for c in candidates)
    odd: list[Callable[[Candidate], bool]] = [
        lambda c: _is_right_to_left(c.snapshot.name),
        lambda c: bool(c.snapshot.name) and times[c.snapshot.name] > 1,
        lambda c: not c.snapshot.name,
    ]
    longest = max(candidates, key=lambda c: len(c.snapshot.name), default=None)
    special = [c for c in [longest, *(_first(candidates, test) for test in odd)] if c is not None]
    normal = _first(candidates, lambda c: c not in special and not any(test(c) for test in odd))
    chosen = list(dict.fromkeys(c.snapshot.instance_id for c in [normal, *special, *candidates[:SHOWN]] if c))
    by_id = {c.snapshot.instance_id: c for c in candidates}
    return [by_id[key] for key in chosen[:SHOWN]]


def chips(candidates: Sequence[Candidate], region: str) -> list[Chip]:
    """Return placeholders to insert: the tag keys present here, Name first, then the common ones."""
    times = Counter(key for c in candidates for key, value in c.snapshot.tags.items() if value)
    keys = sorted(usable_tag_keys(times), key=lambda key: (key != "Name", key.startswith("aws:"), -times[key], key))
    examples = {key: _example(c.snapshot.tags.get(key, "") for c in candidates) for key in keys[:MAX_TAG_CHIPS]}
    values = [naming_values(c.snapshot, region) for c in choose(candidates)]
    tags = [Chip(f"{{tag:{key}}}", example) for key, example in examples.items()]
    return [*tags, *(Chip(f"{{{name}}}", _example(one[name] for one in values)) for name in COMMON)]


def _first(candidates: Sequence[Candidate], test: Callable[[Candidate], bool]) -> Candidate | None:
    return next((c for c in candidates if test(c)), None)


def _example(values: Iterable[str]) -> str:
    return next((value for value in values if value), "")


def _is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text)
