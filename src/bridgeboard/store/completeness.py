"""Whether all is here: what the server counts of each closed day, and what it fails to list."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader
from bridgeboard.store.timestamps import aware, stored

_HELD: Final = """
SELECT started_at::DATE, count(*) FROM usage
WHERE grain = 'interception' AND started_at >= ? AND started_at < ? GROUP BY 1
"""
_DELETED: Final = """
SELECT day, count(*) FROM erased_rows
WHERE kind = 'interceptions' AND day >= ?::DATE AND day < ?::DATE GROUP BY 1
"""
_WITHIN: Final = """
kind = $1 AND coalesce(since, TIMESTAMP '0001-01-01') >= coalesce($2, TIMESTAMP '0001-01-01')
AND coalesce(since, TIMESTAMP '0001-01-01') < coalesce($3, TIMESTAMP '9999-01-01')
"""


@dataclass(frozen=True)
class DayCount:
    """How many rows of one closed day (UTC) the server counts, and how many the store has.

    ``unreadable`` ones were listed, and are in quarantine. ``deleted`` ones were deleted on purpose
    with the numbers of somebody who was erased, and are left out of every sync.
    """

    kind: str
    day: date
    counted: int
    held: int
    unreadable: int
    counted_at: datetime
    deleted: int = 0

    @property
    def missing(self) -> int:
        """Rows that the server counts and nobody has read. Of a day it has purged, none."""
        return max(0, self.counted - self.held - self.unreadable - self.deleted)


@dataclass(frozen=True)
class LeftOut:
    """Rows that the server fails to list, in a window that is half-open; None is without end.

    ``rows`` is None where it does not even count them.
    """

    kind: str
    since: datetime | None
    until: datetime | None
    rows: int | None
    reason: str
    seen_at: datetime


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


def day_counts(reader: Reader | Store) -> list[DayCount]:
    """The last count of each closed day, newest first."""
    rows = reader.rows(
        "SELECT kind, day, counted, held, unreadable, counted_at, coalesce(deleted, 0)"
        " FROM day_counts ORDER BY day DESC, kind"
    )
    return [
        DayCount(kind, day, counted, held, unreadable, aware(at), deleted)
        for kind, day, counted, held, unreadable, at, deleted in rows
    ]


def held(reader: Reader | Store, since: datetime, until: datetime) -> Mapping[date, int]:
    """How many interceptions of each day of a window the store has."""
    return dict(reader.rows(_HELD, [stored(since), stored(until)]))


def deleted(reader: Reader | Store, since: datetime, until: datetime) -> Mapping[date, int]:
    """How many interceptions of each day of a window are left out because of an erasure."""
    return dict(reader.rows(_DELETED, [stored(since), stored(until)]))


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


def left_out(reader: Reader | Store) -> list[LeftOut]:
    """What the server fails to list, newest first."""
    rows = reader.rows(
        "SELECT kind, since, until, rows, reason, seen_at FROM left_out"
        " ORDER BY until DESC NULLS FIRST, since DESC, kind"
    )
    return [
        LeftOut(kind, aware(since), aware(until), count, reason, aware(seen_at))
        for kind, since, until, count, reason, seen_at in rows
    ]


@dataclass(frozen=True)
class Verdict:
    """Whether something is all here, in a sentence or two that say what to do if not."""

    good: bool
    text: str


def verdicts(counts: Sequence[DayCount], left: Sequence[LeftOut]) -> list[Verdict]:
    """What the counts of closed days and what was left out come to."""
    told = []
    for kind, noun in _NOUNS.items():
        days = [one for one in counts if one.kind == kind]
        if days:
            told.append(_of_days(days, noun))
        gone = [one for one in left if one.kind == kind]
        if gone:
            told.append(_of_left_out(gone, noun))
    return told


_NOUNS: Final = {"interceptions": "requests", "sessions": "sessions"}


def _of_days(days: Sequence[DayCount], noun: str) -> Verdict:
    short = [one for one in days if one.missing]
    if short:
        missing, counted = sum(one.missing for one in short), sum(one.counted for one in short)
        return Verdict(
            good=False,
            text=f"On {len(short):,} of {len(days):,} closed days the deployment counts more {noun}"
            f" than the store has: {missing:,} of {counted:,} are missing. Every sync that counts"
            " these days again reads them again; if that stays so, see on the page Trust what was"
            " odd in the syncs, and report it.",
        )
    counted, held = (sum(getattr(one, name) for one in days) for name in ("counted", "held"))
    broken = sum(one.unreadable for one in days)
    deleted = sum(one.deleted for one in days)
    return Verdict(
        good=True,
        text=f"On {len(days):,} closed days the deployment counts {counted:,} {noun}, day by day,"
        f" and the store has {held:,}"
        + (f", {broken:,} in quarantine" if broken else "")
        + (f", {deleted:,} deleted on purpose with somebody who was erased" if deleted else "")
        + ": none is missing.",
    )


def _of_left_out(left: Sequence[LeftOut], noun: str) -> Verdict:
    many = sum(one.rows or 1 for one in left)
    least = "at least " if any(one.rows is None for one in left) else ""
    return Verdict(
        good=False,
        text=f"The deployment fails to list {least}{many:,} {noun}: it answers every page that they"
        " are on with an error. They are left out, all others are read. Show whoever operates the"
        " deployment when they were and what it said (page Trust); once it lists them, a sync"
        " finds them by itself.",
    )
