"""Every word of the filter language on rows, and every order."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from elements.domain.filters import parse
from elements.models import Instance, ScheduledEvent, instances
from elements.models.instance_filters import condition
from elements.models.instances import SORTS, window
from tests import builders

pytestmark = pytest.mark.django_db


@pytest.fixture
def element():
    return builders.element()


@pytest.fixture
def fleet(element):
    """Four instances that differ in everything a filter looks at."""
    now = timezone.now()
    prod, dev = {"env": "prod", "Channel": "A+", "note": "100%_sure"}, {"env": "Prod-EU"}
    builders.instance(
        element,
        "Encoder-HD-01",
        tags=prod,
        private_ip="10.20.4.9",
        public_ip="3.120.44.21",
        launched_at=now - timedelta(hours=2),
        instance_type="c7i.4xlarge",
    )
    builders.instance(
        element,
        "encoder-hd-02",
        tags=dev,
        private_ip="10.20.4.10",
        checks=("ok", "impaired", "ok"),
        launched_at=now - timedelta(days=3),
        instance_type="c7i.large",
        availability_zone="eu-central-1b",
    )
    builders.instance(
        element,
        "Ärchiv",
        state="stopped",
        private_ip="10.20.5.1",
        launched_at=now - timedelta(days=30),
        instance_type="t3.small",
    )
    moving = builders.instance(element, "mover", state="stopping", instance_type="t3.small", tags={"empty": ""})
    ScheduledEvent.objects.create(
        element=element,
        instance=moving,
        instance_id_text=moving.instance_id,
        event_id="e-1",
        code="instance-stop",
        first_seen_at=now,
    )
    builders.instance(element, "old-one", state="terminated", instance_type="m5.large", gone=True)


def found(element, text):
    rows = element.instances.filter(condition(parse(text), timezone.now()))
    return sorted(rows.values_list("display_name", flat=True))


HD = ["Encoder-HD-01", "encoder-hd-02"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ENCODER", HD),
        ("ärchiv", ["Ärchiv"]),
        ("ÄRCH*", ["Ärchiv"]),
        ("10.20.4.*", HD),
        ("3.120.44.21", ["Encoder-HD-01"]),
        ("c7i", HD),
        ("prod", HD),
        ("encoder prod-eu", ["encoder-hd-02"]),
        ("%", ["Encoder-HD-01"]),
        ("100%_s", ["Encoder-HD-01"]),
        ("a+", ["Encoder-HD-01"]),
        ("enc*02", ["encoder-hd-02"]),
        ("name:hd-01", ["Encoder-HD-01"]),
        ("name:hd*", []),
        ("name:encoder-hd-0*", HD),
        ("name:prod", []),
        ("name:ÄR", ["Ärchiv"]),
        ("id:0001", ["Encoder-HD-01"]),
        ("id:i-*2", ["encoder-hd-02"]),
        ("type:c7i.*", HD),
        ("type:c7i", []),
        ("type:t3.small", ["mover", "Ärchiv"]),
        ("az:1b", ["encoder-hd-02"]),
        ("az:eu-central-1b", ["encoder-hd-02"]),
        ("az:*1b", ["encoder-hd-02"]),
        ("az:b", []),
        ("ip:10.20.4.*", HD),
        ("ip:10.20.4.1", []),
        ("ip:3.120.44.21", ["Encoder-HD-01"]),
        ("ip:10.20.4.0/24", HD),
        ("ip:10.20.4.8/31", ["Encoder-HD-01"]),
        ("tag:env", HD),
        ("tag:ENV=prod", ["Encoder-HD-01"]),
        ("tag:env=prod*", HD),
        ("tag:env=*eu", ["encoder-hd-02"]),
        ("tag:chan*=a+", ["Encoder-HD-01"]),
        ("tag:en", []),
        ("tag:e*", ["Encoder-HD-01", "encoder-hd-02", "mover"]),
        ("tag:empty=", ["mover"]),
        ("state:running", HD),
        ("state:stop", ["mover", "Ärchiv"]),
        ("state:stopped", ["Ärchiv"]),
        ("-state:gone az:1a", ["Encoder-HD-01", "mover", "Ärchiv"]),
        ('tag:"note=100%_SURE"', ["Encoder-HD-01"]),
        ("tag:env=prod", ["Encoder-HD-01"]),
        ("i-*0002", ["encoder-hd-02"]),
        ("state:changing", ["mover"]),
        ("state:gone", ["old-one"]),
        ("-state:gone state:terminated", []),
        ("checks:impaired", ["encoder-hd-02"]),
        ("checks:failing", ["encoder-hd-02"]),
        ("checks:ok", ["Encoder-HD-01"]),
        ("checks:none -state:gone", ["mover", "Ärchiv"]),
        ("event:any", ["mover"]),
        ("event:stop", ["mover"]),
        ("event:reboot", []),
        ("event:none state:stopping", []),
        ("launched:<24h", ["Encoder-HD-01"]),
        ("launched:>7d", ["Ärchiv"]),
        ("launched:<999999w", ["Encoder-HD-01", "encoder-hd-02", "Ärchiv"]),
        ("-encoder -state:gone", ["mover", "Ärchiv"]),
        ("-launched:<24h encoder", ["encoder-hd-02"]),
        ("-event:any state:stopping", []),
        ("-tag:env -state:gone", ["mover", "Ärchiv"]),
        ("encoder -az:1a", ["encoder-hd-02"]),
        ("[a-z]", []),
        ("^encoder$", []),
        (r"\d", []),
        ("name:e.coder*", []),
    ],
)
def test_a_filter_finds(element, fleet, text, names):
    assert found(element, text) == sorted(names)


def test_events_that_are_over_do_not_count(element, fleet):
    ScheduledEvent.objects.update(cleared_at=timezone.now())

    assert found(element, "event:any") == []


def test_an_event_whose_instance_is_unknown_hides_nothing(element, fleet):
    ScheduledEvent.objects.create(
        element=element, instance_id_text="i-x", event_id="e-2", code="instance-stop", first_seen_at=timezone.now()
    )

    assert found(element, "-event:any encoder") == HD


def test_a_pattern_full_of_wildcards_takes_no_time(element):
    builders.instance(element, "a" * 255, tags={f"k{n}": "a" * 255 for n in range(40)})
    began = time.perf_counter()

    assert found(element, "*a*a*a*a*a*a*ab") == []
    assert found(element, "tag:*a*a*a*a*a*a*ab") == []

    assert time.perf_counter() - began < 1


def names(element, sort):
    return list(element.instances.sorted_by(sort).values_list("display_name", flat=True))


def test_names_sort_without_regard_to_case(element):
    for name in ("beta", "Alpha", "Gamma"):
        builders.instance(element, name)

    assert names(element, "name") == ["Alpha", "beta", "Gamma"]
    assert names(element, "-name") == ["Gamma", "beta", "Alpha"]


def test_addresses_sort_as_numbers_and_none_comes_last_either_way(element):
    for name, ip in (("ten", "10.0.0.10"), ("none", ""), ("nine", "10.0.0.9")):
        builders.instance(element, name, private_ip=ip, public_ip=ip)

    for column in ("private_ip", "public_ip"):
        assert names(element, column) == ["nine", "ten", "none"]
        assert names(element, f"-{column}") == ["ten", "nine", "none"]


def test_checks_come_worst_first(element):
    builders.instance(element, "fine")
    builders.instance(element, "starting", checks=("initializing", "ok", "ok"))
    builders.instance(element, "bad", checks=("ok", "impaired", "ok"))
    builders.instance(element, "off", state="stopped")

    assert names(element, "checks") == ["bad", "starting", "fine", "off"]


def test_the_youngest_launch_comes_first(element):
    now = timezone.now()
    builders.instance(element, "old", launched_at=now - timedelta(days=1))
    builders.instance(element, "young", launched_at=now)

    assert names(element, "launched") == ["young", "old"]
    assert names(element, "-launched") == ["old", "young"]


def test_states_come_in_the_order_of_a_life_and_unheard_of_ones_last(element):
    for state in ("upside-down", "terminated", "stopped", "pending", "running"):
        builders.instance(element, state, state=state)

    assert names(element, "state") == ["pending", "running", "stopped", "terminated", "upside-down"]
    assert names(element, "-state") == names(element, "state")[::-1]


@pytest.mark.parametrize("sort", ["name", "-name", "state", "-private_ip", "platform", "-tag:x"])
def test_every_page_holds_the_rows_that_come_next_from_whichever_end_it_is_read(element, sort):
    for number in range(11):
        builders.instance(
            element, f"n{number}", private_ip="10.0.0.1" if number % 2 else "", tags={"x": str(number % 3)}
        )
    every = list(element.instances.sorted_by(sort))

    pages = [element.instances.sorted_by(sort).rows(window(start, start + 3, 11)) for start in range(0, 12, 3)]

    assert [len(page) for page in pages] == [3, 3, 3, 2]
    assert [row for page in pages for row in page] == every
    assert not element.instances.sorted_by(sort).rows(window(0, 50, 0))


@pytest.mark.parametrize("few", [0, 4, 5, 500])
@pytest.mark.parametrize("sort", ["name", "-state"])
def test_few_and_many_matches_are_counted_and_sorted_alike(element, monkeypatch, few, sort):
    monkeypatch.setattr(instances, "FEW", few)
    for number in range(10):
        builders.instance(element, f"n{number % 2}-{number}", state="running" if number % 3 else "stopped")
    matching = element.instances.listed().filter(condition(parse("n1"), timezone.now())).sorted_by(sort)

    keys, count = matching.counted()
    found = matching if keys is None else Instance.objects.filter(pk__in=keys).sorted_by(sort)

    assert (count, keys is None) == (5, few < 5)
    assert list(found.rows(window(0, 3, count))) == list(matching)[:3]
    assert list(found.rows(window(3, 6, count))) == list(matching)[3:]


def test_a_search_with_few_matches_reads_the_rows_once(element, django_assert_num_queries):
    row = builders.instance(element, "n1")
    matching = element.instances.listed().filter(condition(parse("n1"), timezone.now())).sorted_by("name")

    with django_assert_num_queries(1):
        keys, count = matching.counted()

    assert (keys, count) == ([row.pk], 1)


def test_any_tag_key_sorts(element):
    builders.instance(element, "b", tags={"team.x": "2"})
    builders.instance(element, "none")
    builders.instance(element, "a", tags={"team.x": "1"})

    assert names(element, "tag:team.x") == ["a", "b", "none"]
    assert names(element, "-tag:team.x") == ["b", "a", "none"]


@pytest.mark.parametrize("key", ["2024", "9" * 25, "٣", 'a"b', "a\\b", "a%sb", "x[0]", "Ärger", "$"])
def test_a_tag_sorts_by_its_value_whatever_its_key_looks_like(element, key):
    for name in ("b", "a", "c"):
        builders.instance(element, name, tags={key: name})

    assert names(element, f"tag:{key}") == ["a", "b", "c"]
    assert names(element, f"-tag:{key}") == ["c", "b", "a"]


@pytest.mark.parametrize(
    "sort", [*SORTS, "tag:x", 'tag:a"b', "tag:'; drop", "tag:🎬", "tag:$", "tag:0", "nonsense", "-", ""]
)
def test_equal_rows_keep_one_order_and_the_opposite_one_downwards_whatever_the_column(element, sort):
    same = [builders.instance(element, "same", tags={"x": "1"}).pk for _ in range(5)]
    ids = {row.pk: row.instance_id for row in element.instances.all()}

    upwards, downwards = (list(element.instances.sorted_by(d + sort).values_list("pk", flat=True)) for d in ("", "-"))

    assert upwards == (sorted(same, key=ids.get) if sort == "id" else same)
    assert downwards == (upwards if sort in ("-", "") or sort == "nonsense" else upwards[::-1])
