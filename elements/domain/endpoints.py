"""Where AWS may be asked: which addresses and names an endpoint must not lead to."""

import ipaddress
from urllib.parse import urlsplit

from elements.domain.regions import InvalidRegionEndpoint

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

SETTING = "ALLOW_PRIVATE_ENDPOINTS"
# Services of clouds that give keys to whoever asks, where their address is not link-local: AWS and Google over IPv6,
# Azure, Alibaba, Oracle. No EC2 is there, whatever a setting says.
_METADATA = tuple(
    ipaddress.ip_network(network)
    for network in (
        "fd00:ec2::/32",
        "fd20:ce::254/128",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "0.0.0.0/8",
    )
)
_METADATA_NAMES = ("metadata", "instance-data", "metadata.google.internal", "metadata.goog", "metadata.azure.internal")
# Names of one machine or network, whatever they resolve to (RFC 6761, 6762, 8375 and common use).
_LOCAL_ENDINGS = ("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "home.arpa")
# An IPv6 address that ends with an IPv4 address and leads to it: translated, and the old "compatible" form.
_CARRIERS = tuple(ipaddress.ip_network(network) for network in ("64:ff9b::/96", "::/96"))


class EndpointRefused(InvalidRegionEndpoint):
    """An endpoint where AWS is not asked; the message says why and what allows it, if anything does."""


def check_endpoint(url: str, *, allow_private: bool) -> None:
    """Raise EndpointRefused for an endpoint that is seen to be none without looking its name up."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != "https" and not allow_private:
        raise EndpointRefused(
            f"Keys are used over https only, and this endpoint is http. {SETTING}=true on the ec2mon server allows it."
        )
    address = _literal(host)
    if address is not None:
        check_address(host, address, allow_private=allow_private)
    elif _is_metadata_name(host):
        raise EndpointRefused(f"{host} hands out keys of machines. AWS is not asked there.")
    elif not allow_private and _is_private_name(host):
        raise _private(f"{host} is a name of a private network")


def check_address(host: str, address: Address, *, allow_private: bool) -> None:
    """Raise EndpointRefused for an address that the host must not lead to."""
    real = _real(address)
    shown = host if host == str(address) else f"{host} leads to {address}, which"
    if real.is_link_local or real.is_multicast or _is_reserved(real):
        raise EndpointRefused(f"{shown} is no address where AWS can be asked.")
    if not allow_private and (not real.is_global or getattr(real, "is_site_local", False)):
        raise _private(f"{shown} is a private address")


def _private(what: str) -> EndpointRefused:
    return EndpointRefused(
        f"{what}, and AWS is not asked there. Where that is meant, as with VPC endpoints (PrivateLink), set"
        f" {SETTING}=true on the ec2mon server."
    )


def _literal(host: str) -> Address | None:
    """Return the address that a host is; raises EndpointRefused for one in a spelling of its own."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    # Resolvers take 2130706433, 0x7f.1 and 0177.0.0.1 for addresses: whatever ends with a number is meant as one.
    last = host.rpartition(".")[2].lower()
    if last.isdecimal() or last.startswith("0x"):
        raise EndpointRefused(f"{host[:80]} is no host name. Write an address as four numbers from 0 to 255.")
    return None


def _real(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, and every other as it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in carrier for carrier in _CARRIERS) and int(address) > 1:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else address)


def _is_reserved(address: Address) -> bool:
    metadata = any(address.version == network.version and address in network for network in _METADATA)
    return metadata or (address.is_reserved and not address.is_loopback)


def _is_metadata_name(host: str) -> bool:
    return host.lower() in _METADATA_NAMES or host.lower().startswith("instance-data.")


def _is_private_name(host: str) -> bool:
    name = host.lower()
    own = "." not in name or any(name.endswith(f".{ending}") for ending in _LOCAL_ENDINGS)
    return own or name.startswith("vpce-") or ".vpce." in name
