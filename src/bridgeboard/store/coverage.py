"""What a store covers: since when, until when, how whole."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bridgeboard.store.database import Store
from bridgeboard.store.reader import Reader
from bridgeboard.store.timestamps import aware

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_COVERS: Final = """
SELECT (SELECT min(started_at) FROM usage),
       (SELECT max(started_at) FROM usage),
       (SELECT max(began_at) FROM runs WHERE outcome = 'done'),
       EXISTS (FROM runs WHERE outcome = 'done') OR NOT EXISTS (FROM runs),
       (SELECT count(*) FROM usage),
       (SELECT count(*) FROM sessions),
       (SELECT count(detailed_at) FROM sessions),
       (SELECT count(*) FROM quarantine)
"""


@dataclass(frozen=True)
class Coverage:
    """What a store covers. Times are aware UTC, None where there is nothing.

    Attributes:
        first_at: when the oldest request began.
        last_at: when the newest request began.
        synced_at: the beginning of the last sync that went well: what came later is not all there.
        is_whole: whether everything the server lists has been read once.
        rows: how many rows of usage there are.
        sessions: how many sessions.
        detailed: how many of them have their details.
        quarantined: how many records could not be read.
    """

    first_at: datetime | None
    last_at: datetime | None
    synced_at: datetime | None
    is_whole: bool
    rows: int
    sessions: int
    detailed: int
    quarantined: int

    @property
    def knows_no_request(self) -> bool:
        """Whether sessions are known, but no request yet: numbers of requests are unknown then."""
        return self.sessions > self.detailed and not self.rows

    @property
    def as_of(self) -> datetime:
        """Until when there can be data; the beginning of time when there is none."""
        return max((at for at in (self.synced_at, self.last_at) if at), default=_NEVER)


def coverage(reader: Reader | Store) -> Coverage:
    """What a store covers now."""
    ((first_at, last_at, synced_at, *rest),) = reader.rows(_COVERS)
    return Coverage(aware(first_at), aware(last_at), aware(synced_at), *rest)
