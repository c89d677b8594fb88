"""Python's and Django's clock as a file says: what a process that has this directory on its path takes for the time.

Steady clocks, by which processes sleep and wait, go on as they do when the clock of a machine is put. AWS's clients ask
for the time in another way: their clock is right.
"""

import os
import time
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

_FILE = Path(os.environ["CLOCK_FILE"])
_real_s, _real_now = time.time, timezone.now


def _ahead_s() -> float:
    return float(_FILE.read_text())


time.time = lambda: _real_s() + _ahead_s()
time.time_ns = lambda: int(time.time() * 1e9)
timezone.now = lambda: _real_now() + timedelta(seconds=_ahead_s())
