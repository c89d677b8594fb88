"""The parts of `make soak`, for some seconds."""

import random

import pytest

from tests.faults.installation import installation, seed
from tests.soak.figures import FIGURES, results
from tests.soak.soak import INTERVAL_S, Pace, Soak

pytestmark = [pytest.mark.once, pytest.mark.timeout(1200)]


def test_a_short_soak_hurts_measures_recovers_and_breaks_nothing(tmp_path):
    with installation(tmp_path) as product:
        product.add_elements(3, instances=10, interval_s=INTERVAL_S)
        # what would take a minute to be noticed is killed elsewhere
        victims = ("clock", "web worker", "warden")
        soak = Soak(product, random.Random(seed()), Pace(1, 0.5, 1, 5), victims=victims)

        soak.run(20)
        soak.recover()

        assert soak.broken() == []
    assert len(soak.samples) >= 4
    assert soak.counts["faults of AWS"] >= 4 and soak.counts["processes killed"] >= 1
    assert any(status == 302 for status in soak.clicks.values())
    assert [result.name for result in results(soak.samples)] == [figure.name for figure in FIGURES]


def test_what_can_no_longer_be_measured_fails_the_run_instead_of_staying_flat():
    class Unreadable:
        execute = operator = staticmethod(lambda *given: None)

        def __getattr__(self, name):
            raise OSError(f"no {name}")

    with pytest.raises(OSError, match="no "):
        Soak(Unreadable(), random.Random(1), Pace(0.01, 0.01, 0.01, 0.01)).run(60)
