import pickle
from datetime import UTC, datetime

from elements.domain.snapshots import InstanceSnapshot


def test_a_snapshot_that_was_put_away_is_the_same():
    snapshot = InstanceSnapshot(
        "i-1", "running", launched_at=datetime(2026, 3, 1, tzinfo=UTC), tags={"Name": "a"}, raw_digest=b"x"
    )

    assert pickle.loads(pickle.dumps(snapshot)) == snapshot
