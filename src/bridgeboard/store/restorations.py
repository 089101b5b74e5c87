"""When a store was made of a backup, and what is missing since."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bridgeboard.store.completeness import Verdict
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader
from bridgeboard.store.sync_state import anomaly
from bridgeboard.store.timestamps import aware, stored

KEY: Final = "restorations"
"""Setting of the store: when it was restored, and up to when what was restored had been read."""
LONGEST_QUIET: Final = timedelta(days=1)
"""A longer time without any request after a backup may be one that nobody could read again."""
_READ_SINCE: Final = "SELECT count(*) > 0 FROM runs WHERE outcome = 'done' AND began_at >= ?"
_NEXT: Final = "SELECT min(started_at) FROM usage WHERE started_at >= ?"
_READ_UNTIL: Final = "SELECT max(began_at) FROM runs WHERE outcome = 'done'"


@dataclass(frozen=True)
class Restoration:
    """When a store was restored, and from when on its backup knew nothing.

    ``since`` is None where there was no backup: the store began anew.
    """

    at: datetime
    since: datetime | None


def add(batch: Batch, made_at: datetime | None, now: datetime, message: str) -> datetime | None:
    """Note that this store was restored now; from when on it has to be read again.

    Args:
        batch: of the restored store.
        made_at: when the backup was made; None for a store that began anew.
        now: the time, aware.
        message: what happened, for the list of what was odd.
    """
    ((read_until,),) = batch.rows(_READ_UNTIL)
    since = (aware(read_until) or made_at) if made_at else None
    noted = [*restorations(batch), Restoration(now, since)]
    told = [[one.at.isoformat(), one.since and one.since.isoformat()] for one in noted]
    batch.set_meta(KEY, json.dumps(told))
    anomaly(batch, "restored", message, now)
    return since


def restorations(reader: Reader | Store) -> list[Restoration]:
    """How often a store was restored, the first time first."""
    pairs = json.loads(reader.meta(KEY) or "[]")
    return [
        Restoration(datetime.fromisoformat(at), datetime.fromisoformat(since) if since else None)
        for at, since in pairs
    ]


def verdicts(reader: Reader | Store) -> list[Verdict]:
    """What is missing since a backup that was restored, a sentence for each restoration."""
    return [_verdict(reader, one) for one in restorations(reader)]


def _verdict(reader: Reader | Store, one: Restoration) -> Verdict:
    began = (
        f"The store was restored on {_moment(one.at)} from a backup that was read up to"
        f" {_moment(one.since)}"
        if one.since
        else f"The store began anew on {_moment(one.at)}, as there was no backup"
    )
    if reader.rows(_READ_SINCE, [stored(one.at)]) == [(False,)]:
        return Verdict(
            good=False,
            text=f"{began}. The next sync reads what is missing, as far as the deployment still"
            " has it.",
        )
    ((first,),) = reader.rows(_NEXT, [stored(one.since or datetime.min.replace(tzinfo=UTC))])
    until = _moment(aware(first)) if first else "now"
    if one.since is None:
        return Verdict(good=False, text=f"{began}. Nothing is known of the time before {until}.")
    if first and aware(first) - one.since <= LONGEST_QUIET:
        return Verdict(good=True, text=f"{began}. A sync has read what came after it.")
    return Verdict(
        good=False,
        text=f"{began}. From then to {until} no request is known: nobody made one, or the"
        " deployment no longer had it when it was to be read again.",
    )


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
