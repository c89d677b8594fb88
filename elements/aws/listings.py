"""Read a listing page by page, and both listings of a region at once."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from elements.aws import parsing, reading
from elements.aws.asking import Asker
from elements.aws.errors import AwsError, AwsRejected
from elements.aws.recorder import Attempt
from elements.domain.snapshots import Page

PAGE_SIZE = 1000
MAX_PAGES = 1000
# Pages that wait for whoever stores them: enough that AWS is never waited for while one is stored.
_AHEAD = 2
# How often whoever waits for a page looks whether one can come at all.
_LOOK_S = 1.0
_LOST_TOKEN = ("InvalidNextToken", "InvalidParameterValue", "InvalidPaginationToken", "ExpiredNextToken")


@dataclass(frozen=True, eq=False)
class Listing:
    """An operation that lists, how its answer is read, and how when botocore has parsed it."""

    operation: str
    parameters: Mapping[str, Any]
    read: reading.Reader
    parse: Callable[[Mapping[str, Any]], Iterator[Any]]

    def page(
        self, asker: Asker, known: Mapping[str, bytes], first: bool, **parameters: Any
    ) -> tuple[Page[Any], str | None]:
        """Return one page and the token of the next."""
        answer, found = asker.read(self.operation, self.read, known, **self.parameters, **parameters)
        try:
            page = Page(first, found.unchanged, found.seen) if found else Page(first, [], list(self.parse(answer)))
        except parsing.Incomplete as error:
            raise asker.not_understood(self.operation, str(error)) from None
        return page, answer.get("NextToken")

    def some(self, asker: Asker, **parameters: Any) -> list[Any]:
        """Return what one call lists."""
        page, _ = self.page(asker, {}, True, **parameters)
        return page.seen

    def pages(self, asker: Asker, known: Mapping[str, bytes]) -> Iterator[Page[Any]]:
        """Yield all pages; when AWS has lost its place, they are read once more from the first."""
        try:
            yield from self._pages(asker, known)
            return
        except AwsRejected as error:
            if error.code not in _LOST_TOKEN:
                raise
        yield from self._pages(asker, known)

    def _pages(self, asker: Asker, known: Mapping[str, bytes]) -> Iterator[Page[Any]]:
        tokens: set[str] = set()
        token: str | None = None
        while True:
            paging = {"NextToken": token} if token else {}
            page, token = self.page(asker, known, not token, MaxResults=PAGE_SIZE, **paging)
            yield page
            if not token:
                return
            if token in tokens or len(tokens) >= MAX_PAGES:
                raise asker.not_understood(self.operation, "its pages do not end")
            tokens.add(token)


INSTANCES = Listing("DescribeInstances", {}, reading.instances, parsing.instances)
STATUSES = Listing("DescribeInstanceStatus", {"IncludeAllInstances": True}, reading.statuses, parsing.statuses)

Item = Page[Any] | Attempt | BaseException | None


class _Stopped(BaseException):
    """Nobody wants the rest of a listing."""


class AtOnce:
    """Reads several listings, each in a thread of its own; what belongs to the poll is done in the poll's thread."""

    def __init__(self, asker: Asker, known: Mapping[Listing, Mapping[str, bytes]]) -> None:
        self._asker, self._known = asker, known
        self._items: queue.SimpleQueue[tuple[Listing, Item]] = queue.SimpleQueue()
        self._room = {listing: threading.Semaphore(_AHEAD) for listing in known}
        self._reading, self._stopped = dict[Listing, threading.Thread](), False

    def pages(self) -> Iterator[tuple[Listing, Page[Any] | AwsError]]:
        """Yield the pages as they come; a listing that fails yields its error, and no more."""
        with self._asker.booked():
            try:
                yield from self._pages()
            except (Exception, GeneratorExit):
                self._stop()
                for _ in self._taken():
                    pass
                raise
            finally:
                # Where the process is to end, or its task took too long, nobody waits for the attempts under way.
                self._stop()

    def _pages(self) -> Iterator[tuple[Listing, Page[Any] | AwsError]]:
        for listing in self._known:
            name = f"listing {listing.operation}"
            # What it logs goes by the name of the poll, too.
            args = (self._run, listing)
            thread = threading.Thread(target=copy_context().run, args=args, daemon=True, name=name)
            thread.start()
            self._reading[listing] = thread
        for listing, item in self._taken():
            if isinstance(item, Page | AwsError):
                yield listing, item
                self._room[listing].release()
            elif item is not None:
                raise item

    def _taken(self) -> Iterator[tuple[Listing, Page[Any] | BaseException | None]]:
        """Record attempts, and yield everything else, until all threads have ended."""
        while self._reading:
            try:
                listing, item = self._items.get(timeout=_LOOK_S)
            except queue.Empty:
                self._speak_for_the_lost()
                continue
            if isinstance(item, Attempt):
                self._asker.recorder.keep(item)
                continue
            if not isinstance(item, Page):
                self._reading.pop(listing, None)
            yield listing, item

    def _speak_for_the_lost(self) -> None:
        """Say the error of threads that cannot say it: dead without a word, or waiting long past the deadline."""
        for listing, thread in self._reading.items():
            if not thread.is_alive() and self._items.empty():
                self._items.put((listing, self._asker.not_understood(listing.operation, "its reading ended early")))
            elif self._asker.is_long_overdue:
                self._items.put((listing, self._asker.overdue(listing.operation)))

    def _stop(self) -> None:
        """Let the threads end after the attempts that they are making."""
        self._stopped = True
        for room in self._room.values():
            room.release()

    def _run(self, listing: Listing) -> None:
        try:
            with self._asker.recorder.diverted(lambda attempt: self._note(listing, attempt)):
                for page in listing.pages(self._asker, self._known[listing]):
                    self._items.put((listing, page))
                    self._room[listing].acquire()
                    self._end_if_stopped()
        except BaseException as error:
            self._items.put((listing, error))
        else:
            self._items.put((listing, None))

    def _note(self, listing: Listing, attempt: Attempt) -> None:
        self._items.put((listing, attempt))
        self._end_if_stopped()

    def _end_if_stopped(self) -> None:
        if self._stopped:
            raise _Stopped
