"""Reads DATABASE_URL and REDIS_URL, and says what is wrong with them without quoting them: they hold passwords."""

import warnings
from contextlib import suppress
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from redis.connection import parse_url

_ENGINES = ("django.db.backends.postgresql", "django.db.backends.sqlite3")
_ENCODE = "In a name or password, write @ : / ? # and % as %40 %3A %2F %3F %23 and %25."


def database(url: str) -> dict[str, Any]:
    """Return Django's settings of a database."""
    found: dict[str, Any] = {}
    with warnings.catch_warnings(), suppress(ValueError):
        warnings.simplefilter("ignore")  # it warns with the address, of which nothing is to be shown
        found = Env.db_url_config(url)
    if found.get("ENGINE") not in _ENGINES:
        raise _unreadable("DATABASE_URL", "postgres://ec2mon:password@db.example.org/ec2mon")
    return found


def redis(url: str) -> str:
    """Return the address of a Redis server as it is, once it can be read; "" for none."""
    try:
        if url:
            parse_url(url)
    except ValueError:
        raise _unreadable("REDIS_URL", "redis://:password@redis.example.org/0") from None
    return url


def _unreadable(name: str, sample: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} cannot be read; it must look like {sample}. {_ENCODE}")
