"""The last syncs of a store, their anomalies, and rows they could not read."""

from datetime import datetime
from typing import NamedTuple

from bridgeboard.model.store import Rows
from bridgeboard.model.store_status import Counts
from bridgeboard.model.times import aware
from bridgeboard.queries.store_status import ANOMALIES, QUARANTINE, RUNS
from bridgeboard.queries.typed_rows import typed


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


class Quarantined(NamedTuple):
    """A record in quarantine, without its text."""

    kind: str
    identity: str
    reason: str
    seen_at: datetime
    tries: int


def runs(reader: Rows, limit: int) -> list[Run]:
    """The last syncs, newest first."""
    return [
        Run(aware(began_at), aware(ended_at), generation, outcome, Counts(*counts), message)
        for began_at, ended_at, generation, outcome, message, *counts in reader.rows(RUNS, [limit])
    ]


def anomalies(reader: Rows, limit: int) -> list[Anomaly]:
    """The last things that were odd, newest first."""
    return list(typed(Anomaly, reader.rows(ANOMALIES, [limit])))


def quarantined(reader: Rows, limit: int) -> list[Quarantined]:
    """What is in quarantine, the latest first."""
    return list(typed(Quarantined, reader.rows(QUARANTINE, [limit])))
