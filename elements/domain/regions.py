"""AWS's partitions and regions, and the Region Endpoint field."""

import difflib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Partition:
    """One of AWS's separate worlds: its name in ARNs, the end of its host names, its regions by code."""

    name: str
    dns_suffix: str
    regions: dict[str, str]


PARTITIONS = (
    Partition(
        "aws",
        "amazonaws.com",
        {
            "af-south-1": "Africa (Cape Town)",
            "ap-east-1": "Asia Pacific (Hong Kong)",
            "ap-east-2": "Asia Pacific (Taipei)",
            "ap-northeast-1": "Asia Pacific (Tokyo)",
            "ap-northeast-2": "Asia Pacific (Seoul)",
            "ap-northeast-3": "Asia Pacific (Osaka)",
            "ap-south-1": "Asia Pacific (Mumbai)",
            "ap-south-2": "Asia Pacific (Hyderabad)",
            "ap-southeast-1": "Asia Pacific (Singapore)",
            "ap-southeast-2": "Asia Pacific (Sydney)",
            "ap-southeast-3": "Asia Pacific (Jakarta)",
            "ap-southeast-4": "Asia Pacific (Melbourne)",
            "ap-southeast-5": "Asia Pacific (Malaysia)",
            "ap-southeast-6": "Asia Pacific (New Zealand)",
            "ap-southeast-7": "Asia Pacific (Thailand)",
            "ca-central-1": "Canada (Central)",
            "ca-west-1": "Canada West (Calgary)",
            "eu-central-1": "Europe (Frankfurt)",
            "eu-central-2": "Europe (Zurich)",
            "eu-north-1": "Europe (Stockholm)",
            "eu-south-1": "Europe (Milan)",
            "eu-south-2": "Europe (Spain)",
            "eu-west-1": "Europe (Ireland)",
            "eu-west-2": "Europe (London)",
            "eu-west-3": "Europe (Paris)",
            "il-central-1": "Israel (Tel Aviv)",
            "me-central-1": "Middle East (UAE)",
            "me-south-1": "Middle East (Bahrain)",
            "mx-central-1": "Mexico (Central)",
            "sa-east-1": "South America (São Paulo)",
            "us-east-1": "US East (N. Virginia)",
            "us-east-2": "US East (Ohio)",
            "us-west-1": "US West (N. California)",
            "us-west-2": "US West (Oregon)",
        },
    ),
    Partition(
        "aws-cn",
        "amazonaws.com.cn",
        {
            "cn-north-1": "China (Beijing)",
            "cn-northwest-1": "China (Ningxia)",
        },
    ),
    Partition(
        "aws-us-gov",
        "amazonaws.com",
        {
            "us-gov-east-1": "AWS GovCloud (US-East)",
            "us-gov-west-1": "AWS GovCloud (US-West)",
        },
    ),
    Partition(
        "aws-iso",
        "c2s.ic.gov",
        {
            "us-iso-east-1": "US ISO East",
            "us-iso-west-1": "US ISO West",
        },
    ),
    Partition(
        "aws-iso-b",
        "sc2s.sgov.gov",
        {
            "us-isob-east-1": "US ISOB East (Ohio)",
            "us-isob-west-1": "US ISOB West",
        },
    ),
    Partition(
        "aws-iso-e",
        "cloud.adc-e.uk",
        {
            "eu-isoe-west-1": "EU ISOE West",
        },
    ),
    Partition(
        "aws-iso-f",
        "csp.hci.ic.gov",
        {
            "us-isof-east-1": "US ISOF East",
            "us-isof-south-1": "US ISOF South",
        },
    ),
    Partition(
        "aws-eusc",
        "amazonaws.eu",
        {
            "eusc-de-east-1": "AWS European Sovereign Cloud (Germany)",
        },
    ),
)

REGIONS: dict[str, str] = {code: name for partition in PARTITIONS for code, name in partition.regions.items()}
_PARTITION_OF = {code: partition for partition in PARTITIONS for code in partition.regions}
# The partition of a code that is not in the table yet, by how codes of the partition begin.
_BEGINNINGS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "us-iso-": "aws-iso",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}
# Where AWS really has a FIPS endpoint for EC2 (botocore would invent others); GovCloud's plain endpoint is FIPS.
FIPS_REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1")

_LIKE = "Write for example ec2.eu-central-1.amazonaws.com."
_CODE = re.compile(r"[a-z]{2,5}(-[a-z]+){1,3}-\d{1,2}\Z")
_CODE_IN_HOST = re.compile(r"(?:^|\.)([a-z]{2,5}(?:-[a-z]+){1,3}-\d{1,2})\.")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")


class InvalidRegionEndpoint(Exception):
    """Text that names no region or endpoint; the message says what would."""


@dataclass(frozen=True, slots=True)
class RegionEndpoint:
    """A region, and the endpoint when it is not the region's standard one."""

    region: str
    endpoint_url: str
    known: bool


def parse_region_endpoint(text: str, *, allow_unknown: bool = False) -> RegionEndpoint:
    """Read a region code, a host name or a URL; raises InvalidRegionEndpoint.

    An unknown but well-formed region code is taken only with `allow_unknown`.
    """
    wanted = text.strip().lower().rstrip("./")
    if not wanted:
        raise InvalidRegionEndpoint("Enter a region, for example eu-central-1.")
    if _CODE.match(wanted):
        return RegionEndpoint(_known(wanted, allow_unknown), "", wanted in REGIONS)
    if "." not in wanted:
        raise InvalidRegionEndpoint(f"{wanted} is no region.{_near(wanted)}")
    url = parse_endpoint_url(wanted)
    found = _CODE_IN_HOST.search(urlsplit(url).hostname or "")
    if found is None:
        raise InvalidRegionEndpoint(
            f"No region can be read from {wanted}. Enter the region here and the address as Endpoint URL."
        )
    region = _known(found.group(1), allow_unknown)
    _check_service(urlsplit(url).hostname or "", region)
    return RegionEndpoint(region, "" if url == ec2_endpoint(region) else url, region in REGIONS)


def parse_endpoint_url(text: str) -> str:
    """Return `https://host[:port]` for a host name, host:port or URL; raises InvalidRegionEndpoint."""
    wanted = text.strip()
    try:
        parts = urlsplit(wanted if "://" in wanted else f"https://{wanted}")
    except ValueError:  # a bracket that is not closed
        raise InvalidRegionEndpoint(f"{wanted[:80]} is no host name. {_LIKE}") from None
    try:
        port = parts.port
    except ValueError:
        raise InvalidRegionEndpoint("The port must be a number from 1 to 65535.") from None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("https", "http"):
        raise InvalidRegionEndpoint("An endpoint begins with https://.")
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise InvalidRegionEndpoint("An endpoint is a host and a port only: no user, path or query.")
    if not _HOST.match(host) or port == 0:
        raise InvalidRegionEndpoint(f"{wanted[:80]} is no host name. {_LIKE}")
    standard = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != standard else "")


def ec2_endpoint(region: str) -> str:
    """Return the region's standard EC2 endpoint."""
    return f"https://ec2.{region}.{_partition(region).dns_suffix}"


def partition_of(region: str) -> str:
    """Return the partition's name as it stands in ARNs."""
    return _partition(region).name


def region_name(region: str) -> str:
    """Return what AWS calls the region, "" for one that is not in the table."""
    return REGIONS.get(region, "")


def default_sts_region(region: str) -> str:
    """Return a region of the same partition that needs no opt-in, to tell wrong keys from a region not enabled."""
    return {"aws": "us-east-1", "aws-us-gov": "us-gov-west-1"}.get(partition_of(region)) or next(
        iter(_partition(region).regions)
    )


def _partition(region: str) -> Partition:
    known = _PARTITION_OF.get(region)
    if known is not None:
        return known
    name = next((name for start, name in _BEGINNINGS.items() if region.startswith(start)), "aws")
    return next(partition for partition in PARTITIONS if partition.name == name)


def _known(region: str, allow_unknown: bool) -> str:
    if region in REGIONS or allow_unknown:
        return region
    raise InvalidRegionEndpoint(
        f"{region} is no region ec2mon knows.{_near(region)} If AWS has added it lately, tick Use It Anyway."
    )


def _near(text: str) -> str:
    near = difflib.get_close_matches(text, REGIONS, n=1, cutoff=0.7)
    return f" Did you mean {near[0]}?" if near else " Write for example eu-central-1."


def _check_service(host: str, region: str) -> None:
    label = host.split(".", 1)[0]
    if label == "ec2-fips" and region not in FIPS_REGIONS:
        raise InvalidRegionEndpoint(f"AWS has no FIPS endpoint for EC2 in {region}.")
    if not (label in ("ec2", "ec2-fips") or ".ec2." in host or host.startswith("vpce-")):
        raise InvalidRegionEndpoint(f"{host} is not an endpoint of EC2. It begins with ec2.")
