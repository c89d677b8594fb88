"""The stylesheet has nothing that no page wants, and a page wants nothing that it has not."""

import ast
import re
from pathlib import Path

import pytest

from tests.house.test_look import STATE_COLOURS, SYMBOLS, THEMES, TOKENS, contrast

ROOT = Path(__file__).resolve().parents[2]
CSS = re.sub(r"/\*.*?\*/", "", (ROOT / "static/ec2mon/ec2mon.css").read_text(), flags=re.DOTALL)
TEMPLATES = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
SCRIPTS = [path.read_text() for path in (ROOT / "static/ec2mon/js").glob("*.js")]
WORD = re.compile(r"[\w-]+")
ATTRIBUTE = re.compile(r'\bclass="((?:\{[{%].*?[%}]\}|[^"])*)"', re.DOTALL)
# Blocks and variables of templates which end up in a class attribute.
HANDED_ON = re.compile(r"\{% block \w*class\w* %\}(.*?)\{% endblock", re.DOTALL)


def strings_of_python():
    """Return the texts of our Python, f-strings with their gaps as {}."""
    for path in (ROOT / "elements").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def written():
    """Return what stands where class names may stand."""
    yield from (text for page in TEMPLATES for pattern in (ATTRIBUTE, HANDED_ON) for text in pattern.findall(page))
    for script in SCRIPTS:
        yield from (text.replace('" + ', "{}") for text in re.findall(r'"[^"\n]*"(?: \+ )?', script))
    yield from strings_of_python()


def test_every_class_of_the_stylesheet_is_used():
    texts = list(written())
    words = {word for text in texts for word in WORD.findall(text)}
    stems = tuple({stem for text in texts for stem in re.findall(r"([\w-]*\w-+)\{", text)})
    styled = set(re.findall(r"\.([a-zA-Z][\w-]*)", re.sub(r'"[^"]*"', "", CSS)))

    assert {name for name in styled if name not in words and not name.startswith(stems)} == set()


def test_every_token_is_used_and_every_used_one_is_there():
    given, wanted = set(re.findall(r"(?<![\w-])(--[\w-]+):", CSS)), set(re.findall(r"var\((--[\w-]+)", CSS))

    assert given == wanted


def test_every_layer_is_in_the_order_and_every_rule_in_a_layer():
    (order,) = re.findall(r"@layer ([\w, ]+);", CSS)
    depth, outside = 0, []
    for line in CSS.splitlines():
        if depth == 0 and line.strip():
            outside.append(line)
        depth += line.count("{") - line.count("}")

    assert re.findall(r"@layer (\w+) \{", CSS) == order.split(", ")
    assert [line for line in outside if not line.startswith(("@layer", "@font-face", "}"))] == []


def test_every_glyph_of_the_sprite_is_used():
    texts = "\n".join([*TEMPLATES, *SCRIPTS, *(f'"{text}"' for text in strings_of_python())])

    assert {name for name in SYMBOLS if not re.search(rf"[\"'#]{name}[\"']", texts)} == set()


@pytest.mark.parametrize("theme", THEMES)
def test_every_colour_of_a_text_is_held_against_what_it_stands_on(theme):
    used = {name for name in re.findall(r"(?<![-\w])(?:color|--tone): var\(--([\w-]+)", CSS) if name in TOKENS}

    # an edge that is drawn, not read: the glyph of a control that is off
    assert used - {"line-ctl"} == {"ink", "ink-2", "ink-3", "link", "ink-invert", "danger-ink", *STATE_COLOURS}
    for text, ground in (("ink-invert", "ink"), ("danger-ink", "danger-bg")):
        assert contrast(TOKENS[text][theme], TOKENS[ground][theme]) >= 4.5
