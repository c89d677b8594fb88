"""What is looked for in all elements: the words of a search, and how well a text meets them."""

from elements.domain.naming import clean

MAX_WORDS = 8
MAX_TEXT = 200


def words(text: str) -> tuple[str, ...]:
    """Return the words of a search in lower case; all of them must be met."""
    return tuple(clean(word) for word in text[:MAX_TEXT].lower().split()[:MAX_WORDS])


def rank(text: str, wanted: tuple[str, ...]) -> int | None:
    """Return 0 when lines of a lower case text are the words whole, 1 when it begins so, 2 when a line does.

    3 when it holds all words anywhere, None when it does not.
    """
    if not wanted or not all(word in text for word in wanted):
        return None
    whole, lines = " ".join(wanted), text.split("\n")
    if whole in lines:
        return 0
    if text.startswith(whole):
        return 1
    return 2 if any(line.startswith(whole) for line in lines) else 3
