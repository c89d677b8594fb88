"""What may stand in a cell of an exported table."""

import unicodedata

# A cell that begins so is a formula to Excel, LibreOffice and Google Sheets, full-width forms included (OWASP,
# "CSV injection"). Tags are written by whoever may name an instance.
_FORMULA = "=+-@＝＋－＠"
_BREAKS = "\t\r\n"


def cell(value: object) -> str:
    """Return a value as the text of a cell that no spreadsheet takes for a formula; None is an empty cell."""
    text = "" if value is None else str(value)
    if not text or text[0].isalnum():
        return text
    return f"'{text}" if text[0] in _BREAKS or _first(text) in _FORMULA else text


def _first(text: str) -> str:
    """Return the first character that is no blank, no quote and can be seen; a blank when there is none."""
    unseen = ("Cc", "Cf", "Zs", "Zl", "Zp")
    return next((each for each in text if each not in "\"'" and unicodedata.category(each) not in unseen), " ")
