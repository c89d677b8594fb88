"""How things look, held against the promises of docs/interface.md: colours that can be read and told apart, glyphs."""

import colorsys
import itertools
import re

import pytest

from elements.domain.connections import CONNECTED, LATE, NEW, NOT_CONNECTED, PAUSED
from elements.domain.instance_states import STATES, state_view
from elements.domain.status_checks import checks_view
from tests.house.test_files import ROOT

CSS = (ROOT / "static/ec2mon/ec2mon.css").read_text()
THEMES = ("light", "dark")
TOKENS = {
    name: dict(zip(THEMES, pair, strict=True))
    for name, *pair in re.findall(r"--([\w-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
}
STATE_COLOURS = ("ok", "busy", "idle", "warn", "crit")
SURFACES = ("canvas", "surface", "surface-2", "raised", "hover", "selected")
TINTS = tuple(f"{name}-tint" for name in STATE_COLOURS)
# On linear light. Red and green: Viénot, Brettel and Mollon 1999; blue: Machado, Oliveira and Fernandes 2009.
BLINDNESS = {
    "protanopia": ((0.11238, 0.88762, 0), (0.11238, 0.88762, 0), (0.00401, -0.00401, 1)),
    "deuteranopia": ((0.29275, 0.70725, 0), (0.29275, 0.70725, 0), (-0.02234, 0.02234, 1)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}


def linear(colour):
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return tuple(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)


def contrast(one, other):
    dark, light = sorted(
        0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in map(linear, (one, other))
    )
    return (light + 0.05) / (dark + 0.05)


def seen(colour, kind):
    return tuple(
        min(1, max(0, sum(w * c for w, c in zip(row, linear(colour), strict=True)))) for row in BLINDNESS[kind]
    )


def lab(light):
    """Return CIE L*a*b* of linear light, D65."""
    rows = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.072175), (0.0193339, 0.119192, 0.9503041))
    white = (0.95047, 1.0, 1.08883)
    xyz = [sum(w * c for w, c in zip(row, light, strict=True)) / n for row, n in zip(rows, white, strict=True)]
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", ["ink", "ink-2", "ink-3", "link", *STATE_COLOURS])
def test_each_text_colour_reads_on_each_surface(text, theme):
    unreadable = {
        surface: round(ratio, 2)
        for surface in (*SURFACES, *TINTS)
        if (ratio := contrast(TOKENS[text][theme], TOKENS[surface][theme])) < 4.5
    }

    assert unreadable == {}


@pytest.mark.parametrize("theme", THEMES)
def test_edges_of_controls_and_the_ring_of_the_focus_stand_out(theme):
    for surface in ("canvas", "surface", "raised"):
        assert contrast(TOKENS["line-ctl"][theme], TOKENS[surface][theme]) >= 3
        assert contrast(TOKENS["focus"][theme], TOKENS[surface][theme]) >= 5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_of_states_stay_apart_for_who_sees_fewer_colours(kind, theme):
    looks = {name: lab(seen(TOKENS[name][theme], kind)) for name in STATE_COLOURS}

    near = {
        pair: round(apart, 1)
        for pair in itertools.combinations(STATE_COLOURS, 2)
        if (apart := distance(looks[pair[0]], looks[pair[1]])) < 14
    }

    assert near == {}


def test_only_states_carry_colour():
    hues = {}
    for name, pair in TOKENS.items():
        red, green, blue = (int(pair["light"][at : at + 2], 16) / 255 for at in (1, 3, 5))
        hues[name] = colorsys.rgb_to_hls(red, green, blue)[2]

    for name in ("ink", "ink-2", "ink-3", "line", "line-ctl", "canvas", "surface"):
        assert hues[name] < 0.3 or TOKENS[name]["light"] == "#ffffff", name


def test_nothing_moves_by_itself_but_a_changed_cell():
    assert re.findall(r"@keyframes ([\w-]+)", CSS) == ["changed"]
    assert ".changed { animation: changed 2.4s" in CSS


def test_row_heights_and_sizes_of_type_are_those_of_the_guide():
    assert re.search(r"--row-h: 32px", CSS)
    assert '[data-density="dense"] { --row-h: 28px; }' in CSS
    assert '[data-density="roomy"] { --row-h: 42px; }' in CSS
    for size in (
        "--fs-md: .8125rem",
        "--fs-sm: .75rem",
        "--fs-xs: .6875rem",
        "--fs-lg: .9375rem",
        "--fs-xl: 1.1875rem",
    ):
        assert size in CSS


SYMBOLS = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "templates/_sprite.html").read_text()))
# A glyph's name begins with s (state), c (connection) or i; so do the classes of columns, which are no glyphs.
NAMED = re.compile(r"""["'#]([csi]-[a-z]+(?:-[a-z]+)*)["']""")
CLASSES = {"c-sel", "c-key", "c-state", "c-sub", "c-act"}


def test_every_glyph_that_is_named_is_in_the_sprite():
    places = (("elements", "*.py"), ("templates", "*.html"), ("static/ec2mon/js", "*.js"))
    named = {
        name
        for place, kind in places
        for file in (ROOT / place).rglob(kind)
        for name in NAMED.findall(file.read_text())
    }

    assert len(named) > 40
    assert named - CLASSES - SYMBOLS == set()


def test_each_state_has_a_shape_of_its_own():
    views = [state_view(state) for state in STATES] + [CONNECTED, LATE, NOT_CONNECTED, PAUSED, NEW]
    shapes = [view.icon for view in views] + [checks_view(rank, 3, 3, "running").icon for rank in (0, 2, 3)]

    assert set(shapes) <= SYMBOLS
    assert len(shapes) == len(set(shapes))
