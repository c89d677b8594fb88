"""The results of Find: elements and instances, the best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import AnonymousUser, User
from django.urls import reverse

from elements.domain.connections import CONNECTED
from elements.domain.finding import rank, words
from elements.domain.instance_rows import CHECK_RANKS
from elements.domain.instance_states import StateView
from elements.domain.regions import region_name
from elements.domain.wording import span
from elements.models import Element, Instance
from elements.models.instance_search import find_instances

# Without a word there is nothing to rank: the elements are offered in their order.
UNRANKED = 0
FAILING = StateView("Failing status checks", "crit", "s-alert")


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: a glyph with its word, a name, where it is, further facts, and the tag that was met."""

    href: str
    name: str
    view: StateView
    element_name: str = ""
    facts: Sequence[str] = ()
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The results, no more than asked for."""

    hits: Sequence[Hit]
    has_more: bool

    @property
    def sentence(self) -> str:
        """Say how many there are."""
        if not self.hits:
            return "Nothing found in any element"
        number = len(self.hits)
        words = "1 result" if number == 1 else f"{number} results"
        return f"The first {words}" if self.has_more else words


def find(text: str, limit: int, user: User | AnonymousUser, now: datetime) -> Found:
    """Return what a user may see and a text meets: three queries, whatever is looked for."""
    wanted = words(text)
    elements = {element.pk: element for element in Element.objects.visible_to(user).with_poll()}
    ranked = [(UNRANKED, _of_element(row, now)) for row in elements.values()] if not wanted else []
    if wanted:
        ranked = [
            (place, _of_element(row, now))
            for row in elements.values()
            if (place := rank(_text(row), wanted)) is not None
        ]
        ages = {pk: _age(row, now) for pk, row in elements.items()}
        ranked += _instances(wanted, limit + 1, user, elements, ages)
    ranked.sort(key=lambda pair: pair[0])
    return Found([hit for _, hit in ranked[:limit]], len(ranked) > limit)


def _text(element: Element) -> str:
    return "\n".join((element.name, element.region, region_name(element.region), element.account_id)).lower()


def _of_element(element: Element, now: datetime) -> Hit:
    connection = element.connection(now)
    return Hit(
        href=reverse("elements:instances", args=[element.slug]),
        name=element.name,
        view=StateView(connection.word, connection.tone, connection.icon),
        facts=("Element", element.region),
    )


def _instances(
    wanted: tuple[str, ...],
    limit: int,
    user: User | AnonymousUser,
    elements: Mapping[int, Element],
    ages: Mapping[int, str],
) -> list[tuple[int, Hit]]:
    """Return instances with their rank; one of an element added in between waits for the next search."""
    return [
        (_place(row), _of_instance(row, elements[row.element_id], ages[row.element_id], wanted))
        for row in find_instances(wanted, limit, user)
        if row.element_id in elements
    ]


def _place(row: Instance) -> int:
    """Return the rank among all results; what AWS no longer lists comes last."""
    place: int = row.rank  # type: ignore[attr-defined]
    return place + 10 if row.gone_at else place


def _age(element: Element, now: datetime) -> str:
    """Return what is said of an element whose rows may no longer be so, "" while they are fresh."""
    connection, poll = element.connection(now), getattr(element, "poll", None)
    if connection is CONNECTED or poll is None or poll.succeeded_at is None:
        return ""
    return f"{connection.word.lower()}, {span((now - poll.succeeded_at).total_seconds())} old"


def _of_instance(row: Instance, element: Element, age: str, wanted: tuple[str, ...]) -> Hit:
    failing = row.checks_rank == CHECK_RANKS["impaired"] and not row.gone_at
    view = FAILING if failing else row.view
    return Hit(
        href=reverse("elements:instance", args=[element.slug, row.instance_id]),
        name=row.display_name,
        view=replace(view, tone="idle") if age else view,
        element_name=element.name,
        facts=tuple(fact for fact in (row.instance_id, row.private_ip, row.public_ip, age) if fact),
        tag=_tag(row, wanted),
    )


def _tag(row: Instance, wanted: tuple[str, ...]) -> str:
    """Return the tag that holds a word, unless what is shown anyway holds them all."""
    shown = "\n".join((row.display_name, row.instance_id, row.private_ip, row.public_ip)).lower()
    missing = [word for word in wanted if word not in shown]
    tags = (tag for tag in row.tag_lines.split("\n") if tag and any(word in tag for word in missing))
    return next(tags, "")
