import pytest

from elements.domain.spreadsheets import cell

# What spreadsheets drop, or may drop, before they look for a formula.
LEADS = ('"', "'", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u202e", "\x0b", "\x1b", '" \t"')


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＠x"] + [f"{lead}=1" for lead in LEADS],
)
def test_a_formula_becomes_text(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("web-1", "web-1"),
        (None, ""),
        (7, "7"),
        ("a=b", "a=b"),
        ("", ""),
        ("  ", "  "),
        ('"', '"'),
        ("(=", "(="),
        ("→x", "→x"),
    ],
)
def test_anything_else_stays_as_it_is(value, text):
    assert cell(value) == text
