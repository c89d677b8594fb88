"""Read a listing page by page, and both listings of a region at once."""

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from elements.aws import parsing, reading
from elements.aws.asking import Answer, Asker
from elements.aws.botocore_session import parse_answer
from elements.aws.errors import AwsError, AwsRejected
from elements.aws.recorder import Attempt
from elements.domain.snapshots import Page

PAGE_SIZE = 1000
MAX_PAGES = 1000
# Pages that wait for whoever reads them: enough that AWS prepares one while the one before is read and stored.
_AHEAD = 1
# How often whoever waits for a page looks whether one can come at all.
_LOOK_S = 1.0
_LOST_TOKEN = ("InvalidNextToken", "InvalidParameterValue", "InvalidPaginationToken", "ExpiredNextToken")


@dataclass(frozen=True, eq=False)
class Listing:
    """An operation that lists, how what its answer lists is found, and how that is read when botocore has parsed it."""

    operation: str
    parameters: Mapping[str, Any]
    find: reading.Finder
    parse: Callable[[Mapping[str, Any]], Iterator[Any]]

    def page(self, asker: Asker, answer: Answer, known: Mapping[str, bytes]) -> Page[Any]:
        """Read an answer that was asked for."""
        return asker.understood(answer, lambda answer: self._page(answer, known))

    def some(self, asker: Asker, **parameters: Any) -> list[Any]:
        """Return what one call lists."""
        return self.page(asker, self._asked(asker, **parameters), {}).seen

    def pages(self, asker: Asker, known: Mapping[str, bytes]) -> Iterator[Page[Any]]:
        """Yield all pages; when AWS has lost its place, they are read once more from the first."""
        for answer in self.answers(asker):
            yield self.page(asker, answer, known)

    def answers(self, asker: Asker) -> Iterator[Answer]:
        """Yield the answers that are the pages; the next one can be asked for before the last one is read."""
        try:
            yield from self._answers(asker)
            return
        except AwsRejected as error:
            if error.code not in _LOST_TOKEN:
                raise
        yield from self._answers(asker)

    def _answers(self, asker: Asker) -> Iterator[Answer]:
        tokens: set[str] = set()
        token: str | None = None
        while True:
            answer = self._asked(asker, MaxResults=PAGE_SIZE, **({"NextToken": token} if token else {}))
            token = answer.parsed.get("NextToken")
            yield answer
            if not token:
                return
            if token in tokens or len(tokens) >= MAX_PAGES:
                raise asker.not_understood(self.operation, "its pages do not end")
            tokens.add(token)

    def _asked(self, asker: Asker, **parameters: Any) -> Answer:
        return asker.find(self.operation, self.find, **self.parameters, **parameters)

    def _page(self, answer: Answer, known: Mapping[str, bytes]) -> Page[Any]:
        found = answer.take()
        read = found.read(known) if found else None
        if read:
            return Page(answer.first, read.unchanged, read.seen)
        parsed = parse_answer(self.operation, found.body) if found else answer.parsed
        return Page(answer.first, [], list(self.parse(parsed)))


INSTANCES = Listing("DescribeInstances", {}, reading.instances, parsing.instances)
STATUSES = Listing("DescribeInstanceStatus", {"IncludeAllInstances": True}, reading.statuses, parsing.statuses)

Item = Answer | Attempt | BaseException | None


class _Stopped(BaseException):
    """Nobody wants the rest of a listing."""


class AtOnce:
    """Reads several listings, each in a thread of its own; what belongs to the poll is done in the poll's thread."""

    def __init__(self, asker: Asker, known: Mapping[Listing, Mapping[str, bytes]]) -> None:
        self._asker, self._known = asker, known
        self._items: queue.SimpleQueue[tuple[Listing, Item]] = queue.SimpleQueue()
        self._room = {listing: threading.Semaphore(_AHEAD) for listing in known}
        self._reading, self._stopped = dict[Listing, threading.Thread](), False
        self._failed: dict[Listing, AwsError] = {}

    def pages(self) -> Iterator[tuple[Listing, Page[Any] | AwsError]]:
        """Yield the pages as they come; a listing that fails yields its error, and no more."""
        with self._asker.booked():
            try:
                yield from self._pages()
            except (Exception, GeneratorExit):
                self._stop()
                for _, item in self._taken():
                    self._record(item)
                raise
            finally:
                # Where the process is to end, or its task took too long, nobody waits for the attempts under way.
                self._stop()
                while not self._items.empty():
                    self._record(self._items.get()[1])

    def _pages(self) -> Iterator[tuple[Listing, Page[Any] | AwsError]]:
        for listing in self._known:
            name = f"listing {listing.operation}"
            # What it logs goes by the name of the poll, too.
            args = (self._run, listing)
            thread = threading.Thread(target=copy_context().run, args=args, daemon=True, name=name)
            thread.start()
            self._reading[listing] = thread
        for listing, item in self._taken():
            if isinstance(item, Answer):
                page = self._read(listing, item)
                if page is not None:
                    yield listing, page
                self._room[listing].release()
            elif listing in self._failed:
                yield listing, self._failed[listing]
            elif isinstance(item, AwsError):
                yield listing, item
            elif item is not None:
                raise item

    def _read(self, listing: Listing, answer: Answer) -> Page[Any] | None:
        """Read a page; once one was not understood, or the listing was given up, nothing of it counts any more."""
        if listing in self._failed or listing not in self._reading:
            self._asker.let_go(answer)
            return None
        try:
            return listing.page(self._asker, answer, self._known[listing])
        except AwsError as error:
            self._failed[listing] = error
            return None

    def _taken(self) -> Iterator[tuple[Listing, Answer | BaseException | None]]:
        """Record attempts, and yield everything else, until all threads have ended."""
        while self._reading:
            try:
                listing, item = self._items.get(timeout=_LOOK_S)
            except queue.Empty:
                self._speak_for_the_lost()
                continue
            if isinstance(item, Attempt):
                self._record(item)
                continue
            if not isinstance(item, Answer):
                self._reading.pop(listing, None)
            yield listing, item

    def _record(self, item: Item) -> None:
        """Record an attempt, and that of an answer that nobody reads any more."""
        if isinstance(item, Attempt):
            self._asker.recorder.keep(item)
        elif isinstance(item, Answer):
            self._asker.let_go(item)

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
                for answer in listing.answers(self._asker):
                    self._items.put((listing, answer))
                    self._room[listing].acquire()
                    self._end_if_stopped(listing)
        except BaseException as error:
            self._items.put((listing, error))
        else:
            self._items.put((listing, None))

    def _note(self, listing: Listing, attempt: Attempt) -> None:
        self._items.put((listing, attempt))
        self._end_if_stopped(listing)

    def _end_if_stopped(self, listing: Listing) -> None:
        if self._stopped or listing in self._failed:
            raise _Stopped
