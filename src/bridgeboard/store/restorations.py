"""Records that a store was made of a backup."""

from datetime import datetime

from bridgeboard.model.restorations import KEY, Restoration, read, written
from bridgeboard.store.reader import Batch
from bridgeboard.store.sync_state import anomaly, read_until


def add(batch: Batch, made_at: datetime | None, now: datetime, message: str) -> datetime | None:
    """Note that this store was restored now; from when on it has to be read again.

    Args:
        batch: of the restored store.
        made_at: when the backup was made; None for a store that began anew.
        now: the time, aware.
        message: what happened, for the list of what was odd.
    """
    since = (read_until(batch) or made_at) if made_at else None
    noted = [*read(batch.meta(KEY)), Restoration(now, since)]
    batch.set_meta(KEY, written(noted))
    anomaly(batch, "restored", message, now)
    return since
