"""The naming format: what an operator writes, parsed once, and the names it gives.

Grammar: text, `{placeholder}`, `{first|second}` where the first that is not empty counts, `{tag:Any Key}`, and
`{{` and `}}` for braces. A format is never given to str.format: it comes from a person, its values from AWS.
"""

import difflib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DEFAULT_FORMAT = "{tag:Name|instance_id}"
MAX_FORMAT = 200
MAX_NAME = 255
TAG = "tag:"

PLACEHOLDERS: dict[str, str] = {
    "instance_id": "the instance ID, for example i-0607e57a467f7a206",
    "short_id": "its last six characters",
    "name": "the Name tag, the same as {tag:Name}",
    "type": "the instance type, for example c7i.4xlarge",
    "az": "the Availability Zone, for example eu-central-1a",
    "region": "the region, for example eu-central-1",
    "account_id": "the account that owns the instance",
    "private_ip": "the private IPv4 address",
    "public_ip": "the public IPv4 address",
    "private_dns": "the private DNS name",
    "public_dns": "the public DNS name",
    "vpc_id": "the VPC",
    "subnet_id": "the subnet",
    "image_id": "the image (AMI)",
    "key_name": "the key pair",
    "lifecycle": "spot, scheduled or capacity-block; empty for On-Demand",
    "platform": "the platform, for example Linux/UNIX",
    "architecture": "the architecture, for example arm64",
    "asg": "the Auto Scaling group",
}

NOTE_EMPTY = "One placeholder is empty here"
NOTE_NOTHING = "Nothing left, so the instance ID is used"


# How a name is made unique: 0 as it is, 1 with the short ID, 2 with the whole one, which no other name ends with.
_WHOLE_ID = 2


class InvalidFormat(Exception):
    """A format that cannot be used: a sentence, the position (from 1) and perhaps a suggestion."""

    def __init__(self, message: str, position: int = 0, suggestion: str = "") -> None:
        super().__init__(message)
        self.message, self.position, self.suggestion = message, position, suggestion


@dataclass(frozen=True, slots=True)
class Rendered:
    """A name and what is worth knowing about how it came about."""

    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Field:
    """A placeholder with its alternatives, in order."""

    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamingFormat:
    """A parsed format."""

    parts: tuple[str | _Field, ...]

    def render(self, values: Mapping[str, str], tags: Mapping[str, str]) -> Rendered:
        """Return the name for one instance; `values` holds every placeholder but the tags. Never empty."""
        texts, empty = [], 0
        for part in self.parts:
            if isinstance(part, str):
                texts.append(part)
                continue
            text = next((found for choice in part.choices if (found := _value(choice, values, tags))), "")
            empty += not text
            texts.append(text)
        name = clean("".join(texts))
        if not any(unicodedata.category(char)[0] in "LNSP" for char in name):
            return Rendered(clean(values["instance_id"]), (NOTE_NOTHING,))
        return Rendered(name, _empty_note(empty))


def parse(text: str) -> NamingFormat:
    """Read a format; raises InvalidFormat. Linear in its length, which is at most 200 characters."""
    if not text.strip():
        raise InvalidFormat("Enter a format, for example {tag:Name|instance_id}.")
    if len(text) > MAX_FORMAT:
        raise InvalidFormat(
            f"The format is {len(text)} characters long; at most {MAX_FORMAT} are possible.", MAX_FORMAT
        )
    _refuse_controls(text)
    parts: list[str | _Field] = []
    at = 0
    while at < len(text):
        char = text[at]
        if text[at : at + 2] in ("{{", "}}"):
            parts.append(char)
            at += 2
        elif char == "{":
            field, at = _field(text, at)
            parts.append(field)
        elif char == "}":
            message = f"There is a }} without a {{, at character {at + 1}. Write }}}} for a brace."
            raise InvalidFormat(message, at + 1)
        else:
            parts.append(char)
            at += 1
    return NamingFormat(_joined(parts))


def make_unique(names: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """Add the short ID to every name that several instances share, and count those instances.

    A name made so that still stands elsewhere takes the whole instance ID. Names are by instance ID. The result
    does not depend on their order, and each name is looked at three times at most.
    """
    holders: defaultdict[str, set[str]] = defaultdict(set)
    for key, name in names.items():
        holders[name].add(key)
    shared = sum(len(keys) for keys in holders.values() if len(keys) > 1)
    level, suspects = dict.fromkeys(names, 0), set(holders)
    while suspects:
        clashes = [(name, sorted(holders[name])) for name in suspects if len(holders[name]) > 1]
        suspects = set()
        for name, keys in clashes:
            for key in keys:
                if level[key] < _WHOLE_ID:
                    level[key] += 1
                    holders[name].discard(key)
                    longer = _at_level(names[key], key, level[key])
                    holders[longer].add(key)
                    suspects.add(longer)
    return {key: _at_level(name, key, level[key]) for key, name in names.items()}, shared


def longer_names(name: str, key: str) -> tuple[str, ...]:
    """Return the names that an instance, given by its ID, may get when others have its name too."""
    return tuple(_at_level(name, key, level) for level in range(1, _WHOLE_ID + 1))


def usable_tag_keys(keys: Iterable[str]) -> list[str]:
    """Return the tag keys that a placeholder can name, in their order."""
    return [key for key in keys if key and key == key.strip() and not set(key) & set("{}|")]


def clean(text: str) -> str:
    """Return text that is safe in one line: control characters become ·, lone surrogates �, and it is not too long."""
    text = text[: MAX_NAME * 2]
    shown = text if text.isprintable() else "".join(map(_shown, text))
    return shown.strip()[:MAX_NAME].strip()


def _shown(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cs":
        return "\ufffd"
    return "·" if category == "Cc" else char


def _at_level(name: str, key: str, level: int) -> str:
    return name if level == 0 else _with_suffix(name, key if level == _WHOLE_ID else key[-6:])


def _with_suffix(name: str, suffix: str) -> str:
    return f"{name[: MAX_NAME - len(suffix) - 3]} [{suffix}]"


def _value(choice: str, values: Mapping[str, str], tags: Mapping[str, str]) -> str:
    found = tags.get(choice[len(TAG) :], "") if choice.startswith(TAG) else values.get(choice, "")
    return found.strip()


def _field(text: str, start: int) -> tuple[_Field, int]:
    end = text.find("}", start)
    inner = text[start + 1 : end]
    if end < 0 or "{" in inner:
        message = f"The placeholder that begins at character {start + 1} is not closed. Add a }}."
        raise InvalidFormat(message, start + 1)
    choices, at = list[str](), start + 2
    for choice in inner.split("|"):
        choices.append(_checked(choice, at if choices else start + 1))  # the first one is where its brace is
        at += len(choice) + 1
    return _Field(tuple(choices)), end + 1


def _checked(choice: str, position: int) -> str:
    name = choice.strip()
    if name.startswith(TAG):
        key = name[len(TAG) :]
        if not key:
            raise InvalidFormat(
                f"The tag at character {position} has no key. Write for example {{tag:Name}}.", position
            )
        return name
    if name in PLACEHOLDERS:
        return name
    if not name:
        raise InvalidFormat(f"There is no placeholder between the signs at character {position}.", position)
    near = difflib.get_close_matches(name.lower(), PLACEHOLDERS, n=1)
    suggestion = near[0] if near else ""
    hint = f" Did you mean {{{suggestion}}}?" if suggestion else " The list below shows all of them."
    raise InvalidFormat(f"There is no placeholder {{{name}}}, at character {position}.{hint}", position, suggestion)


def _refuse_controls(text: str) -> None:
    for position, char in enumerate(text, 1):
        if unicodedata.category(char) in ("Cc", "Cs"):
            message = f"There is a character that cannot be shown, at character {position}. Remove it."
            raise InvalidFormat(message, position)


def _empty_note(empty: int) -> tuple[str, ...]:
    if not empty:
        return ()
    return (NOTE_EMPTY if empty == 1 else f"{empty} placeholders are empty here",)


def _joined(parts: list[str | _Field]) -> tuple[str | _Field, ...]:
    joined: list[str | _Field] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)
