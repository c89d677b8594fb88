"""What was found among the rows of an element, kept until they change: keys and numbers, never a row.

A question is everything that the answer depends on, and the version of the rows is part of it. So nothing has to be
taken back when they change: then another question is asked, and what nobody asks for any more is pushed out.
"""

import threading
from array import array
from collections import OrderedDict
from collections.abc import Hashable, Iterable

# In each process of the web server: 1 MB of keys, and as much again for questions of usual length.
ANSWERS, KEYS = 1000, 100_000


class KeptFinds:
    """At most so many answers, with at most so many keys in all; the one that was not asked for longest goes first."""

    def __init__(self, *, answers: int = ANSWERS, keys: int = KEYS) -> None:
        self._answers, self._keys = answers, keys
        self._lock, self._held = threading.Lock(), 0
        self._kept: OrderedDict[Hashable, array[int]] = OrderedDict()

    def get(self, question: Hashable) -> "array[int] | None":
        """Return what was found, None when nothing is kept or the question is None; nobody may change it."""
        with self._lock:
            found = self._kept.get(question)
            if found is not None:
                self._kept.move_to_end(question)
            return found

    def keep(self, question: Hashable | None, found: Iterable[int]) -> None:
        """Keep an answer, unless the question is None, which nothing is kept for."""
        if question is None:
            return
        answer = array("q", found)
        with self._lock:
            self._held += len(answer) - len(self._kept.pop(question, ()))
            self._kept[question] = answer
            while len(self._kept) > self._answers or self._held > self._keys:
                _, oldest = self._kept.popitem(last=False)
                self._held -= len(oldest)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._held = 0


FINDS = KeptFinds()
