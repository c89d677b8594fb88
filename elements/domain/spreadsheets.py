"""What may stand in a cell of an exported table."""

# A cell that begins so is a formula to Excel, LibreOffice and Google Sheets, full-width forms included (OWASP,
# "CSV injection"). Tags are written by whoever may name an instance.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """Return a value as the text of a cell that no spreadsheet takes for a formula; None is an empty cell."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
