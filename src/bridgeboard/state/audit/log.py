"""The log's lines in the state database: writing one, reading pages of them, verifying them all."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from io import BufferedWriter
from itertools import islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, insert, select, update

from bridgeboard import private_files
from bridgeboard.state.audit import former_log
from bridgeboard.state.audit import key as keys
from bridgeboard.state.audit.entry import (
    FIRST,
    KEY_CHANGED,
    Entry,
    change_of_key,
    digest_of_torn,
    line,
    read,
    signed,
)
from bridgeboard.state.audit.key import Key
from bridgeboard.state.audit.verdict import MOST_TORN, Verdict, verdict
from bridgeboard.state.database import Database
from bridgeboard.state.errors import AuditError, raised_as
from bridgeboard.state.schema import AUDIT_LINES

AT_ONCE: Final = 500
"""Lines that are read together."""
MOVED: Final = "move audit log"
"""What the first entry of a log says where the one before was put elsewhere."""
ACCEPTED: Final = "accept audit key"
"""What it says where an operator has dashboards that share it sign with another key."""
_MAKING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_columns: Final = AUDIT_LINES.c
_UNWRITTEN: Final = (
    "The audit log cannot be written, and what must be noted there is refused until it can."
)


class Audit:
    """The audit log of a state database, from any number of threads, processes and dashboards.

    Args:
        database: where it is.
        key: what entries are signed with. Empty is a key in a file of the data folder, which is
            made with the first entry.
    """

    def __init__(self, database: Database, key: str = "") -> None:
        self.database = database
        self._given = Key.of(key) if key else None

    def write(self, who: str, what: str, why: str = "", about: str = "", *, at: datetime) -> Entry:
        """Put an entry behind the last, and return when it is on the disk.

        Texts that are too long are cut.

        Raises:
            AuditError: when that cannot be done. What was to be noted must not happen then.
        """
        with raised_as(AuditError, _UNWRITTEN):
            former_log.take_over(self.database, self._key())
            with self.database.writing() as connection:
                return self._append(connection, Entry(0, at, who, what, why, about))

    def entries(self, limit: int = 50, before: int | None = None) -> tuple[Entry, ...]:
        """The last entries, the newest first; ``before`` is the number that they come before.

        Lines that are not as they were written are left out: :meth:`verify` finds them. Raises
        AuditError.
        """
        with self._reading():
            stop = None if before is None else self._position(before)
            rows = self._newest_first(stop, min(limit, AT_ONCE)) if limit > 0 else iter(())
            key = self._key()
            read_rows = (read(_text(row).removesuffix(b"\n"), key) for row in rows)
            return tuple(islice(filter(None, read_rows), max(0, limit)))

    def since(self, number: int, digest: str) -> Iterator[Entry]:
        """The entries behind the one with this number and digest, the oldest first.

        All of them where there is no such entry: the log was begun anew. Raises AuditError.
        """
        with self._reading():
            key = self._key()
            start = self._position(number) if number else None
            if start is not None:
                (row,) = self._rows(select(AUDIT_LINES).where(_columns.position == start))
                known = read(_text(row).removesuffix(b"\n"), key)
                if not known or (known.number, known.digest) != (number, digest):
                    start = None
            for row in self._oldest_first(start or 0):
                entry = read(_text(row).removesuffix(b"\n"), key)
                if entry:
                    yield entry

    def verify(self) -> Verdict:
        """Whether every line is as it was written; reads all of it. Raises AuditError.

        Lines that are missing at the end cannot be noticed: what is left is as it was written.
        """
        with self._reading():
            return verdict(map(_text, self._oldest_first(0)), self._key())

    def move_to(self, file: Path, *, at: datetime) -> int:
        """Put all lines into a new file and begin a new log; how many lines there were.

        The first entry of the new log holds the digest of the last one in the file. Raises
        AuditError, and then the log stays as it is.
        """
        with raised_as(AuditError, "The audit log stays where it is."):
            former_log.take_over(self.database, self._key())
            with self.database.writing() as connection, _new_file(file) as whole:
                count, text = 0, b""
                every = select(AUDIT_LINES).order_by(_columns.position)
                for row in connection.execute(every, execution_options={"yield_per": AT_ONCE}):
                    count, text = count + 1, _text(row)
                    whole.write(text)
                connection.execute(AUDIT_LINES.delete())
                last = read(text.removesuffix(b"\n"), self._key())
                about = f"{count} lines up to {last.digest if last else 'one that is none'}"
                self._append(connection, Entry(0, at, "operator", MOVED, "", about))
        return count

    def check_key(self) -> None:
        """Raise AuditError where entries are signed with another key than the one that is here.

        Not where only this dashboard writes, and an operator set another one: that is noted.
        """
        for last in self.entries(1):
            with raised_as(AuditError, _UNWRITTEN):
                self._key_behind(last, may_change=not self._is_shared)

    def change_key(self, *, at: datetime) -> Entry:
        """Sign with the key that is set from here on; what notes that. Raises AuditError."""
        with raised_as(AuditError, _UNWRITTEN):
            former_log.take_over(self.database, self._key())
            with self.database.writing() as connection:
                entry = Entry(0, at, "operator", ACCEPTED)
                return self._append(connection, entry, may_change_key=True)

    def words_key(self) -> bytes:
        """The key of digests of searched words, made if there is none. Raises AuditError."""
        return (self._given or keys.made(self._key_file)).for_words

    def known_words_keys(self) -> tuple[bytes, ...]:
        """All keys that words may have been noted with. Raises AuditError."""
        return tuple(
            key.for_words for key in (self._given, keys.read(self._key_file)) if key is not None
        )

    @property
    def _key_file(self) -> Path:
        return self.database.folder / keys.FILE

    def _key(self) -> Key | None:
        """The key that is here; None before the first entry is signed."""
        return self._given or keys.read(self._key_file)

    def _key_behind(self, last: Entry | None, *, may_change: bool) -> Key:
        """The key to sign with what comes behind this entry. Raises AuditError."""
        key = self._key()
        signed_with = last.key if last else ""
        if key and (signed_with in {"", key.name} or (key.is_given and may_change)):
            return key
        if signed_with:
            raise AuditError(self._other_key(signed_with, key))
        return keys.made(self._key_file)

    def _other_key(self, signed_with: str, key: Key | None) -> str:
        """What is said where the key that is here is not that of the last entry."""
        if self._is_shared:
            mine = f"this one has another, {key.name}" if key else "this one has none"
            return (
                f"Dashboards that share a state_url need the same audit_key: entries of the log in"
                f" {self.database.name} are signed with the key {signed_with}, and {mine}. Set"
                " audit_key to what the others have. To sign with a new one from here on, stop"
                " them all, set it for each, and run `bridgeboard audit --new-key` once."
            )
        return (
            "The entries of the audit log are signed with another key than the one that is here,"
            f" and nothing can be put behind them. Set audit_key as it was, or put {self._key_file}"
            " back. To begin anew, run `bridgeboard audit --move-to FILE`. `bridgeboard audit"
            " --verify` says which entries are right."
        )

    @property
    def _is_shared(self) -> bool:
        """Whether other dashboards may sign entries, too: then nobody changes the key alone."""
        return self.database.path is None

    def _append(
        self, connection: Connection, entry: Entry, *, may_change_key: bool | None = None
    ) -> Entry:
        """Put an entry behind the last line; what a killed process had begun there stays.

        Where another key signs from here on, an entry before it says so: nobody could tell
        otherwise whether it was an operator who set another one.
        """
        end = _end(connection, self._key())
        may_change = not self._is_shared if may_change_key is None else may_change_key
        key = self._key_behind(end.entry, may_change=may_change)
        if end.torn:
            ended = end.torn.rpartition(b"\n")[2] + b"\n"
            last = update(AUDIT_LINES).where(_columns.position == end.position)
            connection.execute(last.values(torn=ended))
        former_key = end.entry.key if end.entry else ""
        if former_key not in {"", key.name}:
            about = change_of_key(former_key, key.name)
            change = Entry(0, entry.at, "bridgeboard", KEY_CHANGED, "", about)
            change = _put_behind(connection, end, change, key)
            end = _End(end.position + 1, change, b"")
        return _put_behind(connection, end, entry, key)

    def _position(self, number: int) -> int | None:
        """The position of the first line with this number or a higher one; None without one."""
        first = select(func.min(_columns.position)).where(AUDIT_LINES.c.number >= number)
        ((position,),) = self._rows(first)
        return None if position is None else int(position)

    def _oldest_first(self, start: int) -> Iterator[Row[Any]]:
        """Lines behind a position, in parts."""
        lines = select(AUDIT_LINES).order_by(_columns.position).limit(AT_ONCE)
        while rows := self._rows(lines.where(_columns.position > start)):
            yield from rows
            start = rows[-1].position

    def _newest_first(self, stop: int | None, at_once: int) -> Iterator[Row[Any]]:
        """Lines before a position, or all of them, in parts."""
        lines = select(AUDIT_LINES).order_by(_columns.position.desc()).limit(at_once)
        while rows := self._rows(lines if stop is None else lines.where(_columns.position < stop)):
            yield from rows
            stop = rows[-1].position

    def _rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        with self.database.reading() as connection:
            return connection.execute(query).all()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with raised_as(AuditError, "The audit log cannot be read."):
            former_log.take_over(self.database, self._key())
            yield


@dataclass(frozen=True)
class _End:
    """Where a log ends.

    Attributes:
        position: of its last line; 0 if it has none.
        entry: the last one; None if it has none.
        torn: torn lines behind that, of which the last has no end.
    """

    position: int
    entry: Entry | None
    torn: bytes


def _put_behind(connection: Connection, end: _End, entry: Entry, key: Key) -> Entry:
    """Sign an entry as the next one and write it."""
    number, before = (end.entry.number + 1, end.entry.digest) if end.entry else (1, FIRST)
    torn = digest_of_torn(end.torn) if end.torn else ""
    entry = signed(replace(entry, number=number, before=before, torn=torn), key)
    text = line(entry).removesuffix(b"\n").decode("ascii")
    row = {"position": end.position + 1, "number": number, "line": text}
    connection.execute(insert(AUDIT_LINES).values(row))
    return entry


def _end(connection: Connection, key: Key | None) -> _End:
    """Where the log ends.

    Raises:
        AuditError: when its last line has an end but is no entry: that did no killed process.
    """
    position, entry, torn = 0, None, b""
    for row in _backwards(connection):
        position = position or row.position
        text = _text(row)
        entry = read(text.removesuffix(b"\n"), key)
        if entry:
            break
        torn = text + torn
        if torn.endswith(b"\n") or len(torn) >= MOST_TORN:
            raise AuditError(_DAMAGED)
    return _End(position, entry, torn)


def _backwards(connection: Connection) -> Iterator[Row[Any]]:
    """All lines, the last first; it is mostly the last alone that is asked for."""
    lines, at_once = select(AUDIT_LINES).order_by(_columns.position.desc()), 1
    while rows := connection.execute(lines.limit(at_once)).all():
        yield from rows
        lines, at_once = lines.where(_columns.position < rows[-1].position), AT_ONCE


_DAMAGED: Final = (
    "The audit log's last line is not as it was written, and nothing can be put behind it. Run"
    " `bridgeboard audit --verify`, then `bridgeboard audit --move-to FILE`: a new one begins."
)


def _text(row: Row[Any]) -> bytes:
    """A line with its break; an empty one where something else was put into the row."""
    if isinstance(row.line, str) and row.line.startswith(f'{{"number":{row.number},'):
        return row.line.encode("utf-8", "replace") + b"\n"
    return row.torn if isinstance(row.torn, bytes) else b"\n"


@contextmanager
def _new_file(path: Path) -> Iterator[BufferedWriter]:
    """A file that was not there before, on the disk at the end; gone if the block raises."""
    try:
        descriptor = os.open(path, _MAKING, 0o600)
    except OSError as error:
        raise AuditError(f"{path} cannot be made: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Its name as well: after this the lines are deleted where they were.
        private_files.make_durable(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise AuditError(f"{path} cannot be written: {error.strerror}.") from error
    except Exception:
        path.unlink(missing_ok=True)
        raise
