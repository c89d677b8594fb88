"""A Redis database for each product that a test starts: one cannot read the tasks that another one signed."""

import itertools
import os
from urllib.parse import urlsplit

DATABASES = 1000
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_numbers = itertools.count(1 + _worker * 300)


def own_broker() -> dict[str, str]:
    """Return the environment with a database of its own, nothing where the database is the queue."""
    url = os.environ.get("REDIS_URL", "")
    return {"REDIS_URL": urlsplit(url)._replace(path=f"/{next(_numbers)}").geturl()} if url else {}
