"""Somebody at a browser without a screen: signs in, opens pages, sends their forms, and keeps every answer."""

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request


class Visitor:
    """`visitor.get(path)`, `visitor.post(path, field="…")`: the status of the answer, after redirects."""

    def __init__(self, url: str) -> None:
        self.url, self.answers = url, list[str]()
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def sign_in(self, name: str, password: str) -> None:
        """Become a user; fails when the product does not let him in."""
        self.get("/login/")
        self.post("/login/", username=name, password=password)
        assert any(cookie.name.endswith("sessionid") for cookie in self._cookies), self.answers[-1]

    def get(self, path: str) -> int:
        """Open a page."""
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, path: str, **fields: str | list[str]) -> int:
        """Send a form."""
        token = next(cookie.value for cookie in self._cookies if cookie.name.endswith("csrftoken"))
        data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}, doseq=True).encode()
        return self._ask(urllib.request.Request(self.url + path, data, {"Referer": self.url + path}))

    def _ask(self, request: urllib.request.Request) -> int:
        try:
            answer = self._opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            self.answers.append(f"{request.full_url}\n{answer.headers}\n{answer.read().decode(errors='replace')}")
            return int(answer.status)
