"""Options of a sync, and the context that all phases of one run share."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bridgeboard.pricing import Book
from bridgeboard.sync.concurrency import MOST

Generation = Literal["interceptions", "sessions"]
"""Where usage comes from: single requests (servers up to v2.34), or sessions only."""


@dataclass(frozen=True)
class Options:
    """Options of a sync.

    ``since`` limits how far a first sync reads back; later ones go on from there. ``overlap`` is
    read again by every sync, because a request is listed only after it has ended; one that ran
    longer is found when the days are counted (``day_counts``). ``text`` keeps prompts, thinking and
    tool inputs. ``kept_days`` is the age at which rows are deleted; None keeps them.
    ``details`` is the most sessions whose details are read in one run, ``details_for`` the longest
    time that is spent on them; None reads all. ``details_together`` of them are asked for at the
    same time, at most: fewer, when answers get slower by it (``concurrency``).
    """

    book: Book = field(default_factory=Book)
    since: datetime | None = None
    overlap: timedelta = timedelta(hours=24)
    text: bool = True
    workers: int = 4
    page_size: int = 1000
    details: int | None = None
    details_for: timedelta | None = None
    details_together: int = MOST
    kept_days: int | None = None


@dataclass(frozen=True)
class Context:
    """What the phases of one run share.

    ``now`` is the start of the run, aware, by the server's clock where its answers have a date.
    """

    options: Options
    now: datetime
    generation: Generation
