"""Addresses that a request names and an answer may lead to."""

from django.http import QueryDict
from django.utils.http import url_has_allowed_host_and_scheme


def own_address(text: str) -> str:
    """Return an address of this site as it is, and an empty text for any other."""
    is_ours = text.startswith("/") and url_has_allowed_host_and_scheme(text, allowed_hosts=None)
    return text if is_ours else ""


def without(query: QueryDict, *names: str) -> str:
    """Return a query string without some of its parameters."""
    kept = query.copy()
    for name in names:
        kept.pop(name, None)
    return kept.urlencode()
