"""Keep the leases of the polls that this process runs: they are short, so that a host that dies is soon replaced."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error, connections
from django.utils import timezone

from elements.models import Poll

log = logging.getLogger(__name__)

LEASE_S = 15.0
RENEW_EVERY_S = 4.0

_changed = threading.Condition()
_tokens: set[str] = set()
_keepers: list[threading.Thread] = []


@contextmanager
def kept(token: str) -> Iterator[None]:
    """Renew a lease for as long as this process lives and the block lasts."""
    with _changed:
        _tokens.add(token)
        if not _keepers:
            keeper = threading.Thread(target=_keep, daemon=True, name="leases")
            _keepers.append(keeper)
            keeper.start()
    try:
        yield
    finally:
        with _changed:
            _tokens.discard(token)


def _keep() -> None:
    """Renew all leases with one statement now and then, until there are none."""
    while True:
        with _changed:
            _changed.wait(RENEW_EVERY_S)
            tokens = list(_tokens)
            if not tokens:
                _keepers.clear()
                return
        try:
            Poll.objects.renew(tokens, timezone.now() + timedelta(seconds=LEASE_S))
        except Error as error:  # an InterfaceError is no DatabaseError, and would end this thread for good
            log.warning("leases could not be renewed: %s", str(error).strip())
        finally:
            connections.close_all()
