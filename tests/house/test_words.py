"""How the product speaks, and that tables say what they are: held over every template, script and text of Python."""

import ast
import re

import pytest

from tests.house.test_files import ROOT

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PYTHON = [path for path in sorted((ROOT / "elements").rglob("*.py")) if "migrations" not in path.parts]
SCRIPTS = sorted((ROOT / "static/ec2mon/js").glob("*.js"))
LOUD = re.compile(r"\w!(\s|$)|\b(please|oops|sorry|successfully|whoops)\b", re.IGNORECASE)
MARKUP = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|\{[%{].*?[%}]\}|<[^>]*>", re.DOTALL)


def texts():
    """Return what readers may get to see, with its file."""
    for path in TEMPLATES:
        yield path.name, MARKUP.sub(" ", path.read_text())
    for path in SCRIPTS:
        yield from ((path.name, text) for text in re.findall(r'"([^"\n]*)"', path.read_text()))
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.name, node.value


def test_nothing_shouts_begs_or_apologises():
    found = list(texts())

    assert len(found) > 1000
    assert [(name, text[:80]) for name, text in found if LOUD.search(text)] == []


@pytest.mark.parametrize(
    "path", [path for path in TEMPLATES if "<table" in path.read_text()], ids=lambda path: path.name
)
def test_every_table_says_what_it_is_and_each_head_what_it_heads(path):
    text = path.read_text()

    assert text.count("<table") == text.count("<caption")
    assert [head for head in re.findall(r"<th\b[^>]*>", text) if "scope=" not in head] == []
