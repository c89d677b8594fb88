"""What counts as flat."""

import pytest

from tests.soak.figures import Sample, results

pytestmark = pytest.mark.once


def grown(samples):
    return {result.name: result for result in results(samples)}


def samples(memory, *, late=0.0):
    return [Sample(float(at), memory(at), 100, 50.0, late) for at in range(0, 1000, 10)]


def test_what_grows_all_the_time_is_not_flat():
    found = grown(samples(lambda at: 500 + at))

    assert not found["memory, MiB"].is_flat
    assert found["memory, MiB"].grown == pytest.approx(690)
    assert found["open files"].is_flat and found["database, MiB"].is_flat


def test_what_is_filled_in_the_beginning_and_swings_is_flat():
    found = grown(samples(lambda at: (500 if at > 250 else at) + (at % 40)))

    assert found["memory, MiB"].is_flat


def test_what_is_late_for_a_while_near_the_end_is_flat():
    found = results([Sample(float(at), 500, 100, 50.0, 80.0 if 750 < at < 900 else 3.0) for at in range(0, 1000, 10)])

    assert all(result.is_flat for result in found)
    assert found[-1].most == 80.0


def test_a_line_says_what_is_not_flat():
    assert str(grown(samples(lambda at: at))["memory, MiB"]).endswith("NOT FLAT")
