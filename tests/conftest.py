"""What tests share, what counts as a failure in CI, and what is not run twice."""

import os
from pathlib import Path

import hypothesis
import pytest

# A busy machine is no failure, and CI tries the same inputs each time; new ones are found where people work.
hypothesis.settings.register_profile("ec2mon", deadline=None, derandomize=bool(os.environ.get("EC2MON_REQUIRE_ALL")))
hypothesis.settings.load_profile("ec2mon")

TESTS = Path(__file__).parent
# What knows no database is tested once; everything else runs on PostgreSQL too.
ONCE = ("domain", "simulator", "aws", "house")
# Knows no process, socket, thread or clock: what fails here once is wrong. In CI, on a machine that does other things
# too, everything else may miss a moment once, and CI prints which did.
TIMELESS = ("domain", "house", "models", "supply", "tables", "templatetags")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    from django.conf import settings

    for item in items:
        _keep_migrated_rows(item)
        if os.environ.get("EC2MON_REQUIRE_ALL") and _folder(item) not in TIMELESS:
            item.add_marker(pytest.mark.flaky(reruns=1))
    # Playwright's loop, once started, gives the thread database connections of its own: nothing else comes after it.
    items.sort(key=lambda item: _folder(item) == "browser")
    once = [item for item in items if (_needs_services if settings.SQLITE else _is_plain)(item)]
    config.hook.pytest_deselected(items=once)
    items[:] = [item for item in items if item not in once]


def _keep_migrated_rows(item):
    """Let a test with threads, which empties the tables, find what migrations put there: groups and their rights."""
    marker = item.get_closest_marker("django_db")
    if marker is not None and marker.kwargs.get("transaction"):
        item.add_marker(pytest.mark.django_db(transaction=True, serialized_rollback=True), append=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item, nextitem):
    """Put them back for whichever test comes next: with several workers that may be one in a transaction."""
    yield
    marker = item.get_closest_marker("django_db")
    if nextitem is not None and marker is not None and marker.kwargs.get("transaction"):
        from django.db import connection
        from pytest_django.plugin import blocking_manager_key

        with item.config.stash[blocking_manager_key].unblock():
            connection.creation.deserialize_db_from_string(connection._test_serialized_contents)
            connection.close()


def _folder(item):
    return item.path.relative_to(TESTS).parts[0] if item.path.is_relative_to(TESTS) else ""


def _needs_services(item):
    return item.get_closest_marker("services") is not None


def _is_plain(item):
    says_so = item.get_closest_marker("once") is not None
    return says_so or (_folder(item) in ONCE and item.get_closest_marker("django_db") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and os.environ.get("EC2MON_REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.fixture(autouse=True, scope="session")
def quick_passwords():
    """Spare each user of each test a third of a second of hashing."""
    from django.test.utils import override_settings

    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(autouse=True)
def nothing_found_before():
    """Let no test meet what another found among rows that had the same numbers."""
    from elements.models.kept_finds import FINDS

    FINDS.clear()


@pytest.fixture
def aws():
    from simulator.server import Simulator

    with Simulator(delay_s=0) as simulator:
        yield simulator
