"""The backups of a store, and how it is with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


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
