"""The server's counts of each closed day, and the rows it fails to list."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final, Literal, get_args

from bridgeboard.model.completeness import DayCount, LeftOut
from bridgeboard.model.timestamps import stored
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader

_STORED_DAYS: Final = """
SELECT started_at::DATE, count(*) FROM usage
WHERE grain = 'interception' AND started_at >= ? AND started_at < ? GROUP BY 1
"""
_DELETED: Final = """
SELECT day, count(*) FROM erased_rows
WHERE kind = 'interceptions' AND day >= ?::DATE AND day < ?::DATE GROUP BY 1
"""
Listed = Literal["listed_sessions"]
LISTED: Final[Listed] = get_args(Listed)[0]
"""The kind of erased rows that are sessions of a day's list, each with its initiator."""
_WITHIN: Final = """
kind = $1 AND coalesce(since, TIMESTAMP '0001-01-01') >= coalesce($2, TIMESTAMP '0001-01-01')
AND coalesce(since, TIMESTAMP '0001-01-01') < coalesce($3, TIMESTAMP '9999-01-01')
"""


def put_counts(batch: Batch, counts: Iterable[DayCount]) -> None:
    """Keep the counts of days in place of earlier ones."""
    for one in counts:
        batch.keep("DELETE FROM day_counts WHERE kind = ? AND day = ?", [one.kind, one.day])
        batch.keep(
            "INSERT INTO day_counts VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                one.kind,
                one.day,
                one.counted,
                one.held,
                one.unreadable,
                stored(one.counted_at),
                one.deleted,
            ],
        )


def held(reader: Reader | Store, since: datetime, until: datetime) -> Mapping[date, int]:
    """How many interceptions of each day of a window the store has."""
    return dict(reader.rows(_STORED_DAYS, [stored(since), stored(until)]))


def deleted(reader: Reader | Store, since: datetime, until: datetime) -> Mapping[date, int]:
    """How many interceptions of each day of a window are left out because of an erasure."""
    return dict(reader.rows(_DELETED, [stored(since), stored(until)]))


def forget_listed(batch: Batch, day: date) -> None:
    """Forget which sessions of a day were left out: its list is read anew."""
    batch.keep("DELETE FROM erased_rows WHERE kind = ? AND day = ?", [LISTED, day])


def put_deleted(batch: Batch, day: date) -> int:
    """Take sessions of a day that were left out for deleted ones, not for held; how many."""
    ((deleted,),) = batch.rows(
        "SELECT count(*) FROM erased_rows WHERE kind = ? AND day = ?", [LISTED, day]
    )
    batch.keep(
        "UPDATE day_counts SET held = greatest(0, held + coalesce(deleted, 0) - $2), deleted = $2"
        " WHERE kind = 'sessions' AND day = $1",
        [day, deleted],
    )
    return int(deleted)


def leave_out(batch: Batch, left: Iterable[LeftOut]) -> None:
    """Keep which rows the server fails to list, in place of what was known of the same window."""
    for one in left:
        window = [one.kind, stored(one.since), stored(one.until)]
        batch.keep(
            "DELETE FROM left_out WHERE kind = ? AND since IS NOT DISTINCT FROM ?"
            " AND until IS NOT DISTINCT FROM ?",
            window,
        )
        batch.keep(
            "INSERT INTO left_out VALUES (?, ?, ?, ?, ?, ?)",
            [*window, one.rows, one.reason, stored(one.seen_at)],
        )


def found_again(
    batch: Batch, kind: str, since: datetime | None, until: datetime | None, now: datetime
) -> None:
    """Forget what was left out of a window before ``now``, when it was read to its end."""
    batch.keep(
        f"DELETE FROM left_out WHERE {_WITHIN} AND seen_at < $4",
        [kind, stored(since), stored(until), stored(now)],
    )
