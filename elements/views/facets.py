"""The quick filters of the Instances page."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict

from elements.views.addresses import without

# Label, filter, glyph, and which count of the last poll says how many there are.
_FACETS = (
    ("All", "", "", "total"),
    ("Running", "state:running", "s-running", "running"),
    ("Stopped", "state:stopped", "s-stopped", "stopped"),
    ("Changing", "state:changing", "s-stopping", "changing"),
    ("Failing", "checks:impaired", "s-alert", "failing"),
    ("Events", "event:any", "i-cal", "with_events"),
)


@dataclass(frozen=True, slots=True)
class Facet:
    """A quick filter: a link with a count."""

    label: str
    filter: str
    icon: str
    count: int
    is_current: bool
    url: str


def facets_of(counts: Mapping[str, int], filter_text: str, query: QueryDict) -> list[Facet]:
    """Return the quick filters; their counts are of all instances, whatever the filter, their links keep the query."""
    text = " ".join(filter_text.lower().split())
    rest = without(query, "since", "page", "q")
    return [
        Facet(label, words, icon, counts.get(name, 0), words == text, _address(rest, words))
        for label, words, icon, name in _FACETS
    ]


def _address(rest: str, words: str) -> str:
    return "?" + "&".join(part for part in (words and urlencode({"q": words}), rest) if part)
