import pytest

from elements.domain.losses import ADDRESS, DATA, GROUP, has_instance_store, is_elastic, losses, must_type

WITH_DISKS = (
    "c5d.large m6gd.xlarge c6id.metal x2idn.16xlarge x2iedn.xlarge r5dn.large m5dn.large p3dn.24xlarge g4dn.xlarge"
    " g4ad.xlarge p4d.24xlarge p4de.24xlarge g5.xlarge g6.xlarge g6e.xlarge gr6.4xlarge p5.48xlarge i2.xlarge i3.large"
    " i3en.large i4i.large i4g.large i7ie.large im4gn.large is4gen.large d2.xlarge d3.xlarge d3en.xlarge h1.2xlarge"
    " hs1.8xlarge f1.2xlarge f2.6xlarge x1.16xlarge x1e.xlarge z1d.large m3.medium c3.large r3.large m1.small"
    " trn1.2xlarge dl1.24xlarge hpc6id.32xlarge r7gd.large m8gd.large x2gd.large"
)
WITHOUT = (
    "t2.micro t3.large t4g.medium m4.large m5.large m5n.large m6i.large m7g.large c4.large c5.large c5n.large"
    " c6in.4xlarge c6g.large c7i.2xlarge r4.large r5.large r6g.large r7iz.large x8g.large inf1.xlarge inf2.xlarge"
    " g3.4xlarge g3s.xlarge g5g.xlarge p2.xlarge p3.2xlarge hpc7a.12xlarge hpc7g.4xlarge u-6tb1.metal mac1.metal"
    " mac2.metal vt1.3xlarge a1.large"
)


@pytest.mark.parametrize("instance_type", WITH_DISKS.split())
def test_types_with_disks_of_their_host_lose_data(instance_type):
    assert has_instance_store(instance_type)


@pytest.mark.parametrize("instance_type", ["", *WITHOUT.split()])
def test_types_without_such_disks_do_not(instance_type):
    assert not has_instance_store(instance_type)


def lost(verb="stop", **facts):
    values = {"instance_type": "m5.large", "public_ip": "", "is_elastic": None, "auto_scaling_group": "", **facts}
    return losses(verb, **values)


def test_losses_come_worst_first():
    found = lost(instance_type="g5.xlarge", public_ip="3.1.1.1", auto_scaling_group="packager")

    assert [loss.rank for loss in found] == [DATA, GROUP, ADDRESS]


@pytest.mark.parametrize(
    ("elastic", "texts"),
    [
        (None, ["Public IP 3.1.1.1 is released unless it is an Elastic IP"]),
        (False, ["Public IP 3.1.1.1 is released"]),
        (True, []),
    ],
)
def test_an_address_is_released_unless_it_is_an_elastic_one(elastic, texts):
    assert [loss.text for loss in lost(public_ip="3.1.1.1", is_elastic=elastic)] == texts


@pytest.mark.parametrize("verb", ["start", "reboot"])
def test_only_a_stop_loses_anything(verb):
    assert lost(verb, instance_type="g5.xlarge", public_ip="3.1.1.1", auto_scaling_group="x") == []


@pytest.mark.parametrize(
    ("details", "elastic"),
    [
        ({}, None),
        ({"NetworkInterfaces": None}, None),
        ({"NetworkInterfaces": [{"Association": None}]}, None),
        ({"NetworkInterfaces": [{"Association": {"PublicIp": "9.9.9.9", "IpOwnerId": "111122223333"}}]}, None),
        ({"NetworkInterfaces": [{"Association": {"PublicIp": "3.1.1.1", "IpOwnerId": "amazon"}}]}, False),
        ({"NetworkInterfaces": [{}, {"Association": {"PublicIp": "3.1.1.1", "IpOwnerId": "111122223333"}}]}, True),
    ],
)
def test_whose_address_it_is_stands_in_awss_description(details, elastic):
    assert is_elastic(details, "3.1.1.1") is elastic


@pytest.mark.parametrize(
    ("verb", "number", "loses_data", "typed"),
    [
        ("stop", 9, False, ""),
        ("stop", 10, False, "10"),
        ("stop", 5, True, "5"),
        ("stop", 1, True, "stop"),
        ("stop", 0, False, ""),
        ("start", 200, False, ""),
        ("reboot", 200, True, ""),
    ],
)
def test_the_number_is_typed_when_many_stop_or_data_is_lost(verb, number, loses_data, typed):
    assert must_type(verb, number, loses_data=loses_data) == typed
