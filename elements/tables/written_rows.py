"""The rows of the Instances page as HTML. One on which nothing goes on is written once and kept, for it reads the same.

What the text of a kept row depends on are the arguments of `_quiet_row` and nothing else: whatever changes, the row is
looked for under another key. No moment is among them: a quiet row that asked for the time would raise an error.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.safestring import SafeString

from elements.domain.instance_states import CHANGING
from elements.domain.row_states import ShownAction
from elements.models import Instance
from elements.models.instances import CHECKS, InstanceQuerySet, Window
from elements.models.statements import Given, Statement
from elements.tables.instance_cells import row_html
from elements.tables.instance_rows import PageFacts, Planned, age_in_words, instance_row
from elements.tables.instances import PER_PAGE, ROW_HEADER, Choice, cells_of, chosen

# In each process of the web server; a row takes some 5 kB.
KEPT = 2000
# Pages of all instances whose statements are kept: each by its columns, its order and its rows.
PAGES = 50
TIMELESS = datetime.min  # noqa: DTZ901 (to compare it with a moment is an error)
_ALWAYS = (
    *("pk", "revision", "instance_id", "display_name", "state", "state_since_at", "gone_at", "checks_rank", *CHECKS),
    *("instance_type", "availability_zone", "private_ip", "launched_at", "protected_seen_at"),
    *("root_device_type", "lifecycle", "spot_type", "managed_by"),
)

# A tuple with the names of the columns that were read.
Said = Any


def said(rows: InstanceQuerySet, choices: Sequence[Choice]) -> list[Said]:
    """Read what the columns show, and no more; tags come as JSON."""
    return list(_columns(rows, _names(choices)))


def said_of_all(element_id: int, sort: str, choices: Sequence[Choice], cut: Window) -> list[Said]:
    """Read the same for a page of all instances that AWS lists, which is what most people look at."""
    return _page_of_all(_names(choices), sort, cut).rows(element=element_id)


@lru_cache(maxsize=PAGES)
def _page_of_all(names: tuple[str, ...], sort: str, cut: Window) -> Statement:
    every = Instance.objects.filter(element=Given("element")).listed().sorted_by(sort)
    return Statement(lambda: _columns(every.rows(cut), names))


def said_of_these(keys: Sequence[int], choices: Sequence[Choice]) -> list[Said]:
    """Read the same for instances given by their keys, in this order; one that is held no more is left out.

    The last key stands in for the rest of a page: so there are few statements.
    """
    if not keys:
        return []
    size = next(number for number in (*PER_PAGE, len(keys)) if number >= len(keys))
    given = {f"key_{place}": keys[min(place, len(keys) - 1)] for place in range(size)}
    found = {row.pk: row for row in _these(_names(choices), size).rows(**given)}
    return [found[key] for key in keys if key in found]


@lru_cache(maxsize=PAGES)
def _these(names: tuple[str, ...], size: int) -> Statement:
    every = Instance.objects.filter(pk__in=[Given(f"key_{place}") for place in range(size)])
    return Statement(lambda: _columns(every.order_by(), names))


def _names(choices: Sequence[Choice]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*_ALWAYS, *(choice.field for choice in choices if choice.field))))


def _columns(rows: InstanceQuerySet, names: Sequence[str]) -> "QuerySet[Instance, Said]":
    with_tags = rows.annotate(tags_text=Cast("tags", TextField()))
    return with_tags.values_list(*names, "tags_text", named=True)


@lru_cache(maxsize=KEPT)
def tags_of(text: str) -> Mapping[str, str]:
    """Return tags from JSON; nobody may change them."""
    found: dict[str, str] = json.loads(text)
    return found


@dataclass(frozen=True)
class WrittenRows:
    """Writes the rows of a page."""

    page: PageFacts
    choices: Sequence[Choice]
    actions: Mapping[str, ShownAction]
    planned: Mapping[int, Planned]

    def html(self, row: Said) -> SafeString:
        """Return a row as HTML."""
        age = age_in_words(row.launched_at, self.page.now)
        if self.is_quiet(row):
            return _quiet_row(self._quiet, row, age)
        action, planned = self.actions.get(row.instance_id), self.planned.get(row.pk)
        shown = instance_row(_instance(row), self.page, age, action, planned)
        return row_html(shown, self._cells, ROW_HEADER)

    def is_quiet(self, row: Said) -> bool:
        """Tell whether nothing in the row depends on the moment, or on who looks, but its age."""
        return row.gone_at is None and not self.is_on_the_move(row) and row.instance_id not in self.actions

    def is_on_the_move(self, row: Said) -> bool:
        """Tell whether the row may read otherwise although nothing was written: it is always sent again."""
        return row.pk in self.planned or row.state in CHANGING or row.protected_seen_at is not None

    @cached_property
    def _quiet(self) -> "Quiet":
        page = replace(self.page, now=TIMELESS, viewer="", data_at=None, is_stale=False)
        return _quiet(tuple(choice.name for choice in self.choices), page)

    @cached_property
    def _cells(self) -> list[Any]:
        return cells_of(self.choices, may_operate=self.page.may_operate)


@dataclass(frozen=True, eq=False)
class Quiet:
    """What quiet rows have in common; there is one of each kind, so that it is compared as fast as can be."""

    cells: Sequence[Any]
    page: PageFacts


@lru_cache(maxsize=PAGES)
def _quiet(names: tuple[str, ...], page: PageFacts) -> Quiet:
    return Quiet(cells_of(chosen(names), may_operate=page.may_operate), page)


@lru_cache(maxsize=KEPT)
def _quiet_row(quiet: Quiet, row: Said, age: str) -> SafeString:
    return row_html(instance_row(_instance(row), quiet.page, age), quiet.cells, ROW_HEADER)


def _instance(row: Said) -> Instance:
    """Return a model of what was read; the rest of it is not there to be shown."""
    values = {**row._asdict(), "id": row.pk, "tags": tags_of(row.tags_text)}
    fields = [field.attname for field in Instance._meta.concrete_fields if field.attname in values]
    return Instance.from_db(None, fields, [values[name] for name in fields])
