"""Run ec2mon under load for long and print what that cost: `MINUTES=20 python -m tests.soak`.

It exits with 1 when a promise did not hold or a figure was not flat. DATABASE_URL and REDIS_URL say where it runs.
"""

import os
import random
import sys
import tempfile
from pathlib import Path

from tests.faults.installation import installation, seed
from tests.soak.figures import results
from tests.soak.soak import INTERVAL_S, Soak

ELEMENTS, INSTANCES = 20, 25


def main() -> int:
    """Soak, then say how it went."""
    minutes, number = float(os.environ.get("MINUTES", "20")), seed()
    print(f"{ELEMENTS} elements at {INTERVAL_S} s for {minutes:g} min; EC2MON_SEED={number} repeats it", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="ec2mon-soak-") as directory,
        installation(Path(directory)) as product,
    ):
        product.add_elements(ELEMENTS, instances=INSTANCES, interval_s=INTERVAL_S)
        soak = Soak(product, random.Random(number))
        soak.run(minutes * 60)
        soak.recover()
        broken, found = soak.broken(), results(soak.samples)
    print(", ".join(f"{count} {what}" for what, count in sorted(soak.counts.items())))
    print("\n".join(map(str, found)))
    print("\n".join(f"BROKEN: {what}" for what in broken) or "nothing lost, sent twice, run late or falsely gone")
    return 1 if broken or not all(result.is_flat for result in found) else 0


if __name__ == "__main__":
    sys.exit(main())
