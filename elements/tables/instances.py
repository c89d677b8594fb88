"""The table of the Instances page: its columns, which of them are shown, and what an export says in them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import django_tables2 as tables
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django_tables2.data import TableListData

from elements.domain.status_checks import checks_word
from elements.domain.wording import absolute, visible
from elements.models import Instance
from elements.models.instances import SORTS, TAG_PREFIX, is_sort
from elements.tables.instance_cells import CELLS, Cell, rows_html
from elements.tables.instance_rows import InstanceRow, PageFacts

KIND = "instances"
PER_PAGE = (25, 50, 100, 250)
DEFAULT_PER_PAGE = 50
MAX_TAG_COLUMNS = 10
MAX_TAG_KEY = 128


@dataclass(frozen=True, slots=True)
class Choice:
    """A column people may choose: its head, its name in the menu, and what an export says in it."""

    name: str
    head: str
    label: str
    value: Callable[[Instance], Any]
    part: str = ""
    field: str = ""
    is_default: bool = False
    numeric: bool = False
    export: str = ""

    @property
    def export_head(self) -> str:
        """Return the head of the column in an export."""
        return self.export or self.label


def _field(name: str, head: str, field: str, **more: Any) -> Choice:
    return Choice(name, head, more.pop("label", head), lambda row: getattr(row, field), field=field, **more)


def _tags(row: Instance) -> str:
    return "; ".join(f"{key}={value}" for key, value in sorted(row.tags.items()))


CHOICES: tuple[Choice, ...] = (
    _field("id", "Instance ID", "instance_id", part="id", is_default=True),
    Choice("state", "State", "State", lambda row: "gone" if row.gone_at else row.state, "state", is_default=True),
    Choice("checks", "Checks", "Status checks", lambda row: checks_word(row.checks_rank), "checks", is_default=True),
    _field("type", "Type", "instance_type", is_default=True),
    _field("az", "AZ", "availability_zone", label="Availability Zone", part="az", is_default=True),
    _field("private_ip", "Private IP", "private_ip", is_default=True),
    _field("public_ip", "Public IP", "public_ip", is_default=True),
    Choice(
        "launched",
        "Launched",
        "Launched",
        lambda row: absolute(row.launched_at) if row.launched_at else "",
        "launched",
        is_default=True,
        numeric=True,
        export="Launched (UTC)",
    ),
    Choice("tags", "Tags", "Tags", _tags, "tags"),
    _field("reason", "State reason", "state_reason"),
    _field("platform", "Platform", "platform"),
    _field("architecture", "Architecture", "architecture"),
    _field("vpc", "VPC", "vpc_id"),
    _field("subnet", "Subnet", "subnet_id"),
    _field("image", "Image", "image_id", label="Image (AMI)"),
    _field("key_pair", "Key pair", "key_name"),
    _field("iam_role", "IAM role", "iam_role"),
    _field("lifecycle", "Lifecycle", "lifecycle"),
    _field("asg", "Auto Scaling group", "auto_scaling_group"),
)
DEFAULT_COLUMNS = tuple(choice.name for choice in CHOICES if choice.is_default)


def chosen(names: Iterable[str]) -> list[Choice]:
    """Return the columns with these names, in the table's own order, then the tag columns in the order given."""
    wanted = list(dict.fromkeys(names))
    tag_keys = [name for name in wanted if name.startswith(TAG_PREFIX) and is_sort(name)][:MAX_TAG_COLUMNS]
    return [choice for choice in CHOICES if choice.name in wanted] + [tag_choice(name) for name in tag_keys]


def tag_choice(name: str) -> Choice:
    """Return the column `tag:key`."""
    key = name.removeprefix(TAG_PREFIX)[:MAX_TAG_KEY]
    return Choice(TAG_PREFIX + key, key, f"Tag {key}", lambda row: row.tags.get(key, ""))


def export_columns(choices: Sequence[Choice]) -> list[Choice]:
    """Return what an export holds: the display key and the instance ID always, then what is shown."""
    name = _field("name", "Display key", "display_name")
    return [name, CHOICES[0], *(choice for choice in choices if choice.name != "id")]


class Sorted(TableListData):
    """Rows the database has sorted and cut to a page already."""

    def order_by(self, aliases: Iterable[str]) -> None:
        """Leave the rows as they came."""


class CellColumn(tables.Column):
    """A column whose cells are written by a function."""

    def __init__(self, cell: Cell, classes: str = "", **more: Any) -> None:
        super().__init__(accessor="instance__pk", attrs={"th": {"class": classes}} if classes else {}, **more)
        self.cell, self.classes = cell, classes


class InstanceTable(tables.Table):
    """The instances of one page, with the columns somebody chose."""

    live = "instances"
    noun, nouns, gone = "instance", "instances", "reported"
    wrap_class = "tw--fill"
    row_header = "name"
    empty_template = "elements/instances/no_match.html"

    def __init__(
        self, rows: Sequence[InstanceRow], *, choices: Sequence[Choice], page: PageFacts, sort: str, caption: str
    ) -> None:
        classes = "t t--inst is-stale" if page.is_stale else "t t--inst"
        self.caption, self.label = caption, "Instances table"
        self.total, self.clear_url = 0, ""
        self.data_order: str | None = None
        super().__init__(
            Sorted(list(rows)),
            order_by=sort,
            order_by_field="sort",
            page_field="page",
            attrs={"class": classes},
            extra_columns=list(_columns(choices, page).items()),
        )

    @cached_property
    def written_rows(self) -> SafeString:
        """Return the rows: written by the table itself, for django-tables2 takes ten times as long."""
        columns = [(column.name, column.column.classes, column.column.cell) for column in self.columns]
        return rows_html(self.data.data, columns, self.row_header)


def _columns(choices: Sequence[Choice], page: PageFacts) -> dict[str, CellColumn]:
    found: dict[str, CellColumn] = {}
    if page.may_operate:
        found["select"] = _fixed("select", _part("select_head"), "c-sel stick-s")
    found["name"] = CellColumn(
        CELLS["name"], "c-key stick-k" if page.may_operate else "c-key stick-s", verbose_name="Display key"
    )
    for choice in choices:
        found[choice.name] = _column(choice, page)
        if choice.name == "state":
            found["sub"] = _fixed("sub", "Type, zone, IP", "c-sub")
    found.setdefault("sub", _fixed("sub", "Type, zone, IP", "c-sub"))
    if page.may_operate:
        found["act"] = _fixed("act", "Start and stop", "c-act stick-e")
        found["act"].header_hidden = True
    return found


def _fixed(name: str, head: str, classes: str) -> CellColumn:
    return CellColumn(CELLS[name], classes, verbose_name=head, orderable=False)


def _column(choice: Choice, page: PageFacts) -> CellColumn:
    classes = " ".join(name for name, on in (("c-state", choice.name == "state"), ("num mute", choice.numeric)) if on)
    return CellColumn(
        CELLS[choice.part] if choice.part else _text(choice),
        classes,
        verbose_name=_part("state_head", page=page, now=page.now) if choice.name == "state" else choice.head,
        orderable=choice.name in SORTS or choice.name.startswith(TAG_PREFIX),
    )


def _text(choice: Choice) -> Cell:
    """Return a cell that shows what an export would say, or a dash."""
    return lambda row: visible(str(choice.value(row.instance))) or "–"


def _part(name: str, **context: Any) -> str:
    return render_to_string(f"elements/instances/{name}.html", context)
