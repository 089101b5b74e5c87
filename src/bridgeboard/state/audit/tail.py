"""The end of a log: what the next entry follows, and entries read backwards a block at a time."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bridgeboard.state.audit.entry import (
    FIRST,
    LONGEST_LINE,
    AuditError,
    Entry,
    Signs,
    digest_of_torn,
    read,
)
from bridgeboard.state.audit.verdict import MOST_TORN

BLOCK: Final = 65_536
_NEAR: Final = 4_096


@dataclass(frozen=True)
class End:
    """Where a log ends.

    Attributes:
        last: its last entry; None if it has none.
        torn: the digest of torn lines behind that; empty where there are none.
        open: whether the last line lacks its break.
    """

    last: Entry | None
    torn: str
    open: bool

    @property
    def number(self) -> int:
        """The number of the last entry."""
        return self.last.number if self.last else 0

    @property
    def digest(self) -> str:
        """The digest of the last entry."""
        return self.last.digest if self.last else FIRST


def end(file: int, size: int, key: Signs | None) -> End:
    """Where the log of an open file ends.

    Raises:
        AuditError: when its last line has an end but is no entry: that did no killed process.
    """
    start = max(0, size - MOST_TORN - LONGEST_LINE)
    text = piece(file, start, size)
    ended = not text or text.endswith(b"\n")
    found, rest = None, len(text)
    while rest:
        begin = text.rfind(b"\n", 0, rest - 1) + 1
        found = read(text[begin:rest].removesuffix(b"\n"), key)
        if found or ended:
            break
        rest = begin
    torn = text[rest:]
    if (text and not found and (ended or start)) or len(torn) >= MOST_TORN:
        raise AuditError(_DAMAGED)
    return End(found, digest_of_torn(torn) if torn else "", open=not ended)


_DAMAGED: Final = (
    "The audit log's last line is not as it was written, and nothing can be put behind it. Run "
    "`bridgeboard audit --verify`, keep the file elsewhere, and move it away: a new one begins."
)


def backwards(file: int, until: int, key: Signs | None) -> Iterator[Entry]:
    """The entries that end before byte ``until``, the last first. What is no entry is left out."""
    rest = b""
    while until > 0:
        start = max(0, until - BLOCK)
        # A line that is too long is none, wherever it began.
        text = piece(file, start, until) + rest[: LONGEST_LINE + 1]
        lines = text.split(b"\n")
        rest = lines.pop(0) if start else b""
        yield from filter(None, (read(line, key) for line in reversed(lines)))
        until = start


def before(file: int, size: int, number: int, key: Signs | None) -> int:
    """The byte at which the first entry with this number or a higher one begins, by halving."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        found = _next(file, middle, size, key)
        if found and found[1].number < number:
            low = found[0]
        else:
            high = middle
    return low


def _next(file: int, at: int, size: int, key: Signs | None) -> tuple[int, Entry] | None:
    """The first entry that begins at ``at`` or later, and where it ends; None if none is near."""
    for reach in (_NEAR, BLOCK):
        stop = min(size, at + reach)
        # One byte more tells whether a line begins right there.
        text = piece(file, at - 1, stop) if at else b"\n" + piece(file, 0, stop)
        head, _, rest = text.partition(b"\n")
        ends = at + len(head)
        for line in rest.splitlines(keepends=True):
            ends += len(line)
            found = read(line.removesuffix(b"\n"), key)
            if found:
                return ends, found
    return None


def piece(file: int, start: int, stop: int) -> bytes:
    """The bytes of an open file from ``start`` up to ``stop``."""
    parts = []
    while start < stop:
        part = os.pread(file, stop - start, start)
        if not part:
            break
        parts.append(part)
        start += len(part)
    return b"".join(parts)
