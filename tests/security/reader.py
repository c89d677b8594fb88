"""Reads a page as a browser would, and says where text was taken for markup; finds the forms that can be sent."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from tests.security import wild

# Where an address may lead: within the site, and to the manuals that pages link.
_LEADS = re.compile(r"(?:/(?![/\\])|\.\./password/|#|\?|https://(?:docs|console)\.aws\.amazon\.com/|\Z)")
_ADDRESSES = ("href", "src", "action", "formaction", "poster", "data", "xlink:href", "background")
_TYPED = ("text", "search", "password", "number", "email", "date", "time", "datetime-local", "url", "hidden")


@dataclass
class Form:
    """A form with the values that it has, and the names of the buttons that send it."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """What is wrong with a page, and its forms."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self._open: Form | None = None
        self._area = self._select = ""
        self._in_script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        values = {name: value or "" for name, value in attributes}
        self._look(tag, values)
        match tag:
            case "form":
                self._open = Form(values.get("action", ""), values.get("method", "get").lower())
                self.forms.append(self._open)
                if "id" in values:
                    self.by_id[values["id"]] = self._open
            case "input" | "button" | "select" | "textarea":
                self._control(tag, values)
            case "option" if self._select and ("selected" in values):
                self._add(self._select, values.get("value", ""))
            case "script":
                self._in_script = True

    def handle_endtag(self, tag):
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag == "script":
            self._in_script = False

    def handle_data(self, text):
        if self._in_script and text.strip():
            self.wrong.append(f"a script with {text[:40]!r}")
        if self._area:
            self._add(self._area, text)

    def _look(self, tag, values):
        if not re.fullmatch(r"[a-z][a-z0-9]*", tag) or tag == wild.TAG:
            self.wrong.append(f"a tag {tag[:40]!r}")
        if tag in ("iframe", "object", "embed", "base", "style", "template", "frame"):
            self.wrong.append(f"a tag {tag}")
        if tag == "script" and not values.get("src", "").startswith(("/static/", "/admin/jsi18n/")):
            self.wrong.append("a script that is none of ours")
        for name, value in values.items():
            if (
                name.startswith("on")
                or name in ("style", "srcdoc")
                or not re.fullmatch(r"[a-z][a-z0-9:-]*", name, re.I)
            ):
                self.wrong.append(f"an attribute {name[:40]!r} of {tag}")
            if name in _ADDRESSES and not _LEADS.match(value):
                self.wrong.append(f"{tag} {name} leads to {value[:60]!r}")
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh" and "url" in values.get("content", ""):
            self.wrong.append("a redirect in the page")

    def _control(self, tag, values):
        form = self.by_id.get(values["form"]) if "form" in values else self._open
        name, kind = values.get("name", ""), values.get("type", "submit" if tag == "button" else "text")
        if form is None or not name or "disabled" in values:
            return
        before, self._open = self._open, form
        if kind == "submit":
            form.buttons.append((name, values.get("value", "")))
        elif tag == "select":
            self._select = name
            form.typed.add(name)
        elif tag == "textarea":
            self._area = name
            form.typed.add(name)
        elif kind in ("checkbox", "radio"):
            if "checked" in values:
                self._add(name, values.get("value", "on"))
        else:
            self._add(name, values.get("value", ""))
        if kind in _TYPED or kind in ("radio", "checkbox"):
            form.typed.add(name)
        self._open = before if tag != "select" else form

    def _add(self, name, value):
        if self._open is not None:
            self._open.fields.setdefault(name, []).append(value)


def wrong_with(answer) -> list[str]:
    """Return what is wrong with an answer, whatever was asked."""
    if answer.status_code >= 500:
        return [f"status {answer.status_code}"]
    found = [f"header {name}" for name, value in answer.headers.items() if "wild" in name.lower() or "\n" in value]
    if "wild" in answer.cookies:
        found.append("a cookie that was not ours")
    if not answer.headers.get("Content-Type", "").startswith("text/html"):
        return found
    text = answer.content.decode()
    if wild.EVALUATED in text:
        found.append("something was evaluated")
    if "\x00" in text and not answer.wsgi_request.path.startswith("/admin/"):  # Django echoes it, to no harm
        found.append("a NUL")
    return found + Page(text).wrong
