"""Addresses of the product that may be opened."""

from collections.abc import Iterator

from django.urls import reverse

from elements.urls import urlpatterns


def pages(slug: str, instance_id: str) -> Iterator[str]:
    """Yield every address of the pages of an element and of those about all of them, some with parameters, and the
    admin site's lists."""
    values = {"slug": slug, "instance_id": instance_id, "pk": 1, "token": "none", "kind": "json"}
    for pattern in urlpatterns:
        yield reverse(f"elements:{pattern.name}", kwargs={name: values[name] for name in pattern.pattern.converters})
    for page in ("debug/export.csv", "debug/?t=7d", "instances/?col=tags"):
        yield f"/e/{slug}/{page}"
    yield from ("/admin/", "/admin/auth/user/", "/admin/elements/element/", "/admin/elements/activity/", "/healthz")
    yield from ("/readyz", "/metrics", "/password/")
