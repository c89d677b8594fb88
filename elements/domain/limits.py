"""From what to what the numbers of an element's configuration may go, both ends included."""

INTERVAL_S = (10, 86_400)
RETENTION_DAYS = (1, 365)
DEBUG_ROWS = (1_000, 1_000_000)
