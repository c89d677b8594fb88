import pytest

from elements.domain.spreadsheets import cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＠x"])
def test_a_formula_becomes_text(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(("value", "text"), [("web-1", "web-1"), (None, ""), (7, "7"), ("a=b", "a=b")])
def test_anything_else_stays_as_it_is(value, text):
    assert cell(value) == text
