"""Somebody who is signed in and clicks, over HTTP as a browser without scripts does."""

import contextlib
import http.client
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Sequence
from typing import NamedTuple

PASSWORD = "only-for-the-tests-of-faults-1"
# Whoever kills processes or takes the database away gets no answer at all now and then.
NOTHING = (OSError, http.client.HTTPException)


class Answer(NamedTuple):
    """What came back; the status is 0 when nothing did."""

    status: int
    text: str


class _Here(urllib.request.HTTPRedirectHandler):
    """Takes a redirect as the answer that it is."""

    def redirect_request(self, *args: object, **kwargs: object) -> None:
        return None


class Person:
    """Signs in as `name`, whom Installation.add_people made."""

    def __init__(self, url: str, name: str, *, timeout_s: float = 60) -> None:
        self._url, self._name, self._timeout_s = url, name, timeout_s
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar), _Here)

    def sign_in(self) -> None:
        """Get a session."""
        self.get("/login/")
        answer = self.post("/login/", {"username": self._name, "password": PASSWORD})
        assert answer.status == 302, answer.text

    def get(self, path: str) -> Answer:
        """Look at a page."""
        return self._ask(urllib.request.Request(self._url + path))

    def post(self, path: str, fields: dict[str, str | Sequence[str]]) -> Answer:
        """Send a form."""
        token = next((cookie.value for cookie in self._jar if cookie.name == "csrftoken"), "")
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token}, doseq=True).encode()
        return self._ask(urllib.request.Request(self._url + path, body))

    def click(self, slug: str, verb: str, ids: Sequence[str], *, seen: str, batch: uuid.UUID | None = None) -> Answer:
        """Confirm the question that would be asked about these instances; `seen` is the state they are shown in."""
        fields = {
            "action": verb,
            "id": ids,
            "seen": [f"{each}:{seen}" for each in ids],
            "batch": str(batch or uuid.uuid4()),
            "confirm": str(len(ids)),
        }
        return self.post(f"/e/{slug}/actions/", fields)

    def _ask(self, request: urllib.request.Request) -> Answer:
        with contextlib.suppress(*NOTHING):
            try:
                with self._opener.open(request, timeout=self._timeout_s) as answer:
                    return Answer(answer.status, answer.read().decode(errors="replace"))
            except urllib.error.HTTPError as answer:
                with answer:
                    return Answer(answer.code, answer.read().decode(errors="replace"))
        return Answer(0, "")
