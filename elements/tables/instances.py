"""The table of the Instances page: its columns, which of them are shown, and what an export says in them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import Any

import django_tables2 as tables
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django_tables2.utils import AttributeDict

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
MAX_KEPT_QUERY = 200


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
    wanted = list(dict.fromkeys(name[: len(TAG_PREFIX) + MAX_TAG_KEY] for name in names))
    tag_keys = [name for name in wanted if name.startswith(TAG_PREFIX) and is_sort(name)][:MAX_TAG_COLUMNS]
    return [choice for choice in CHOICES if choice.name in wanted] + [tag_choice(name) for name in tag_keys]


def tag_choice(name: str) -> Choice:
    """Return the column `tag:key`."""
    key = name.removeprefix(TAG_PREFIX)
    return Choice(TAG_PREFIX + key, key, f"Tag {key}", lambda row: row.tags.get(key, ""))


def export_columns(choices: Sequence[Choice]) -> list[Choice]:
    """Return what an export holds: the display key and the instance ID always, then what is shown."""
    name = _field("name", "Display key", "display_name")
    return [name, CHOICES[0], *(choice for choice in choices if choice.name != "id")]


@dataclass
class InstanceTable:
    """The instances of one page, as rows that are written already, with the columns somebody chose.

    It is what templates/elements/_table.html asks for, without django-tables2, which takes ten times as long.
    """

    rows: Sequence[SafeString]
    choices: Sequence[Choice]
    page: PageFacts
    sort: str
    query: str
    caption: str
    total: int = 0
    clear_url: str = ""
    gone: str = "reported"
    data_order: str | None = None
    live, label = "instances", "Instances table"
    noun, nouns = "instance", "instances"
    wrap_class = "tw--fill"
    empty_template = "elements/instances/no_match.html"

    @property
    def attrs(self) -> AttributeDict:
        """Return the attributes of the table."""
        return AttributeDict({"class": "t t--inst is-stale" if self.page.is_stale else "t t--inst"})

    @property
    def columns(self) -> list[tuple[str, str, Cell]]:
        """Return the columns, for their number."""
        return cells_of(self.choices, may_operate=self.page.may_operate)

    @cached_property
    def written_rows(self) -> SafeString:
        """Return the rows."""
        return SafeString("\n".join(self.rows))

    @cached_property
    def written_head(self) -> SafeString:
        """Return the head: kept, unless it is one of those of which there are too many, or too long a one."""
        names, page = tuple(choice.name for choice in self.choices), self.page
        age = _part("state_head", page=page, now=page.now)
        write = _head if len(self.query) <= MAX_KEPT_QUERY else _head.__wrapped__
        return write(names, age, self.sort, self.query, may_operate=page.may_operate)


class Heads(tables.Table):
    """The heads of the columns, which sort."""


@lru_cache(maxsize=200)
def _head(names: tuple[str, ...], state: str, sort: str, query: str, *, may_operate: bool) -> SafeString:
    """Write the head; what it depends on are the arguments, and nothing else."""
    choices = chosen(names)
    heads = {"name": "Display key", "sub": "Type, zone, IP", "act": "Start and stop"}
    heads |= {choice.name: choice.head for choice in choices}
    heads |= {"state": state, "select": _part("select_head")}
    columns = [(name, _column(name, heads[name], look)) for name, look, _ in cells_of(choices, may_operate=may_operate)]
    table = Heads([], order_by=sort, order_by_field="sort", page_field="page", extra_columns=columns)
    context = {"table": table, "request": SimpleNamespace(GET=QueryDict(query))}
    return render_to_string("elements/_table_head.html", context)


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
