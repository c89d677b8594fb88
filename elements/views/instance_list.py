"""What an address of the Instances page asks for: filter, order, columns; a user's settings stand in for the last."""

from collections.abc import Callable, Sequence
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.db.models import Q

from elements.domain.filters import MAX_TEXT, InvalidFilter, Term, depends_on_time, parse, wants_gone
from elements.models import Instance, UserSettings
from elements.models.instance_filters import condition
from elements.models.instances import DEFAULT_SORT, InstanceQuerySet, Window, is_sort, window
from elements.models.kept_finds import FINDS
from elements.tables.instances import DEFAULT_COLUMNS, DEFAULT_PER_PAGE, KIND, MAX_TAG_KEY, PER_PAGE, Choice, chosen
from elements.tables.written_rows import Said, said, said_of_all, said_of_these
from elements.views.pages import ElementPageMixin


class InstanceListMixin(ElementPageMixin):
    """Reads the address of the list; what makes no sense in it is left out, never an error."""

    @cached_property
    def filter_text(self) -> str:
        """Return the filter as it was written, cut to one character more than can be read."""
        return storable(self.request.GET.get("q", ""))[: MAX_TEXT + 1]

    @cached_property
    def parsed(self) -> tuple[list[Term], str]:
        """Return the words of the filter and why it cannot be understood; then it has none."""
        try:
            return parse(self.filter_text), ""
        except InvalidFilter as invalid:
            return [], str(invalid)

    @property
    def terms(self) -> list[Term]:
        """Return the words of the filter."""
        return self.parsed[0]

    @property
    def filter_error(self) -> str:
        """Return why the filter cannot be understood, "" when it can."""
        return self.parsed[1]

    @cached_property
    def matching(self) -> Q:
        """Return the filter as a condition."""
        return condition(self.terms, self.now)

    @cached_property
    def sort(self) -> str:
        """Return the name of a column, with a leading - the other way round."""
        sort = storable(self.request.GET.get("sort", ""))[: MAX_TAG_KEY + 5]
        return sort if is_sort(sort.removeprefix("-")) else DEFAULT_SORT

    @cached_property
    def settings(self) -> UserSettings:
        """Return what the user once chose."""
        return UserSettings.objects.of(self.request.user)

    @cached_property
    def choices(self) -> list[Choice]:
        """Return the columns: of the address, else of the user, else the default."""
        asked = [storable(name) for name in self.request.GET.getlist("col")] or self.settings.columns_of(KIND)
        return chosen(DEFAULT_COLUMNS if asked is None else asked)

    @cached_property
    def per_page(self) -> int:
        """Return how many rows a page has: of the address, else of the user, else the default."""
        asked = {str(number): number for number in PER_PAGE}.get(self.request.GET.get("per_page", ""))
        return asked or self.settings.per_page_of(KIND) or DEFAULT_PER_PAGE

    @cached_property
    def wants_gone(self) -> bool:
        """Tell whether the filter asks for instances AWS no longer lists; otherwise they are left out."""
        return wants_gone(self.terms)

    @property
    def found(self) -> InstanceQuerySet:
        """Return the instances the filter means, in the order asked for."""
        known: InstanceQuerySet = self.element.instances.light()
        listed = known.gone() if self.wants_gone else known.listed()
        return listed.filter(self.matching).sorted_by(self.sort)

    @cached_property
    def question(self) -> tuple[object, ...] | None:
        """Return what decides which instances the filter means; None when that is more than can be told by it.

        The revision is the one that the page shows, read before any row: it is new with every change of an instance or
        of whether it has a scheduled event, in the same transaction. So an answer is never older than the page.
        """
        if self.poll is None or depends_on_time(self.terms):
            return None
        return (self.element.pk, self.poll.revision, *self.terms)

    def question_of(self, *more: object) -> tuple[object, ...] | None:
        """Return the question with what else its answer depends on."""
        return self.question and (more, self.question)

    def counted(self) -> tuple[Sequence[int] | None, int]:
        """Return the keys of the instances that the filter means, None when there are many, and their number."""
        question = self.question_of("count")
        if (known := FINDS.get(question)) is not None:
            return (known[1:] if len(known) == 1 + known[0] else None), known[0]
        few, count = self.found.counted()
        FINDS.keep(question, [count, *(few or ())])
        return few, count

    def gone_count(self) -> int:
        """Return how many instances that AWS no longer lists the filter means."""
        question = self.question_of("gone")
        if (known := FINDS.get(question)) is not None:
            return known[0]
        count = self.element.instances.gone().filter(self.matching).count()
        FINDS.keep(question, [count])
        return count

    def rows_of(self, few: Sequence[int] | None, cut: Window) -> list[Said]:
        """Read the rows of a page of what the filter means: all that there are when they are `few`."""
        rows = Instance.objects.filter(pk__in=few).sorted_by(self.sort) if few is not None else self.found
        return said(rows.rows(cut), self.choices)

    def rows_of_all(self, cut: Window) -> list[Said]:
        """Read the rows of a page of all instances."""
        return said_of_all(self.element.pk, self.sort, self.choices, cut)

    def rows_again(self, read: Callable[[Window], list[Said]], cut: Window) -> list[Said]:
        """Return the rows of a page as they are now: of those that were found for the same question, else by `read`."""
        question = self.question_of(self.sort, cut)
        if (known := FINDS.get(question)) is not None:
            return said_of_these(known, self.choices)
        rows = read(cut)
        FINDS.keep(question, (row.pk for row in rows))
        return rows


class KnownCount(Paginator):  # type: ignore[type-arg]
    """A paginator that is told how many rows there are, and what reads those of a page."""

    def __init__(self, read: Callable[[Window], Sequence[Said]], per_page: int, count: int) -> None:
        super().__init__((), per_page)
        self.read = read
        self.__dict__["count"] = count

    def page(self, number: int | str) -> Page:  # type: ignore[type-arg]
        """Return a page with its rows read."""
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        return Page(self.read(window(start, start + self.per_page, self.count)), number, self)


def storable(text: str) -> str:
    """Return a text that every database takes."""
    return text.replace("\0", "").encode("utf-8", "replace").decode().strip()
