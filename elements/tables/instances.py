"""The table of the Instances page: its columns, which of them are shown, and what an export says in them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import django_tables2 as tables
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django_tables2.data import TableListData

from elements.domain.status_checks import checks_word
from elements.domain.wording import absolute, visible
from elements.models import Instance
from elements.models.instances import SORTS, TAG_PREFIX, is_sort
from elements.tables.instance_cells import CELLS, Cell
from elements.tables.instance_rows import PageFacts

KIND = "instances"
PER_PAGE = (25, 50, 100, 250)
DEFAULT_PER_PAGE = 50
MAX_TAG_COLUMNS = 10
MAX_TAG_KEY = 128
ROW_HEADER = "name"


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


class InstanceTable(tables.Table):
    """The instances of one page, as rows that are written already, with the columns somebody chose."""

    live = "instances"
    noun, nouns, gone = "instance", "instances", "reported"
    wrap_class = "tw--fill"
    row_header = ROW_HEADER
    empty_template = "elements/instances/no_match.html"

    def __init__(
        self, rows: Sequence[SafeString], *, choices: Sequence[Choice], page: PageFacts, sort: str, caption: str
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

    @property
    def written_rows(self) -> SafeString:
        """Return the rows: not written by django-tables2, which takes ten times as long."""
        return SafeString("\n".join(self.data.data))


def cells_of(choices: Sequence[Choice], *, may_operate: bool) -> list[tuple[str, str, Cell]]:
    """Return the name, the classes and the cell of each column, in their order."""
    sub = ("sub", "c-sub", CELLS["sub"])
    found = [("name", "c-key stick-k" if may_operate else "c-key stick-s", CELLS["name"])]
    for choice in choices:
        found.append((choice.name, _classes(choice), CELLS[choice.part] if choice.part else _text(choice)))
        if choice.name == "state":
            found.append(sub)
    if sub not in found:
        found.append(sub)
    if may_operate:
        return [("select", "c-sel stick-s", CELLS["select"]), *found, ("act", "c-act stick-e", CELLS["act"])]
    return found


def _classes(choice: Choice) -> str:
    return " ".join(name for name, on in (("c-state", choice.name == "state"), ("num mute", choice.numeric)) if on)


def _columns(choices: Sequence[Choice], page: PageFacts) -> dict[str, tables.Column]:
    heads = {"name": "Display key", "sub": "Type, zone, IP", "act": "Start and stop"}
    heads |= {choice.name: choice.head for choice in choices}
    if page.may_operate:
        heads["select"] = _part("select_head")
    if "state" in heads:
        heads["state"] = _part("state_head", page=page, now=page.now)
    return {
        name: _column(name, heads[name], classes)
        for name, classes, _ in cells_of(choices, may_operate=page.may_operate)
    }


def _column(name: str, head: str, classes: str) -> tables.Column:
    attrs = {"th": {"class": classes}} if classes else {}
    column = tables.Column(
        accessor="pk", attrs=attrs, verbose_name=head, orderable=name in SORTS or name.startswith(TAG_PREFIX)
    )
    column.header_hidden = name == "act"
    return column


def _text(choice: Choice) -> Cell:
    """Return a cell that shows what an export would say, or a dash."""
    return lambda row: visible(str(choice.value(row.instance))) or "–"


def _part(name: str, **context: Any) -> str:
    return render_to_string(f"elements/instances/{name}.html", context)
