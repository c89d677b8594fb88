"""Whatever somebody sends: never a mistake of ours, never taken for more than text."""

import itertools
import re
import time

import pytest
from django.http import QueryDict
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.house.test_files import ROOT
from tests.security import wild
from tests.security.reader import Page, wrong_with

pytestmark = pytest.mark.django_db

# What code reads of a query or a form by name.
_READ = re.compile(
    r"""(?:GET|POST)(?:\.get|\.getlist)?[\[(]\s*["'](\w+)["']|["'](\w+)["'] (?:not )?in [\w.]*(?:GET|POST)"""
)
_FIELD = re.compile(r"^    (\w+) = forms\.\w+\(", re.MULTILINE)
# What only Django's own pages read.
_OF_DJANGO = {"_popup", "_to_field", "_changelist_filters", "_facets", "all", "p", "o", "e", "term", "app_label"}
_OF_DJANGO |= {"model_name", "field_name", "next", "_selected_action", "action", "username__exact", "is_active__exact"}


def names():
    """Return the name of everything that a page of ours reads, as the code has it."""
    found = set(_OF_DJANGO)
    for path in (ROOT / "elements").rglob("*.py"):
        text = path.read_text()
        found |= {name for pair in _READ.findall(text) for name in pair if name}
        if path.parent.name == "forms":
            found |= set(_FIELD.findall(text))
    return sorted(found)


NAMES = names()
# Of computing, for any one request: a megabyte in an address, which no web server lets through, takes the longest.
LONGEST_S = 20


class Tries:
    """Sends requests, counts them, and keeps what is wrong with the answers."""

    def __init__(self, client):
        self.client, self.number, self.wrong = client, 0, {}

    def send(self, method, address, *rest, **more):
        self.number += 1
        began = time.process_time()
        key = (method, address[:200], str(rest)[:200])
        try:
            answer = getattr(self.client, method)(address, *rest, **more)
        except Exception as error:
            self.wrong[key] = [f"{type(error).__name__}: {error}"[:200]]
            return None
        if address.startswith("/readyz") and answer.status_code == 503:
            return answer  # nothing polls in a test
        wrong = wrong_with(answer)
        if time.process_time() - began > LONGEST_S:
            wrong.append("it took too long")
        if wrong:
            self.wrong[key] = wrong
        return answer


@pytest.fixture
def tries(admin_client):
    found = Tries(admin_client)
    yield found
    print(f"{found.number} requests tried")


def get_addresses(everywhere):
    return [address for address in everywhere.values() if "logout" not in address]


def is_ours(address):
    return not address.startswith("/admin/")


def test_the_names_that_are_tried_are_those_that_pages_read():
    assert {"q", "page", "per_page", "sort", "col", "since", "before", "record", "when", "entries", "start"} <= set(
        NAMES
    )


def test_every_address_bears_anything_in_its_query(everywhere, tries):
    texts = itertools.cycle(wild.TEXTS)
    for address in get_addresses(everywhere):
        # Each request gives each name another text.
        for _ in range(12 if is_ours(address) else 2):
            query = QueryDict(mutable=True)
            for name in NAMES:
                query[name] = next(texts)
            next(texts)
            tries.send("get", address, query)

    assert tries.wrong == {}


def test_every_address_bears_one_text_for_everything(everywhere, tries):
    texts = itertools.cycle(wild.TEXTS)
    for address in filter(is_ours, get_addresses(everywhere)):
        for text in itertools.islice(texts, 5):
            tries.send("get", address, dict.fromkeys(NAMES, text))
            tries.send("get", address, dict.fromkeys(NAMES, text), headers={"X-Fragment": "live"})

    assert tries.wrong == {}


def test_every_address_bears_bytes_that_are_no_utf_8(everywhere, tries):
    texts = itertools.cycle(wild.RAW)
    for address in get_addresses(everywhere):
        for raw in itertools.islice(texts, 4 if is_ours(address) else 1):
            tries.send("get", f"{address}?" + "&".join(f"{name}={raw}" for name in NAMES))
        tries.send("get", f"{address}?{raw}={raw}")

    assert tries.wrong == {}


@pytest.mark.once
def test_a_megabyte_is_no_more_than_a_text(everywhere, tries):
    texts = itertools.cycle(wild.BIG)
    for address in filter(is_ours, get_addresses(everywhere)):
        tries.send("get", address, {"q" if tries.number % 4 else "since": next(texts)})
        tries.send("post", address, dict.fromkeys(("name", "id", "naming_format", "access_key_id"), next(texts)))

    assert tries.wrong == {}


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    number=st.integers(min_value=0),
    query=st.dictionaries(
        st.sampled_from(NAMES), st.lists(wild.anything, min_size=1, max_size=2), min_size=1, max_size=4
    ),
)
def test_no_few_of_them_together_do_harm(everywhere, tries, number, query):
    addresses = list(filter(is_ours, get_addresses(everywhere)))

    tries.send("get", addresses[number % len(addresses)], query)

    assert tries.wrong == {}


PARTS = {
    "slug": (
        "frankfurt%00",
        "%ff",
        "..",
        "frankfurt%0a",
        "x" * 10_000,
        "%3Cwild%3E",
        "frankfurt%3Fq",
        "-",
        "%E2%80%AE",
    ),
    "instance_id": (
        *(
            "i-%00",
            "%ff%fe",
            "..%2f..%2f",
            "%3Cwild%20onwild%3E",
            "i-1%0d%0aX-Wild:%201",
            "x" * 100_000,
            "%20",
            "i-1'--",
        ),
        *("%ED%A0%80", "%7B%7B913*877%7D%7D", "%E2%80%AEi-1", "constructor", "%F3%A0%80%81"),
    ),
    "pk": ("0", "9" * 30, "9" * 4_000, "%D9%A3", "-1", "1e3", "0x1"),
    "kind": ("exe", "%00", "csv%00", "CSV", "%3Cwild%3E", "x" * 5_000, "csv%0d%0aX-Wild:1"),
    "token": ("-", "x" * 5_000, "%00", "_" * 43, "%ff"),
    "object_id": ("_00", "%00", "9" * 30, "%ff", "1_0A", "-1", "%3Cwild%3E", "x" * 5_000, "None"),
}


def test_every_part_of_an_address_bears_anything(element, tries):
    from tests.security.every_address import addresses

    known = {"slug": element.slug, "instance_id": "i-1", "pk": "1", "kind": "csv", "token": "t", "object_id": "1"}
    plain = set(addresses(known).values())
    for part, texts in PARTS.items():
        for text in texts:
            for address in set(addresses({**known, part: text}).values()) - plain:
                tries.send("get", address)
                tries.send("post", address)

    assert tries.wrong == {}


HEADERS = (
    *("User-Agent", "Referer", "Accept", "Accept-Language", "Accept-Encoding", "X-Fragment", "X-Forwarded-For"),
    *("X-Requested-With", "If-None-Match", "If-Modified-Since", "If-Match", "Range", "Origin", "X-CSRFToken"),
    *("Content-Type", "X-Forwarded-Proto", "Authorization", "X-Request-ID", "Content-Encoding", "Expect"),
)
COOKIES = ("sessionid", "csrftoken", "messages", "ec2mon_was", "__Host-sessionid", "__Host-csrftoken")


def test_every_header_bears_anything(everywhere, tries, element):
    addresses = ["/", "/login/", "/healthz", "/e/frankfurt/instances/", "/e/frankfurt/poll/", "/admin/", "/nowhere/"]
    for text in (*wild.MARKUP, *wild.CODE, *wild.UNSEEN, *wild.NUMBERS, *wild.SHAPES):
        # as a server hands bytes on: one character each
        value = text.encode("utf-8", "surrogatepass").decode("latin-1")
        for address in addresses[: 1 + tries.number % 2 * 6]:
            tries.send("get", address, headers=dict.fromkeys(HEADERS, value))
        tries.send("post", "/login/", {"username": "x", "password": "y"}, headers=dict.fromkeys(HEADERS[:-6], value))

    assert tries.wrong == {}


@pytest.mark.parametrize("name", COOKIES)
def test_every_cookie_bears_anything(element, name):
    tries = Tries(Client())
    octal = ['"a\\000bcdefghijklmnop"', '"\\377\\376\\355\\240\\200"', '"\\015\\012Set-Cookie: wild=1"']
    for text in (*wild.MARKUP, *wild.CODE, *wild.UNSEEN, *wild.SHAPES, *octal):
        value = text.encode("utf-8", "surrogatepass").decode("latin-1")
        for address in ("/", "/login/", "/e/frankfurt/general/"):
            tries.send("get", address, headers={"Cookie": f"{name}={value}; sessionid2={value}"})
    print(f"{tries.number} requests tried")

    assert tries.wrong == {}


def forms_of(tries, everywhere, element):
    """Return every form that an administrator can send, found on the pages."""
    ids = {"action": "stop", "id": element.instances.values_list("instance_id", flat=True)[0]}
    pages = [(address, {}) for address in get_addresses(everywhere) if "export" not in address]
    found = {}
    for address, query in [*pages, ("/e/frankfurt/actions/confirm/", ids)]:
        answer = tries.client.get(address, query)
        if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("text/html"):
            continue
        for form in Page(answer.content.decode()).forms:
            target = form.action or address
            if "logout" not in target:
                found.setdefault((target, form.method, tuple(sorted(form.typed))), form)
    return found


def test_every_field_of_every_form_bears_anything(everywhere, tries, element):
    texts, sent = itertools.cycle([*wild.TEXTS, "\ud800\udfff"]), 0
    found = forms_of(tries, everywhere, element)

    for (target, method, _), form in found.items():
        known = {name: value for name, value in form.fields.items() if name != "csrfmiddlewaretoken"}
        typed = sorted(form.typed - {"csrfmiddlewaretoken"})
        button = dict(form.buttons[:1])
        for name in typed:
            for text in itertools.islice(texts, 5 if is_ours(target) else 2):
                tries.send(method, target, _sendable({**button, **known, name: [text]}))
        for text in itertools.islice(texts, 12 if is_ours(target) else 3):
            for extra in form.buttons[:4] or [("", "")]:
                tries.send(method, target, _sendable({**known, **{name: [text] for name in typed}, extra[0]: extra[1]}))
        sent += len(typed)

    print(f"{len(found)} forms with {sent} fields")
    assert len(found) > 15
    assert tries.wrong == {}


def test_every_form_bears_bytes_that_are_no_form(everywhere, tries, element):
    kinds = (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
    )
    bodies = (
        *("&".join(f"{name}={raw}" for name in NAMES).encode() for raw in wild.RAW[:5]),
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\xed\xa0\x80\r\n--x--\r\n',
        b'--x\r\nContent-Disposition: form-data; name="name"; filename="../../wild"\r\n\r\n<wild>\r\n--x--\r\n',
        b'{"a":' * 20_000,
        b"\x00" * 1000,
        b"a=b&" * 5_000,
        b"name=" + b"x" * 3_000_000,
    )
    for target in sorted({target for target, method, _ in forms_of(tries, everywhere, element) if method == "post"}):
        for number, body in enumerate(bodies):
            tries.send("post", target, body, content_type=kinds[number % 2 if number < 10 else 0])
            if is_ours(target):
                tries.send("post", target, body, content_type=kinds[2 + number % 2])

    assert tries.wrong == {}


def _sendable(fields):
    """Return the fields as the test client takes them: a browser cannot send a lone surrogate, it sends U+FFFD."""
    return {
        name: [text.encode("utf-8", "replace").decode() for text in ([value] if isinstance(value, str) else value)]
        for name, value in fields.items()
        if name
    }
