import pytest
from django.db import transaction
from django.utils import timezone

from elements.aws import parsing
from elements.domain.changes import Changes, Name
from elements.domain.instance_rows import instance_values
from elements.models import Instance, Poll
from elements.usecases.run_polls import poll_once
from elements.usecases.store_snapshots import Moment, Seen, drop_checks, store_rows
from tests import builders

pytestmark = pytest.mark.django_db

TEXTS = (
    "StateTransitionReason PrivateIpAddress PublicIpAddress PrivateDnsName PublicDnsName InstanceType"
    " PlatformDetails Architecture VpcId SubnetId ImageId KeyName InstanceLifecycle RootDeviceType"
)


def test_hostile_names_and_tags_are_stored_and_the_poll_is_good(aws):
    aws.add_instances(
        names=["<script>alert(1)</script>", "\u202egnp.exe", "🎬" * 60, "=1+1", "x" * 50_000, "\u200b", "a\nb"],
        tags={f"key-{number}": "v" * 256 for number in range(200)},
    )
    aws.add_instances(names=["many"], tags={f"key-{number}": "v" for number in range(10_000)})
    element = builders.element(aws, aws.add_keys())

    report = poll_once(element.pk, caller="poll", now=timezone.now())

    assert (report.ok, Instance.objects.count()) == (True, 8)
    assert len(Instance.objects.get(display_name="many").tags) == 10_001
    assert all(len(name) <= 255 for name in Instance.objects.values_list("display_name", flat=True))


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "\udfff", "x" * 50_000])
def test_text_that_a_database_refuses_is_stored_as_one_that_it_takes(text):
    element = builders.element()
    raw = {
        "InstanceId": "i-0123456789abcdef0",
        "State": {"Name": "running"},
        "StateReason": {"Code": text, "Message": text},
        "Placement": {"AvailabilityZone": text},
        "Tags": [{"Key": text, "Value": text}, {"Key": "Name", "Value": text}],
        **dict.fromkeys(TEXTS.split(), text),
        "Operator": {"Managed": True, "Principal": text},
        "IamInstanceProfile": {"Arn": text},
    }
    snapshots = list(parsing.instances({"Reservations": [{"OwnerId": text, "Instances": [raw]}]}))
    now = timezone.now()

    name = Name(snapshots[0].name[:255], snapshots[0].name[:255])
    seen = [Seen(each.instance_id, each, name=name) for each in snapshots]
    with transaction.atomic():
        changes = store_rows(element, seen, Moment(now, now))

    row = Instance.objects.get()
    assert changes == Changes(added=1)
    assert instance_values(snapshots[0], name)["digest"] == row.digest


def test_checks_that_are_dropped_are_a_change_that_open_pages_fetch():
    element = builders.element()
    idle = builders.instance(element, "idle", row={"state": "stopped"})
    builders.instance(element, "runs")

    with transaction.atomic():
        dropped = drop_checks(element, [row.instance_id for row in Instance.objects.all()], timezone.now())

    assert dropped
    assert list(Instance.objects.order_by("pk").values_list("checks_rank", "revision")) == [(9, 1), (3, 0)]
    assert Poll.objects.get().revision == 1

    with transaction.atomic():
        assert not drop_checks(element, [idle.instance_id], timezone.now())

    assert Poll.objects.get().revision == 1
