"""Entries handed on to a target, each once it is in the log, and again until it took them.

The state database says how far that has come, and what is wrong. What a target took just before a
crash may be handed on twice: an entry's number and digest tell.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select

from bridgeboard.state.audit.entry import Entry
from bridgeboard.state.audit.log import Audit
from bridgeboard.state.audit.target import Target
from bridgeboard.state.database import Database
from bridgeboard.state.errors import StateError
from bridgeboard.state.schema import FORWARDED

EVERY_SECONDS: Final = 5.0
"""How often somebody looks for new entries."""
AT_ONCE: Final = 500
"""Entries that are handed over together."""


@dataclass(frozen=True)
class Progress:
    """How far a target has come.

    Attributes:
        target: which one; each has a progress of its own.
        number: of the last entry it took; 0 if none.
        digest: of that entry.
        problem: why it does not take more; empty if it does.
        failing_since: since when, as an ISO time; empty likewise.
    """

    target: str = ""
    number: int = 0
    digest: str = ""
    problem: str = ""
    failing_since: str = ""

    @property
    def explained(self) -> str:
        """What keeps the target from taking entries, since when, and what becomes of them."""
        return (
            f"{self.target} has not taken entries of the audit log since {self.failing_since}"
            f" ({self.problem}). Nothing is lost: they are in the log, and handed on once it does."
            f" The last one that it took is entry {self.number}."
        )


def progress(database: Database, name: str) -> Progress:
    """How far the target of this name has come. Raises StateError."""
    with database.reading() as connection:
        row = connection.execute(select(FORWARDED).where(FORWARDED.c.target == name)).first()
    return (
        Progress(name, row.number, row.digest, row.problem, row.failing_since)
        if row
        else Progress(name)
    )


def forward(log: Audit, name: str, target: Target, now: datetime) -> Progress:
    """Hand on all entries that a target has not taken yet; how far it has come.

    Of several processes and dashboards one does it at a time, and the others do nothing. Nothing
    here raises, but for mistakes of ours.
    """
    done = Progress(name)
    try:
        done = progress(log.database, name)
        with log.database.lock("audit") as is_ours:
            if not is_ours:
                return done
            done = progress(log.database, name)
            for entries in _batches(log.since(done.number, done.digest)):
                target.send(entries)
                last = entries[-1]
                done = Progress(name, last.number, last.digest)
                _keep(log.database, done)
            if done.problem:
                done = Progress(name, done.number, done.digest)
                _keep(log.database, done)
    except (OSError, UnicodeError, StateError) as error:
        since = done.failing_since or now.isoformat()
        done = replace(done, problem=str(error), failing_since=since)
        with suppress(StateError):  # the page that asks how far it is meets the same
            _keep(log.database, done)
    return done


class Forwarder:
    """Hands on new entries from a thread of its own until it is stopped."""

    def __init__(
        self, log: Audit, name: str, target: Target, clock: Callable[[], datetime]
    ) -> None:
        self._log, self._name, self._target, self._clock = log, name, target, clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bridgeboard-audit", daemon=True)

    def start(self) -> None:
        """Begin with what is missing."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and hand on what was noted last, unless a target keeps it waiting."""
        self._stopping.set()
        self._thread.join(EVERY_SECONDS)

    def _run(self) -> None:
        while True:
            is_last = self._stopping.is_set()
            forward(self._log, self._name, self._target, self._clock())
            if is_last:
                return
            self._stopping.wait(EVERY_SECONDS)


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    for entry in entries:
        batch.append(entry)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _keep(database: Database, done: Progress) -> None:
    """Remember it; what cannot be remembered is handed on again. Raises StateError."""
    with database.writing() as connection:
        connection.execute(FORWARDED.delete().where(FORWARDED.c.target == done.target))
        connection.execute(insert(FORWARDED).values(asdict(done)))
