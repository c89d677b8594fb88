from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from elements.domain.regions import (
    REGIONS,
    InvalidRegionEndpoint,
    default_sts_region,
    ec2_endpoint,
    parse_endpoint_url,
    parse_region_endpoint,
    partition_of,
    region_name,
)


@pytest.mark.parametrize(
    "text",
    [
        "eu-central-1",
        " EU-CENTRAL-1 ",
        "ec2.eu-central-1.amazonaws.com",
        "https://ec2.eu-central-1.amazonaws.com",
        "https://ec2.eu-central-1.amazonaws.com:443/",
    ],
)
def test_the_standard_endpoint_in_any_form_is_just_its_region(text):
    found = parse_region_endpoint(text)

    assert (found.region, found.endpoint_url, found.known) == ("eu-central-1", "", True)


@pytest.mark.parametrize(
    ("text", "region", "url"),
    [
        ("ec2-fips.us-east-1.amazonaws.com", "us-east-1", "https://ec2-fips.us-east-1.amazonaws.com"),
        ("ec2.eu-central-1.api.aws", "eu-central-1", "https://ec2.eu-central-1.api.aws"),
        (
            "vpce-0a1b2c3d-4e5f.ec2.eu-west-1.vpce.amazonaws.com",
            "eu-west-1",
            "https://vpce-0a1b2c3d-4e5f.ec2.eu-west-1.vpce.amazonaws.com",
        ),
        ("ec2.cn-north-1.amazonaws.com.cn", "cn-north-1", ""),
        ("ec2.us-gov-west-1.amazonaws.com", "us-gov-west-1", ""),
    ],
)
def test_other_endpoints_keep_their_address_beside_the_region(text, region, url):
    found = parse_region_endpoint(text)

    assert (found.region, found.endpoint_url) == (region, url)


def test_a_typing_error_is_answered_with_the_region_meant():
    with pytest.raises(InvalidRegionEndpoint, match="Did you mean eu-central-1"):
        parse_region_endpoint("eu-centrall-1")


def test_an_unknown_but_well_formed_code_is_taken_only_when_forced():
    with pytest.raises(InvalidRegionEndpoint, match="Use It Anyway"):
        parse_region_endpoint("xx-north-9")

    assert parse_region_endpoint("xx-north-9", allow_unknown=True).known is False


@pytest.mark.parametrize("text", ["", "s3.eu-central-1.amazonaws.com", "ec2-fips.eu-central-1.amazonaws.com", "x.y.z"])
def test_what_is_no_endpoint_of_ec2_is_refused(text):
    with pytest.raises(InvalidRegionEndpoint):
        parse_region_endpoint(text)


@pytest.mark.parametrize(
    "text",
    [
        "ftp://ec2.example",
        "https://user:pw@ec2.example",
        "https://ec2.example/path",
        "ec2.example:99999",
        "ec2 example",
    ],
)
def test_an_endpoint_is_a_host_and_a_port_only(text):
    with pytest.raises(InvalidRegionEndpoint):
        parse_endpoint_url(text)


def test_a_host_with_a_port_keeps_it():
    assert parse_endpoint_url("10.0.0.7:8443") == "https://10.0.0.7:8443"


@given(st.text(max_size=60))
@example(".[")
def test_any_text_is_read_or_refused_in_words(text):
    for read in (partial(parse_region_endpoint, allow_unknown=True), parse_endpoint_url):
        try:
            read(text)
        except InvalidRegionEndpoint as refused:
            assert str(refused)


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_has_a_name_and_an_endpoint_that_leads_back_to_it(region):
    assert region_name(region)
    assert parse_region_endpoint(ec2_endpoint(region)).region == region
    assert partition_of(default_sts_region(region)) == partition_of(region)
