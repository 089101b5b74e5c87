"""Whether the lines of a log are as they were written."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridgeboard.audit.entry import FIRST, Entry, Signs, digest_of_torn, read

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
        unkeyed: how many of the right ones are older than the log's key. Whoever could write the
            file could have made them, until the first entry with a key was put behind them.
        unchecked: how many have a key that is not the one at hand: that each follows the one before
            is all that could be checked of them.
    """

    right: int
    broken: int | None = None
    why: str = ""
    torn: tuple[int, ...] = ()
    unkeyed: int = 0
    unchecked: int = 0

    @property
    def good(self) -> bool:
        """Whether nothing is broken. That last lines are missing cannot be seen."""
        return self.broken is None


class _Chain:
    """What was read so far: the last right entry, and torn lines behind it."""

    def __init__(self, key: Signs | None) -> None:
        self.key = key
        self.last = FIRST
        self.right = self.unkeyed = self.unchecked = self.line = 0
        self.is_ours = self.is_keyed = False
        self.torn: list[int] = []
        self.open: list[int] = []
        self.text = b""

    def take(self, number: int, text: bytes) -> Verdict | None:
        """Go on by a line; a verdict if it is broken."""
        entry = read(text.removesuffix(b"\n"), self.key)
        if entry is None:
            self.open.append(number)
            self.text += text
            too_much = len(self.text) > MOST_TORN
            return self.broken(self.open[0], _DAMAGED) if too_much else None
        if not self._follows(entry):
            return self.broken(*((self.open[0], _DAMAGED) if self.open else (number, _STRANGE)))
        is_ours = self.key is not None and entry.key == self.key.name
        if (self.is_ours and not is_ours) or (self.is_keyed and not entry.key):
            return self.broken(number, _UNSIGNED)
        self.is_ours, self.is_keyed, self.line = is_ours, bool(entry.key), number
        self.unkeyed += not entry.key
        self.unchecked += bool(entry.key) and not is_ours
        self.last, self.right = entry.digest, entry.number
        self.torn += self.open
        self.open, self.text = [], b""
        return None

    def end(self) -> Verdict:
        """The verdict where all lines are read. A line that was just begun has no end."""
        if self.text.endswith(b"\n"):
            return self.broken(self.open[0], _DAMAGED)
        if self.right and self.key is not None and not self.is_ours:
            return self.broken(self.line, _NEVER_SIGNED)
        return self._verdict(torn=(*self.torn, *self.open))

    def broken(self, number: int, why: str) -> Verdict:
        return self._verdict(number, why, tuple(self.torn))

    def _verdict(
        self, broken: int | None = None, why: str = "", torn: tuple[int, ...] = ()
    ) -> Verdict:
        return Verdict(self.right, broken, why, torn, self.unkeyed, self.unchecked)

    def _follows(self, entry: Entry) -> bool:
        torn = digest_of_torn(self.text[:-1]) if self.open else ""
        return (entry.number, entry.before, entry.torn) == (self.right + 1, self.last, torn)


_DAMAGED: Final = "it is not as it was written"
_STRANGE: Final = "it does not follow the line before: something was removed, put in or moved"
_UNSIGNED: Final = "it has not the key of the line before: somebody put it there who lacks the key"
_NEVER_SIGNED: Final = (
    "neither it nor any line before it was written with the key that is here: either nothing was"
    " noted since that key was set, or somebody who lacks the key made the log anew"
)


def verdict(lines: Iterable[bytes], key: Signs | None = None) -> Verdict:
    """Verify lines, each with its break; the last one may lack it."""
    chain = _Chain(key)
    for number, text in enumerate(lines, 1):
        broken = chain.take(number, text)
        if broken:
            return broken
    return chain.end()
