"""Whether the lines of a log are as they were written."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridgeboard.audit.entry import FIRST, Entry, digest_of_torn, read

MOST_TORN: Final = 65_536
"""Bytes of torn lines in a row, with their breaks."""


@dataclass(frozen=True)
class Verdict:
    """What verifying a log found.

    Attributes:
        right: entries that are as they were written, up to the first that is not.
        broken: the number of the first line that is not as it was written; None if all are.
        why: what is wrong with it; empty if nothing is.
        torn: the numbers of lines that were begun only: a process was killed, or the disk was full.
            They are no entries, and the entry after them says that they were there.
    """

    right: int
    broken: int | None = None
    why: str = ""
    torn: tuple[int, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing is broken. That last lines are missing cannot be seen."""
        return self.broken is None


class _Chain:
    """What was read so far: the last right entry, and torn lines behind it."""

    def __init__(self) -> None:
        self.last = FIRST
        self.right = 0
        self.torn: list[int] = []
        self.open: list[int] = []
        self.text = b""

    def take(self, number: int, text: bytes) -> Verdict | None:
        """Go on by a line; a verdict if it is broken."""
        entry = read(text.removesuffix(b"\n"))
        if entry is None:
            self.open.append(number)
            self.text += text
            too_much = len(self.text) > MOST_TORN
            return self.broken(self.open[0], _DAMAGED) if too_much else None
        if not self._follows(entry):
            return self.broken(*((self.open[0], _DAMAGED) if self.open else (number, _STRANGE)))
        self.last, self.right = entry.digest, entry.number
        self.torn += self.open
        self.open, self.text = [], b""
        return None

    def end(self) -> Verdict:
        """The verdict where all lines are read. A line that was just begun has no end."""
        if self.text.endswith(b"\n"):
            return self.broken(self.open[0], _DAMAGED)
        return Verdict(self.right, torn=(*self.torn, *self.open))

    def broken(self, number: int, why: str) -> Verdict:
        return Verdict(self.right, number, why, tuple(self.torn))

    def _follows(self, entry: Entry) -> bool:
        torn = digest_of_torn(self.text[:-1]) if self.open else ""
        return (entry.number, entry.before, entry.torn) == (self.right + 1, self.last, torn)


_DAMAGED: Final = "it is not as it was written"
_STRANGE: Final = "it does not follow the line before: something was removed, put in or moved"


def verdict(lines: Iterable[bytes]) -> Verdict:
    """Verify lines, each with its break; the last one may lack it."""
    chain = _Chain()
    for number, text in enumerate(lines, 1):
        broken = chain.take(number, text)
        if broken:
            return broken
    return chain.end()
