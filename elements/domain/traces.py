"""The name of what is being done, a request or a poll: it stands in the log, in Debug and on error pages."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

REQUEST, POLL, TASK = "req", "poll", "task"
_current: ContextVar[str] = ContextVar("trace", default="")


def current() -> str:
    """Return the name of what this thread does, "" when that has none."""
    return _current.get()


@contextmanager
def traced(kind: str) -> Iterator[str]:
    """Give what is done within a new name, which nobody outside can choose or guess."""
    name = f"{kind}-{secrets.token_hex(6)}"
    token = _current.set(name)
    try:
        yield name
    finally:
        _current.reset(token)


@contextmanager
def within(name: str) -> Iterator[None]:
    """Let a thread that helps go by the name of whom it helps."""
    token = _current.set(name)
    try:
        yield
    finally:
        _current.reset(token)
