"""Chunked answers are read as urllib3 reads them, or not at all."""

import http.client
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3.exceptions import ProtocolError
from urllib3.response import HTTPResponse

from elements.aws.chunks import Answer

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE = b"<item>\n" * 100_000


class Wire(io.RawIOBase):
    """What a socket gives: so many bytes at a time, then its end, or nothing more for as long as it stays open."""

    def __init__(self, sent, at_once, *, stays_open):
        self._sent, self._at_once, self._stays_open = io.BytesIO(sent), at_once, stays_open

    def readable(self):
        return True

    def readinto(self, buffer):
        part = self._sent.read(min(len(buffer), self._at_once))
        if not part and self._stays_open:
            raise TimeoutError("waited for what does not come")
        buffer[: len(part)] = part
        return len(part)

    def makefile(self, mode):
        return io.BufferedReader(self)


def read(sent, *, at_once=1_000_000, kind=Answer, stays_open=True):
    """Return the body that is read from what a server sends."""
    received = http.client.HTTPResponse(Wire(HEAD + sent, at_once, stays_open=stays_open), method="POST")
    received.begin()
    answer = kind(body=received, headers=dict(received.msg), preload_content=False, original_response=received)
    return b"".join(answer.stream())


def chunked(parts, *, extension=b"", trailer=b"", form=b"%x"):
    """Return a body as a server sends it."""
    sized = b"".join(form % len(part) + extension + b"\r\n" + part + b"\r\n" for part in parts if part)
    return sized + b"0\r\n" + trailer + b"\r\n"


@given(
    parts=st.lists(st.binary(max_size=30)),
    extension=st.sampled_from([b"", b";name=value", b" "]),
    trailer=st.sampled_from([b"", b"X-Sum: 1\r\n"]),
    form=st.sampled_from([b"%x", b"%X", b"0000%x"]),
    at_once=st.integers(1, 60),
)
@settings(max_examples=300, deadline=None)
def test_the_body_is_that_which_urllib3_reads(parts, extension, trailer, form, at_once):
    sent = chunked(parts, extension=extension, trailer=trailer, form=form)

    body = read(sent, at_once=at_once)

    assert body == b"".join(parts) == read(sent, at_once=at_once, kind=HTTPResponse)


@pytest.mark.parametrize("size", [7, 8192, 131_072, 500_000])
@pytest.mark.parametrize("at_once", [1400, 131_072])
def test_a_large_body_is_whole_whatever_its_chunks(size, at_once):
    sent = chunked([LARGE[start : start + size] for start in range(0, len(LARGE), size)])

    body = read(sent, at_once=at_once)

    assert body == LARGE


def test_an_answer_that_is_cut_anywhere_is_none():
    sent = chunked([b"<a>", b"12345", b"</a>"], trailer=b"X-Sum: 1\r\n")

    for cut in range(len(sent)):
        with pytest.raises(ProtocolError):
            read(sent[:cut], stays_open=False)


@pytest.mark.parametrize(
    "sent",
    [
        b"4\r\nabc\r\n0\r\n\r\n",
        b"2\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        b"\r\nabc\r\n0\r\n\r\n",
        b"three\r\nabc\r\n0\r\n\r\n",
        b"f" * 40 + b"\r\nabc",
        b"1" * 300_000,
        b"3\r\nabc\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n",
    ],
)
def test_chunks_that_are_not_what_they_say_are_refused(sent):
    with pytest.raises(ProtocolError):
        read(sent, stays_open=False)
