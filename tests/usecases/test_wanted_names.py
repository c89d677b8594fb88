"""All instances are called what naming all of them together would call them, however few are looked at."""

from contextlib import closing

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from elements.domain.changes import Name
from elements.domain.instance_rows import instance_values
from elements.domain.naming import make_unique
from elements.domain.snapshots import InstanceSnapshot, Page
from elements.models import Instance
from elements.usecases.reading import Reading
from elements.usecases.wanted_names import wanted_names
from tests import builders

pytestmark = pytest.mark.django_db
IDS = [f"i-{number:017x}" for number in range(1, 6)]
# Names that several have, and those that longer ones run into.
NAMES = ["web", "web [000001]", "web [000002]", f"web [{IDS[0]}]", "db"]

names = st.dictionaries(st.sampled_from(IDS), st.sampled_from(NAMES))


@pytest.fixture
def element():
    return builders.element(naming_format="{name}")


def snapshot(instance_id, name):
    return InstanceSnapshot(instance_id, "running", tags={"Name": name})


def hold(element, plain):
    """Store instances under the names that a poll of all of them gives."""
    now, shown = timezone.now(), make_unique(plain)[0]
    Instance.objects.all().delete()
    Instance.objects.bulk_create(
        Instance(
            element=element,
            first_seen_at=now,
            observed_at=now,
            **instance_values(snapshot(key, name), Name(shown[key], name)),
        )
        for key, name in plain.items()
    )
    return shown


def read(element, seen, gone=()):
    """Return a reading that found `seen`, and of those held all but the gone ones unchanged."""
    reading = Reading(element, anew=False)
    reading.begin()
    unchanged = [key for key in reading.known if key not in seen and key not in gone]
    reading.note_instances(Page(True, unchanged, [snapshot(key, name) for key, name in seen.items()]))
    return reading


@given(held=names, seen=names, gone=st.sets(st.sampled_from(IDS)))
@example(held={IDS[0]: "web", IDS[2]: "web [000001]"}, seen={IDS[1]: "web"}, gone=set())
@example(held={IDS[0]: "web", IDS[1]: "web", IDS[2]: "web [000001]"}, seen={}, gone={IDS[1]})
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_few_that_were_read_make_the_names_that_all_together_make(element, held, seen, gone):
    shown, gone = hold(element, held), gone - seen.keys()
    wanted = {key: name for key, name in {**held, **seen}.items() if key not in gone}
    expected, shared = make_unique(wanted)

    with closing(read(element, seen, gone)) as reading:
        found = wanted_names(reading, "{name}")
        renamed = {each.instance_id: each.name.text for each in found.renamed()} if found else {}
        looked_at = {key: found.name(key, name).text if found else shown[key] for key, name in seen.items()}

    left = {key: shown[key] for key in held if key in wanted and key not in seen}
    assert {**left, **renamed, **looked_at} == expected
    assert found is None or found.shared == len([key for key in expected if expected[key] != wanted[key]])
    assert all(renamed[key] != shown[key] for key in renamed)


def test_an_unchanged_read_makes_no_names(element):
    hold(element, dict.fromkeys(IDS, "web"))

    with closing(read(element, {IDS[0]: "web"})) as reading:
        assert wanted_names(reading, "{name}") is None


def test_names_that_a_poll_that_was_cut_off_left_half_made_are_all_made_anew(element):
    hold(element, dict.fromkeys(IDS, "web"))
    Instance.objects.filter(instance_id=IDS[3]).update(display_name="web", name_is_shared=False)

    with closing(read(element, {})) as reading:
        found = wanted_names(reading, "")
        renamed = [(each.instance_id, each.name.text) for each in found.renamed()]

    assert renamed == [(IDS[3], f"web [{IDS[3][-6:]}]")]


def test_another_format_names_all_from_their_rows(element):
    hold(element, {IDS[0]: "web", IDS[1]: "web", IDS[2]: "db"})
    element.naming_format = "{name} of {region}"

    with closing(read(element, {IDS[2]: "log"})) as reading:
        found = wanted_names(reading, "{name}")
        renamed = {each.instance_id: each.name for each in found.renamed()}

    where = "of eu-central-1"
    assert renamed == {key: Name(f"web {where} [{key[-6:]}]", f"web {where}") for key in IDS[:2]}
