"""How it is with a store: its sync, what is complete, from what it was restored, its backups."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

NOUNS: Final = {"interceptions": "requests", "sessions": "sessions"}
"""Kind of a count → what it counts."""


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


RESTORATIONS: Final = "restorations"
"""Setting of the store: when it was restored, and up to when what was restored had been read."""


@dataclass(frozen=True)
class Restoration:
    """When a store was restored, and from when on its backup knew nothing.

    ``since`` is None where there was no backup: the store began anew.
    """

    at: datetime
    since: datetime | None


def restorations_of(text: str | None) -> list[Restoration]:
    """The restorations in the text of the setting, oldest first."""
    return [
        Restoration(datetime.fromisoformat(at), datetime.fromisoformat(since) if since else None)
        for at, since in json.loads(text or "[]")
    ]


def restorations_text(restorations: Sequence[Restoration]) -> str:
    """The same as the text of the setting."""
    return json.dumps(
        [[one.at.isoformat(), one.since and one.since.isoformat()] for one in restorations]
    )


@dataclass(frozen=True)
class Backup:
    """A complete backup: its folder, when it was made (aware), and its size in bytes."""

    path: Path
    made_at: datetime
    bytes: int


@dataclass(frozen=True)
class BackupStatus:
    """How it is with the backups of a store. Times are aware.

    Attributes:
        good: the complete ones, newest first.
        problem: why the last one failed, or that there should be a later one; None if all is well.
        next_at: when the next is due; None where none are made.
    """

    good: Sequence[Backup] = ()
    problem: str | None = None
    next_at: datetime | None = None


@dataclass(frozen=True)
class MirrorStatus:
    """How it is with the mirror of a store in ClickHouse.

    Attributes:
        at: the time (aware) of the newest state that its readers see; None if it is not known yet.
        version: the number of that state.
        rows: how many rows were written since the process began.
        problem: why it is not up to date, and what to do; None if all is well.
    """

    at: datetime | None = None
    version: int = 0
    rows: int = 0
    problem: str | None = None


@dataclass(frozen=True)
class CopyStatus:
    """How it is with the copies of a store: those that are published, or the one that is read.

    Attributes:
        made_at: when the newest was made, aware; None where there is none.
        current_at: when it was last known to hold all that the store holds.
        seen_at: when the process that publishes looked last.
        problem: why there is no newer one; None if all is well.
        bytes: its size, where that is known.
    """

    made_at: datetime | None = None
    current_at: datetime | None = None
    seen_at: datetime | None = None
    problem: str | None = None
    bytes: int | None = None


Phase = Literal["prices", "interceptions", "sessions", "details", "done"]


@dataclass(frozen=True)
class Event:
    """One step of a run. All numbers count from the beginning of their phase.

    ``done`` of ``total`` is the work of the phase in its own unit (interceptions, sessions, ...);
    ``total`` None is not known yet. ``rows`` were read, ``changed`` of them were new or
    differed from the store; ``requests`` is the number of requests to the server. ``left`` is the
    time that the rest of the phase takes, where that is known.
    """

    phase: Phase
    done: int = 0
    total: int | None = None
    rows: int = 0
    changed: int = 0
    requests: int = 0
    windows_done: int = 0
    windows_total: int = 0
    quarantined: int = 0
    left: timedelta | None = None
    message: str = ""


@dataclass(frozen=True)
class Counts:
    """What one sync did."""

    read_rows: int = 0
    changed_rows: int = 0
    sessions: int = 0
    details: int = 0
    quarantined: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Totals:
    """What all syncs of a process have done since its start."""

    good: int = 0
    failed: int = 0
    read_rows: int = 0
    changed_rows: int = 0
    details: int = 0
    quarantined: int = 0
    requests: int = 0

    def with_events(self, last: Iterable[Event]) -> "Totals":
        """The same with what one more sync has read: the last event of each of its phases."""
        by_phase = {event.phase: event for event in last}
        nothing = Event("done")
        listed = by_phase.get("interceptions", nothing)
        return replace(
            self,
            read_rows=self.read_rows + listed.rows,
            changed_rows=self.changed_rows + listed.changed,
            details=self.details + by_phase.get("details", nothing).done,
            quarantined=self.quarantined + sum(each.quarantined for each in by_phase.values()),
            requests=self.requests + sum(each.requests for each in by_phase.values()),
        )


@dataclass(frozen=True)
class Status:
    """What the background sync is doing. Times are aware UTC.

    ``state`` is "standby" while another process syncs in place of this one, and "silent" where
    another one is to sync and is not heard of. ``problem`` is None after a round that went well;
    otherwise a sentence that says what to do.
    """

    state: Literal["off", "silent", "standby", "waiting", "syncing"] = "off"
    event: Event | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    good_at: datetime | None = None
    problem: str | None = None
