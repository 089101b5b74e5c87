"""The command check on a dashboard that only reads: its folder, the newest copy, its age."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

from bridgeboard import formats
from bridgeboard.analysis.completeness import Verdict, bad, good
from bridgeboard.analysis.coverage import coverage
from bridgeboard.model.store import StoreError
from bridgeboard.runtime.replica import STALE
from bridgeboard.settings import Settings
from bridgeboard.store import published_copies
from bridgeboard.store.replica_store import Copy, ReplicaStore


def verdicts(settings: Settings, folder: Path, now: datetime) -> Iterator[Verdict]:
    """What works with the copies that a replica reads, and what to fix."""
    yield good("This is a replica: it reads copies of a store, and asks no deployment")
    try:
        newest = published_copies.named(folder)
        if newest is None:
            yield bad(
                f"No copy of a store is published in {folder}. Start the process that syncs with"
                f" `bridgeboard serve --publish {folder}`"
            )
            return
        with (
            tempfile.TemporaryDirectory(prefix="bridgeboard-") as spill,
            closing(ReplicaStore(folder, Copy(newest, folder, Path(spill)))) as store,
        ):
            covered = coverage(store)
        yield good(
            f"The newest copy in {folder} holds {formats.plural(covered.rows, 'row')} of usage,"
            f" {formats.plural(covered.sessions, 'session')}; it was made"
            f" {formats.ago(now - newest.made_at)} and known to be current"
            f" {formats.ago(now - newest.current_at)}"
        )
    except StoreError as error:
        yield bad(str(error))
        return
    if now - newest.seen_at > STALE:
        yield bad(
            f"The process that syncs has said nothing since {newest.seen_at:%Y-%m-%d %H:%M} UTC:"
            f" look whether it runs, and publishes to {folder}"
        )
    if newest.problem:
        yield bad(f"The last sync of that process failed: {newest.problem}")
    if settings.floor > newest.floor:
        yield bad(
            f"floor is {settings.floor} here, and {newest.floor} where sums of groups are made:"
            " readers who see groups only see nothing. Give both the same"
        )
