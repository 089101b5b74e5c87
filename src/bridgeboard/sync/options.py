"""How to sync: what an operator may choose, and what every phase of one run shares."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bridgeboard.pricing import Book

Generation = Literal["interceptions", "sessions"]
"""Which API tells the usage: each request by itself (up to v2.34), or sessions only."""


@dataclass(frozen=True)
class Options:
    """What an operator may choose.

    ``since`` limits how far a first sync reads back; later ones go on from there. ``overlap`` is
    read again by every sync, because a request is listed only after it has ended: a request that
    ran longer than that may be missed. ``text`` keeps prompts, thinking and tool inputs.
    ``details`` is the most sessions whose details are read in one run; None reads all.
    """

    book: Book = field(default_factory=Book)
    since: datetime | None = None
    overlap: timedelta = timedelta(hours=24)
    text: bool = True
    workers: int = 4
    page_size: int = 1000
    details: int | None = None


@dataclass(frozen=True)
class Context:
    """What the phases of one run share.

    ``now`` is the beginning of the run, aware, by the server's clock where it told one.
    """

    options: Options
    now: datetime
    generation: Generation
