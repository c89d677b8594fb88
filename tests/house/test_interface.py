"""What the interface promises stands in docs/interface.md, and each promise names what proves it."""

import ast
import re

import pytest

from tests.house.test_files import ROOT

PAGE = ROOT / "docs/interface.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
PICTURE = re.compile(r"\((screenshots/[\w./-]+)\)|`docs/(screenshots/[\w./-]+)`")


def lines(*, decided=False):
    """Return the points of the lists of promises, or of those of what was decided differently."""
    found, section = [], ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("#"):
            section = line
        elif line.startswith("- "):
            found.append((section, line))
        elif found and line.startswith("  "):
            found[-1] = (found[-1][0], f"{found[-1][1]} {line.strip()}")
    return [line for section, line in found if ("Decided differently" in section) == decided]


@pytest.mark.parametrize("path", sorted({path for path, _ in TEST.findall(PAGE.read_text())}))
def test_every_test_that_is_named_exists(path):
    tree = ast.parse((ROOT / path).read_text())
    there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}

    named = {name for file, name in TEST.findall(PAGE.read_text()) if file == path}

    assert named - there == set()


def test_every_picture_that_is_named_exists():
    named = {one or other for one, other in PICTURE.findall(PAGE.read_text())}

    assert {name for name in named if not (ROOT / "docs" / name).is_file()} == set()


def test_every_promise_names_a_test_or_a_picture():
    promises = lines()

    assert len(promises) > 50
    assert [line for line in promises if not TEST.search(line) and not PICTURE.search(line)] == []


def test_what_was_decided_differently_says_why():
    assert [line for line in lines(decided=True) if len(line) < 40] == []
