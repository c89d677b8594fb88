"""How many rows one step takes, so that whatever it locks is free again in a moment."""

# Well below the 200 ms that nobody may be kept waiting: a disk can be busy, and the next rows larger than the last.
AIM_S = 0.025
LEAST, FIRST, MOST = 10, 100, 2_000


class Stride:
    """A size that follows what the last step took: it begins small, unless `first` says what is safe to begin with."""

    def __init__(self, *, first: int = FIRST, least: int = LEAST, most: int = MOST, aim_s: float = AIM_S) -> None:
        self.size, self._least, self._most, self._aim_s = first, least, most, aim_s

    def took(self, rows: int, seconds: float) -> None:
        """Learn from a step. It shrinks at once as far as needed and grows to no more than twice itself."""
        if rows:
            affordable = rows * self._aim_s / max(seconds, 1e-6)
            self.size = round(min(max(affordable, self._least), 2 * self.size, self._most))
