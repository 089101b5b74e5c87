"""Entries handed on to a target, each once it is in the log, and again until it took them.

A small file beside the log says how far that has come, and what is wrong. What a target took just
before a crash may be handed on twice: an entry's number and digest tell.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from bridgeboard import private_files
from bridgeboard.state.audit.entry import AuditError, Entry
from bridgeboard.state.audit.log import Audit
from bridgeboard.state.audit.target import Target

EVERY_SECONDS: Final = 5.0
"""How often somebody looks for new entries."""
AT_ONCE: Final = 500
"""Entries that are handed over together."""


@dataclass(frozen=True)
class Progress:
    """How far a target has come.

    Attributes:
        target: which one; another one begins anew.
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


def progress_file(log: Path) -> Path:
    """The file that says how far the target of a log has come."""
    return log.with_suffix(".sent.json")


def progress(log: Path, name: str) -> Progress:
    """How far the target of this name has come. What cannot be read counts as nothing yet."""
    try:
        told = Progress(**json.loads(progress_file(log).read_text("utf-8")))
        number = int(told.number)
    except (OSError, ValueError, TypeError):
        return Progress(name)
    return replace(told, number=number) if told.target == name else Progress(name)


def forward(log: Audit, name: str, target: Target, now: datetime) -> Progress:
    """Hand on all entries that a target has not taken yet; how far it has come.

    Of several processes one does it at a time; nothing here raises, but for mistakes of ours.
    """
    done = progress(log.path, name)
    try:
        with log.lock():
            done = progress(log.path, name)
            for entries in _batches(log.since(done.number, done.digest)):
                target.send(entries)
                last = entries[-1]
                done = Progress(name, last.number, last.digest)
                _keep(log.path, done)
            if done.problem:
                done = Progress(name, done.number, done.digest)
                _keep(log.path, done)
    except (OSError, UnicodeError, AuditError) as error:
        since = done.failing_since or now.isoformat()
        done = replace(done, problem=str(error), failing_since=since)
        _keep(log.path, done)
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


def _keep(log: Path, done: Progress) -> None:
    """Remember it; on a full disk the next run hands the same on again."""
    try:
        private_files.put(progress_file(log), json.dumps(asdict(done)))
    except OSError:
        return
