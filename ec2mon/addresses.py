"""Whose address a request comes from: the peer's, or what proxies that are named as trusted say of it."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
# Whoever has an IPv6 address has this much of it, and would count as somebody else with each try.
_OF_ONE_CUSTOMER = 64


def client_address(request: HttpRequest) -> str | None:
    """Return the address that sign-ins are counted by; of IPv6 the network of one customer."""
    found = _client(request)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, _OF_ONE_CUSTOMER), strict=False).network_address)
    return str(found) if found else None


def _client(request: HttpRequest) -> Address | None:
    """Walk from the peer towards the client, for as long as each hop is a trusted proxy that names the next."""
    hop = _address(request.META.get("REMOTE_ADDR", ""))
    named = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    while hop and named and any(hop in network for network in settings.TRUSTED_PROXIES):
        before = _address(named.pop())
        if before is None:  # the proxy that said so is all that is known
            break
        hop = before
    return hop


def _address(text: str) -> Address | None:
    """Read an address, with the port that some proxies add; None when it is none."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
