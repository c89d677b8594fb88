import pytest

from tests.with_services import missing


@pytest.mark.parametrize("service", ["PostgreSQL", "Redis"])
def test_the_suite_runs_on_postgresql_with_redis_too(service):
    if service in missing():
        pytest.skip(f"{service} is not installed, so nothing is tested on PostgreSQL with Redis")
