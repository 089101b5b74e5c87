"""The progress of syncs: windows, runs, quarantine, anomalies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import date, datetime
from typing import Final, NamedTuple
from uuid import UUID

import pyarrow as pa

from bridgeboard.model.store_status import Counts, DayCount, LeftOut
from bridgeboard.model.times import aware, stored
from bridgeboard.store import erasure
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader

Span = tuple[datetime | None, datetime | None]

_IS: Final = "kind = ? AND since IS NOT DISTINCT FROM ? AND until IS NOT DISTINCT FROM ?"
_MOST_MESSAGE: Final = 1_000


@dataclass(frozen=True)
class Window:
    """A stretch of time that is read from its newest row down; half-open, aware, None is open.

    Two are equal when they are the same stretch of the same kind, however far each was read.
    """

    kind: str
    since: datetime | None
    until: datetime | None
    after: UUID | None = field(default=None, compare=False)
    rows_read: int = field(default=0, compare=False)

    @property
    def key(self) -> list[object]:
        """What tells it from others, as the database has it."""
        return [self.kind, stored(self.since), stored(self.until)]


class Quarantined(NamedTuple):
    """A record that could not be read: as received, why not, since when, and how often tried."""

    kind: str
    identity: str
    reason: str
    raw: str
    seen_at: datetime
    tries: int


class Suspect(NamedTuple):
    """A record that cannot be read: its id, or a digest of its text; why; and its JSON."""

    identity: str
    reason: str
    raw: str


def open_windows(batch: Batch, kind: str, spans: Iterable[Span], now: datetime) -> None:
    """Plan to read these stretches of time, unless that is planned already."""
    keys = dict.fromkeys(tuple(Window(kind, *span).key) for span in spans)
    known = {tuple(window.key) for window in unfinished(batch, kind)} if keys else set()
    fresh = [key for key in keys if key not in known]
    if not fresh:
        return
    since, until = (pa.array([key[place] for key in fresh], pa.timestamp("us")) for place in (1, 2))
    with batch.registered(given=pa.table({"since": since, "until": until})):
        batch.keep(
            "INSERT INTO windows SELECT ?, since, until, NULL, 0, ?, NULL FROM given",
            [kind, stored(now)],
        )


def unfinished(reader: Reader | Store, kind: str) -> list[Window]:
    """The windows that are not read to their end, newest first."""
    rows = reader.rows(
        "SELECT kind, since, until, after, rows_read FROM windows"
        " WHERE kind = ? AND done_at IS NULL ORDER BY until DESC NULLS FIRST,"
        " since DESC NULLS LAST",
        [kind],
    )
    return [
        Window(kind, aware(since), aware(until), after, read)
        for kind, since, until, after, read in rows
    ]


def drop(batch: Batch, windows: Iterable[Window]) -> None:
    """Forget the plan to read these."""
    for window in windows:
        batch.keep(f"DELETE FROM windows WHERE {_IS} AND done_at IS NULL", window.key)


def advance(batch: Batch, window: Window, after: UUID | None, rows: int) -> None:
    """Note down to which row a window is read (None: from its top), and how many rows that were."""
    batch.keep(
        f"UPDATE windows SET after = ?, rows_read = ? WHERE {_IS} AND done_at IS NULL",
        [after, rows, *window.key],
    )


def finish(batch: Batch, window: Window, now: datetime) -> None:
    """Note that a window is read to its end."""
    batch.keep(
        f"UPDATE windows SET done_at = ? WHERE {_IS} AND done_at IS NULL",
        [stored(now), *window.key],
    )


def begin_run(batch: Batch, generation: str, now: datetime) -> int:
    """Open the journal's next line; its number. A line still open is that of a killed run."""
    batch.execute("UPDATE runs SET outcome = 'stopped' WHERE outcome = 'running'")
    ((number,),) = batch.rows("SELECT coalesce(max(run), 0) + 1 FROM runs")
    # With the first run a store ceases to count as whole; later ones change that at their ends.
    write = batch.execute if number == 1 else batch.keep
    write(
        "INSERT INTO runs VALUES (?, ?, NULL, ?, 'running', 0, 0, 0, 0, 0, 0, '')",
        [number, stored(now), generation],
    )
    return int(number)


def finish_run(  # noqa: PLR0917  # a line's fields in their order
    batch: Batch, run: int, outcome: str, counts: Counts, message: str, now: datetime
) -> None:
    """Close a line of the journal with ``done``, ``failed`` or ``stopped``."""
    batch.execute(
        "UPDATE runs SET ended_at = ?, outcome = ?, read_rows = ?, changed_rows = ?,"
        " sessions = ?, details = ?, quarantined = ?, requests = ?, message = ? WHERE run = ?",
        [
            stored(now),
            outcome,
            *astuple(counts),
            _holdable(message[:_MOST_MESSAGE]),
            run,
        ],
    )


def read_until(reader: Reader | Store) -> datetime | None:
    """When the last sync that went well began: up to then all was read; None without one."""
    ((began_at,),) = reader.rows("SELECT max(began_at) FROM runs WHERE outcome = 'done'")
    latest: datetime | None = aware(began_at)
    return latest


def last_ended_at(reader: Reader | Store) -> datetime | None:
    """When the newest run ended, by the server's clock; None where it runs, or there is none."""
    rows = reader.rows("SELECT ended_at FROM runs ORDER BY run DESC LIMIT 1")
    return aware(rows[0][0]) if rows else None


def quarantine(batch: Batch, kind: str, records: Iterable[Suspect], now: datetime) -> None:
    """Store what cannot be read. A record that comes again counts another try."""
    for record in records:
        identity, reason, raw = map(_holdable, (record.identity, record.reason, record.raw))
        known = batch.rows(
            "SELECT seen_at, tries FROM quarantine WHERE kind = ? AND identity = ?",
            [kind, identity],
        )
        seen_at, tries = known[0] if known else (stored(now), 0)
        release(batch, kind, [identity])
        if erasure.is_about_erased(batch, kind, raw + identity + reason):
            raw, reason = "", "it is of somebody who was erased"
        batch.execute(
            "INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?)",
            [seen_at, kind, identity, reason, raw, tries + 1],
        )


def quarantined(reader: Reader | Store) -> list[Quarantined]:
    """All that is in quarantine, oldest first."""
    rows = reader.rows(
        "SELECT kind, identity, reason, raw, seen_at, tries FROM quarantine"
        " ORDER BY seen_at, kind, identity"
    )
    return [
        Quarantined(kind, identity, reason, raw, aware(seen_at), tries)
        for kind, identity, reason, raw, seen_at, tries in rows
    ]


def release(batch: Batch, kind: str, identities: Sequence[str]) -> None:
    """Let records out of quarantine."""
    batch.execute(
        "DELETE FROM quarantine WHERE kind = ? AND list_contains(?, identity)",
        [kind, [_holdable(identity) for identity in identities]],
    )


def anomaly(batch: Batch, kind: str, message: str, now: datetime) -> None:
    """Keep what was not as promised. The same thing of the same day is kept once."""
    at = stored(now)
    batch.execute(
        "DELETE FROM anomalies WHERE kind = ? AND message = ? AND seen_at::DATE = ?::DATE",
        [kind, _holdable(message[:_MOST_MESSAGE]), at],
    )
    batch.execute(
        "INSERT INTO anomalies VALUES (?, ?, ?)", [at, kind, _holdable(message[:_MOST_MESSAGE])]
    )


def _holdable(text: str) -> str:
    """A text as a database can hold it: with a mark for each half of a character."""
    return text.encode("utf-8", "replace").decode()


_STORED_DAYS: Final = """
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


def put_counts(batch: Batch, counts: Iterable[DayCount]) -> None:
    """Keep the counts of days in place of earlier ones."""
    for one in counts:
        batch.keep("DELETE FROM day_counts WHERE kind = ? AND day = ?", [one.kind, one.day])
        batch.keep(
            "INSERT INTO day_counts VALUES (?, ?, ?, ?, ?, ?, ?)",
            astuple(replace(one, counted_at=stored(one.counted_at))),
        )


def held(reader: Reader | Store, since: datetime, until: datetime) -> Mapping[date, int]:
    """How many interceptions of each day of a window the store has."""
    return dict(reader.rows(_STORED_DAYS, [stored(since), stored(until)]))


def deleted(reader: Reader | Store, since: datetime, until: datetime) -> Mapping[date, int]:
    """How many interceptions of each day of a window are left out because of an erasure."""
    return dict(reader.rows(_DELETED, [stored(since), stored(until)]))


def forget_listed(batch: Batch, day: date) -> None:
    """Forget which sessions of a day were left out: its list is read anew."""
    batch.keep("DELETE FROM erased_rows WHERE kind = ? AND day = ?", [erasure.LISTED, day])


def put_deleted(batch: Batch, day: date) -> int:
    """Take sessions of a day that were left out for deleted ones, not for held; how many."""
    ((deleted,),) = batch.rows(
        "SELECT count(*) FROM erased_rows WHERE kind = ? AND day = ?", [erasure.LISTED, day]
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
