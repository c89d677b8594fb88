"""What tests share, and skips that count as failures in CI."""

import os

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and os.environ.get("EC2MON_REQUIRE_ALL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.fixture
def aws():
    from simulator.server import Simulator

    with Simulator(delay_s=0) as simulator:
        yield simulator
