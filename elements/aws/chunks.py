"""Read answers that come in chunks: AWS sends a thousand of them for a page, for each of which urllib3 reads thrice."""

import re
from collections.abc import Generator
from typing import Any

from urllib3.exceptions import ProtocolError
from urllib3.response import HTTPResponse

_BLOCK = 128 * 1024
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r?\n", re.DOTALL)
# What stands between two chunks as a rule.
_BETWEEN = re.compile(rb"\r\n([0-9A-Fa-f]{1,15})\r\n")


class Answer(HTTPResponse):
    """An answer whose chunks are read a block at a time; one that is cut or garbled raises what urllib3 raises."""

    def read_chunked(self, amt: int | None = None, decode_content: bool | None = None) -> Generator[bytes]:
        """Yield the body as it is sent; what else might be wanted is left to urllib3."""
        whole = self._original_response
        if decode_content or whole is None or whole.fp is None or whole.chunk_left is not None:
            yield from super().read_chunked(amt, decode_content)
            return
        with self._error_catcher():
            yield from _chunks(_Blocks(whole.fp))
            whole.close()


class _Blocks:
    """What a connection sends, read as much at a time as there is."""

    def __init__(self, file: Any) -> None:
        self._raw, self._bytes = file.raw, bytearray(_BLOCK)
        self._view = memoryview(self._bytes)
        came_with_head = file.read1(_BLOCK)
        self._begin, self._end = 0, len(came_with_head)
        self._view[: self._end] = came_with_head

    def line(self) -> bytes:
        """Take the next line with its end."""
        while (end := self._bytes.find(b"\n", self._begin, self._end)) < 0:
            self._fill()
        return self._take(end + 1)

    def some(self, most: int) -> bytes:
        """Take what there is, at least one byte of it."""
        if self._begin == self._end:
            self._fill()
        end = self._begin + most
        return self._take(end if end < self._end else self._end)

    def next_size(self) -> int:
        """Take what stands between a chunk and the next one, and return how long that is, 0 when it is the end."""
        found = _BETWEEN.match(self._bytes, self._begin, self._end)
        if found:
            self._begin = found.end()
            return int(found[1], 16)
        if self.line() != b"\r\n":
            raise ProtocolError("a chunk is longer than it says")
        return _size(self.line())

    def end(self) -> None:
        """Raise when more was sent than belongs to the answer."""
        if self._begin != self._end:
            raise ProtocolError("the answer goes on after its end")

    def _take(self, end: int) -> bytes:
        taken = bytes(self._view[self._begin : end])
        self._begin = end
        return taken

    def _fill(self) -> None:
        kept = self._end - self._begin
        self._view[:kept] = self._view[self._begin : self._end]
        self._begin, self._end = 0, kept
        count = self._raw.readinto(self._view[kept:])  # 0 when a line is longer than a block, too
        if not count:
            raise ProtocolError("the answer ended early")
        self._end += count


def _chunks(blocks: _Blocks) -> Generator[bytes]:
    """Yield the parts of a chunked body, and take its end."""
    left = _size(blocks.line())
    while left:
        while left:
            part = blocks.some(left)
            left -= len(part)
            yield part
        left = blocks.next_size()
    while blocks.line() not in (b"\r\n", b"\n"):
        pass  # what follows the body are headers that nobody asked for
    blocks.end()


def _size(line: bytes) -> int:
    found = _SIZE.fullmatch(line)
    if found is None:
        raise ProtocolError("a chunk does not say how long it is")
    return int(found[1], 16)
