"""Whoever answers in AWS's place can neither read a file, reach another machine, nor take memory or time for long."""

import socket
import threading
import time
from dataclasses import replace

import pytest

from elements.aws.errors import AwsError
from simulator.world import Keys
from tests.aws.pages import listed

KEYS = Keys("AKIADEMO12345678ABCD", "not-a-real-secret", "123456789012", None)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
NAME = "<instanceId>i-0123456789abcdef0</instanceId><instanceState><code>16</code><name>running</name></instanceState>"
BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))


def listing(tag_value, head=HEAD):
    return (
        f'{head}<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId>'
        f"<reservationSet><item><reservationId>r-1</reservationId><ownerId>123456789012</ownerId><instancesSet><item>{NAME}"
        f"<tagSet><item><key>Name</key><value>{tag_value}</value></item></tagSet>"
        "</item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    )


def declared(*lines):
    return f"{HEAD}<!DOCTYPE x [{''.join(lines)}]>"


@pytest.fixture
def heard():
    """Listen, and return what was asked for."""
    asked = []

    def listen():
        while True:
            try:
                connection, _ = ears.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as ears:
        threading.Thread(target=listen, daemon=True).start()
        yield asked, ears.getsockname()[1]


@pytest.fixture
def answering():
    """Answer every request with a body, and return the address."""
    listeners = []

    def start(body):
        data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(head.encode() + data)

        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()


ATTACKS = {
    "entity bomb": lambda port: listing("&e11;", declared('<!ENTITY e0 "ha">', BOMB)),
    "quadratic bomb": lambda port: listing("&e;" * 50_000, declared(f'<!ENTITY e "{"x" * 100_000}">')),
    "external file": lambda port: listing("&e;", declared('<!ENTITY e SYSTEM "file:///etc/passwd">')),
    "external address": lambda port: listing("&e;", declared(f'<!ENTITY e SYSTEM "http://127.0.0.1:{port}/e">')),
    "external document type": lambda port: listing("x", f'{HEAD}<!DOCTYPE x SYSTEM "http://127.0.0.1:{port}/x.dtd">'),
    "parameter entity": lambda port: listing(
        "x", declared(f'<!ENTITY % e SYSTEM "http://127.0.0.1:{port}/e.dtd">', "%e;")
    ),
    "stylesheet": lambda port: listing(
        "x", f'{HEAD}<?xml-stylesheet type="text/xsl" href="http://127.0.0.1:{port}/x.xsl"?>'
    ),
    "inclusion": lambda port: listing(
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="http://127.0.0.1:{port}/x"/>'
    ),
    "deep nesting": lambda port: listing("<a>" * 100_000 + "</a>" * 100_000),
    "deep nesting that is not closed": lambda port: "<a>" * 300_000,
    "a million attributes": lambda port: listing("<a " + " ".join(f'a{n}="x"' for n in range(200_000)) + "/>"),
    "NUL": lambda port: listing("a\x00b"),
    "a reference to NUL": lambda port: listing("a&#0;b"),
    "control characters": lambda port: listing("a&#27;b"),
    "lone surrogates": lambda port: listing("a\ud800b"),
    "a reference to a surrogate": lambda port: listing("a&#xD800;b"),
    "no UTF-8": lambda port: listing("ä").encode("latin-1"),
    "UTF-7": lambda port: listing("+ADw-wild+AD4-", '<?xml version="1.0" encoding="UTF-7"?>'),
    "UTF-16": lambda port: listing("ä", '<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"),
    "ten megabytes of one tag": lambda port: listing("x" * 10_000_000),
    "a huge number": lambda port: listing("x").replace("<code>16</code>", f"<code>{'9' * 10_000}</code>"),
    "a time beyond the calendar": lambda port: listing("x").replace(
        "<tagSet>", "<launchTime>99999-99-99T99:99:99.000Z</launchTime><tagSet>"
    ),
    "seconds beyond the calendar": lambda port: listing("x").replace(
        "<tagSet>", "<launchTime>1772366398398398</launchTime><tagSet>"
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_an_answer_that_attacks_is_refused_or_read_as_text_within_seconds(open_to, answering, heard, name):
    asked, port = heard
    gateway, began = open_to(KEYS, answering(ATTACKS[name](port)), attempts=1), time.process_time()

    try:
        seen = listed(gateway.describe_instances())
    except AwsError as error:
        seen = []
        assert error.sentence

    assert time.process_time() - began < 10
    assert asked == []
    for instance in seen:
        text = repr(replace(instance, description=b""))
        assert len(text) < 50_000
        assert "root:" not in text and "\x00" not in text
        text.encode()


def test_the_same_answer_without_an_attack_is_read(open_to, answering):
    (instance,) = listed(open_to(KEYS, answering(listing("encoder-1")), attempts=1).describe_instances())

    assert instance.tags == {"Name": "encoder-1"}
