"""Somebody who goes on looking while things break: what a page does not call old must be what AWS says now."""

import contextlib
import re
import threading
import time
from collections.abc import Iterator

from tests.faults.installation import Installation
from tests.faults.ledger import LEDGER
from tests.faults.person import Person

LOOKS_EVERY_S = 0.5
# What a page says when it does not vouch for what it shows.
_CAVEAT = re.compile(r"AWS data is|No AWS data yet|last known state|silent since|silent: no sign of life")
_NUMBER = re.compile(r"<h1><bdi>as-of-(\d+)</bdi></h1>")
_GRACE_S = 5


class Onlooker:
    """Gives an instance of each element a new name at AWS again and again, and sees how late its page has it.

    What two intervals and the grace ago was true no longer must not be on a page that says nothing of its age.
    """

    def __init__(self, product: Installation, person: Person, interval_s: int) -> None:
        self._product, self._person, self._limit_s = product, person, 2 * interval_s + _GRACE_S
        self._watched = [(slug, ids[-1]) for slug, ids in product.ids.items()]
        self._named_at: list[float] = []
        self.looked, self.stale = 0, list[str]()

    def look_until(self, ended: threading.Event) -> None:
        """Name, and look at one element after the other; what does not answer is passed over."""
        while not ended.wait(LOOKS_EVERY_S):
            for _, each in self._watched:
                self._product.aws.instance(each).tags["Name"] = f"as-of-{len(self._named_at)}"
            self._named_at.append(time.time())
            slug, each = self._watched[len(self._named_at) % len(self._watched)]
            self._look(slug, each)

    def tell(self) -> None:
        """Note in the ledger what was seen; fails when something old looked fresh."""
        print(*self.stale, sep="\n")
        LEDGER.never("stale values shown as fresh", len(self.stale), of=self.looked)

    def _look(self, slug: str, each: str) -> None:
        asked_at = time.time()
        answer = self._person.get(f"/e/{slug}/instances/{each}/")
        if answer.status != 200:
            return
        self.looked += 1
        found = _NUMBER.search(answer.text)
        replaced = self._named_at[int(found[1]) + 1 :][:1] if found else self._named_at[:1]
        old_s = asked_at - replaced[0] if replaced else 0
        if old_s > self._limit_s and not _CAVEAT.search(answer.text):
            self.stale.append(f"{each} of {slug} is {old_s:.0f} s old and looks fresh")


@contextlib.contextmanager
def onlooker(product: Installation, interval_s: int) -> Iterator[Onlooker]:
    """Look on meanwhile."""
    looks, ended = Onlooker(product, product.operator(), interval_s), threading.Event()
    thread = threading.Thread(target=looks.look_until, args=(ended,), daemon=True)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join(120)
