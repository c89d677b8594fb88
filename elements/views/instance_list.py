"""What an address of the Instances page asks for: filter, order, columns; a user's settings stand in for the last."""

from collections.abc import Callable, Sequence
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.db.models import Q

from elements.domain.filters import MAX_TEXT, InvalidFilter, Term, parse, wants_gone
from elements.models import UserSettings
from elements.models.instance_filters import condition
from elements.models.instances import DEFAULT_SORT, InstanceQuerySet, Window, is_sort, window
from elements.tables.instances import DEFAULT_COLUMNS, DEFAULT_PER_PAGE, KIND, MAX_TAG_KEY, PER_PAGE, Choice, chosen
from elements.tables.written_rows import Said, said, said_of_all
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

    def rows_of(self, found: InstanceQuerySet, cut: Window) -> list[Said]:
        """Read the rows of a page of what was found."""
        return said(found.rows(cut), self.choices)

    def rows_of_all(self, cut: Window) -> list[Said]:
        """Read the rows of a page of all instances."""
        return said_of_all(self.element.pk, self.sort, self.choices, cut)


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
