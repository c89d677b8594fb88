"""Every address of the product as the resolver knows it, the admin site included, for tests that try all of them."""

import re
from collections.abc import Iterator, Mapping

from django.urls import URLPattern, URLResolver, get_resolver

# What the parts of an address may be.
_PARTS = {"url": "elements/none/", "app_label": "elements", "kind": "csv"}


def patterns(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the route of each address with its name."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern.name or ""
        else:
            yield from patterns(pattern, route)


def addresses(parts: Mapping[str, str]) -> dict[str, str]:
    """Return an address for each route, filled with `parts`."""
    known = {**_PARTS, **parts}
    found = {}
    for route, _name in patterns():
        plain = re.sub(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)", r"<\1>", route.replace("^", "").replace("$", ""))
        plain = plain.replace("\\Z", "").replace("\\", "")
        found[route] = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: known.get(part[1], "1"), plain)
    return found
