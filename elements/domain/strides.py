"""How many rows one step takes, so that whatever it locks is free again in a moment."""

# Well below the 200 ms that nobody may be kept waiting: a disk can be busy, and the next rows larger than the last.
AIM_S = 0.025
LEAST, FIRST, MOST = 10, 100, 2_000


class Stride:
    """A size that begins small and follows what the last step took."""

    def __init__(self) -> None:
        self.size = FIRST

    def took(self, rows: int, seconds: float) -> None:
        """Learn from a step. It shrinks at once as far as needed and grows to no more than twice itself."""
        if rows:
            affordable = rows * AIM_S / max(seconds, 1e-6)
            self.size = round(max(LEAST, min(affordable, 2 * self.size, MOST)))
