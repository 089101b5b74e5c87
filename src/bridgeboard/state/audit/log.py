"""The log's file: writing a line, reading pages of it backwards, verifying all of it."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final

from bridgeboard import private_files
from bridgeboard.state.audit import key as keys
from bridgeboard.state.audit import tail
from bridgeboard.state.audit.entry import (
    KEY_CHANGED,
    AuditError,
    Entry,
    change_of_key,
    line,
    read,
    signed,
)
from bridgeboard.state.audit.key import Key
from bridgeboard.state.audit.tail import End
from bridgeboard.state.audit.verdict import MOST_TORN, Verdict, verdict

if sys.platform != "win32":
    import fcntl

_PRIVATE: Final = 0o600
# No link is followed, and a pipe in the file's place is not waited for.
_NO_LINKS: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_WRITING: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NO_LINKS
_READING: Final = os.O_RDONLY | _NO_LINKS
_OPEN_TO_OTHERS: Final = stat.S_IWGRP | stat.S_IRWXO


class Audit:
    """The log in one file, from any number of threads and processes of this machine.

    Args:
        path: the file; it and its folder need not be there yet.
        key: what entries are signed with. Empty is a key of its own, in a file beside the log that
            is made with the first entry.
    """

    def __init__(self, path: Path, key: str = "") -> None:
        self.path = path
        self._given = Key.of(key) if key else None
        self._lock = Lock()

    def write(self, who: str, what: str, why: str = "", about: str = "", *, at: datetime) -> Entry:
        """Put an entry behind the last, and return when it is on the disk.

        Texts that are too long are cut. What was begun by a process that was killed stays where it
        is, and the entry says so.

        Raises:
            AuditError: when that cannot be done. What was to be noted must not happen then.
        """
        try:
            private_files.make_folder(self.path.parent)
            with self._lock, self._opened(_WRITING) as file, _alone(file):
                end = tail.end(file, os.fstat(file).st_size, self._key())
                key = self._key_behind(end.last)
                text = b"\n" * end.open
                if end.last and end.last.key not in {"", key.name}:
                    change = _change_of_key(end, end.last.key, key, at)
                    text += line(change)
                    end = End(change, "", open=False)
                entry = Entry(end.number + 1, at, who, what, why, about, end.digest, end.torn)
                entry = signed(entry, key)
                text += line(entry)
                if os.write(file, text) != len(text):
                    raise AuditError(_refused(self.path, "the disk is full"))
                os.fsync(file)
        except OSError as error:
            raise AuditError(_refused(self.path, error.strerror or "unknown")) from error
        return entry

    def _key(self) -> Key | None:
        """The key that is here; None before the first entry is signed."""
        return self._given or keys.read(keys.beside(self.path))

    def _key_behind(self, last: Entry | None) -> Key:
        """The key to sign with what comes behind this entry. Raises AuditError, OSError."""
        key, file = self._key(), keys.beside(self.path)
        signed_with = last.key if last else ""
        if key and (key.is_given or signed_with in {"", key.name}):
            return key
        if signed_with:
            raise AuditError(
                f"The entries of the audit log {self.path} are signed with another key than the one"
                " that is here, and nothing can be put behind them. Set audit_key as it was, or put"
                f" {file} back; to begin anew, move the log away. `bridgeboard audit --verify` says"
                " which entries are right."
            )
        return keys.made_beside(self.path)

    def entries(self, limit: int = 50, before: int | None = None) -> tuple[Entry, ...]:
        """The last entries, the newest first; ``before`` is the number that they come before.

        Reads the end of the file only, or finds the place by halving. Lines that are not as they
        were written are left out: :meth:`verify` finds them. Raises AuditError.
        """
        if not os.path.lexists(self.path):
            return ()
        with self._read() as (file, size):
            key = self._key()
            until = size if before is None else tail.before(file, size, before, key)
            return tuple(islice(tail.backwards(file, until, key), max(0, limit)))

    def since(self, number: int, digest: str) -> Iterator[Entry]:
        """The entries behind the one with this number and digest, the oldest first.

        All of them where there is no such entry: the log was begun anew. Raises AuditError.
        """
        if not os.path.lexists(self.path):
            return
        with self._read() as (file, size):
            key = self._key()
            start = tail.before(file, size, number, key) if number else 0
            lines = _lines(file, size, start)
            first = next(lines, b"").removesuffix(b"\n") if number else b""
            known = read(first, key)
            if number and (not known or (known.number, known.digest) != (number, digest)):
                lines = _lines(file, size)
            yield from filter(None, (read(text.removesuffix(b"\n"), key) for text in lines))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only one, of all processes, to hand entries on."""
        private_files.make_folder(self.path.parent)
        file = os.open(self.path.with_suffix(".lock"), _WRITING, _PRIVATE)
        try:
            with _alone(file):
                yield
        finally:
            os.close(file)

    def verify(self) -> Verdict:
        """Whether every line is as it was written; reads all of it. Raises AuditError.

        Lines that are missing at the end cannot be noticed: what is left is as it was written.
        """
        if not os.path.lexists(self.path):
            return Verdict(0)
        with self._read() as (file, size):
            return verdict(_lines(file, size), self._key())

    @contextmanager
    def _opened(self, flags: int) -> Iterator[int]:
        file = os.open(self.path, flags, _PRIVATE)
        try:
            mode = os.fstat(file).st_mode
            if not stat.S_ISREG(mode):
                raise AuditError(f"{self.path} is no file: move it away, and a new log begins.")
            if os.name != "nt" and mode & _OPEN_TO_OTHERS:
                raise AuditError(
                    f"Others may read or change the audit log. Run: chmod 600 {self.path}"
                )
            yield file
        finally:
            os.close(file)

    @contextmanager
    def _read(self) -> Iterator[tuple[int, int]]:
        """The open file, and its size while nobody was writing."""
        try:
            with self._opened(_READING) as file:
                with _alone(file, shared=True):
                    size = os.fstat(file).st_size
                yield file, size
        except OSError as error:
            raise AuditError(
                f"The audit log {self.path} cannot be read ({error.strerror}). Let this account "
                "read it; a link in its place is not followed."
            ) from error


def _change_of_key(end: End, before: str, key: Key, at: datetime) -> Entry:
    """An entry that says that another key signs from there on.

    Nobody could tell otherwise whether it was an operator who set another one.
    """
    about = change_of_key(before, key.name)
    entry = Entry(end.number + 1, at, "bridgeboard", KEY_CHANGED, "", about, end.digest, end.torn)
    return signed(entry, key)


@contextmanager
def _alone(file: int, *, shared: bool = False) -> Iterator[None]:
    """While no other process writes; on Windows only this process's own lock helps."""
    if sys.platform == "win32":
        yield
        return
    fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _lines(file: int, size: int, start: int = 0) -> Iterator[bytes]:
    """Each line with its break. A line without an end in sight comes in parts."""
    rest, at = b"", start
    while at < size:
        block = tail.piece(file, at, min(size, at + tail.BLOCK))
        if not block:
            break
        at += len(block)
        *lines, rest = (rest + block).split(b"\n")
        yield from (text + b"\n" for text in lines)
        if len(rest) > MOST_TORN:
            break
    if rest:
        yield rest


def _refused(path: Path, reason: str) -> str:
    return (
        f"The audit log {path} cannot be written ({reason}), and what must be noted there is "
        "refused until it can. Make room on its disk and let this account write the file."
    )
