"""Which elements are worth counting the records of, for counting 50,000 takes longer than deleting a few."""

# So much more than its limit an element may have for a while, when there are many elements.
SLACK = 0.01
# Nobody waits for ever, however little is written: the limit may have been lowered.
LEAST_ODDS = 1 / 60
# As many records are counted in each run without asking what for.
EASY = 1_000_000


def odds(limit: int, written: int) -> float:
    """Return how likely a run counts an element's records, given how many were written since the last run or so.

    What counting costs thereby depends on how much is written, not on how many elements there are.
    """
    return min(1.0, max(LEAST_ODDS, written / max(1.0, limit * SLACK)))
