"""What the syncs of a store did, what was odd about them, and what they could not read."""

from datetime import datetime
from typing import NamedTuple

from bridgeboard.store.database import Store
from bridgeboard.store.reader import Reader
from bridgeboard.store.sync_state import Counts
from bridgeboard.store.timestamps import aware


class Run(NamedTuple):
    """One sync. Times are aware; ``ended_at`` is None while it runs, or when it was killed."""

    began_at: datetime
    ended_at: datetime | None
    generation: str
    outcome: str
    counts: Counts
    message: str


class Anomaly(NamedTuple):
    """Something that was not as promised."""

    seen_at: datetime
    kind: str
    message: str


class Broken(NamedTuple):
    """A record in quarantine, without its text."""

    kind: str
    identity: str
    reason: str
    seen_at: datetime
    tries: int


def runs(reader: Reader | Store, limit: int) -> list[Run]:
    """The last syncs, newest first."""
    rows = reader.rows(
        "SELECT began_at, ended_at, coalesce(generation, ''), outcome, message, read_rows,"
        " changed_rows, sessions, details, quarantined, requests"
        " FROM runs ORDER BY run DESC LIMIT ?",
        [limit],
    )
    return [
        Run(aware(began_at), aware(ended_at), generation, outcome, Counts(*counts), message)
        for began_at, ended_at, generation, outcome, message, *counts in rows
    ]


def anomalies(reader: Reader | Store, limit: int) -> list[Anomaly]:
    """The last things that were odd, newest first."""
    rows = reader.rows(
        "SELECT seen_at, kind, message FROM anomalies ORDER BY seen_at DESC, kind LIMIT ?", [limit]
    )
    return [Anomaly(aware(seen_at), kind, message) for seen_at, kind, message in rows]


def broken(reader: Reader | Store, limit: int) -> list[Broken]:
    """What is in quarantine, the latest first."""
    rows = reader.rows(
        "SELECT kind, identity, reason, seen_at, tries FROM quarantine"
        " ORDER BY seen_at DESC, kind, identity LIMIT ?",
        [limit],
    )
    return [
        Broken(kind, identity, reason, aware(seen_at), tries)
        for kind, identity, reason, seen_at, tries in rows
    ]
