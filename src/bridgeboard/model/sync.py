"""The progress of a sync: its phases, its events, and the status of the background sync."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

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
class Status:
    """What the background sync is doing. Times are aware UTC.

    ``problem`` is None after a round that went well; otherwise a sentence that says what to do.
    """

    state: Literal["off", "waiting", "syncing"] = "off"
    event: Event | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    good_at: datetime | None = None
    problem: str | None = None
