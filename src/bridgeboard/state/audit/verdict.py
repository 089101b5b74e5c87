"""Whether the lines of a log are as they were written."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridgeboard.state.audit.entry import (
    FIRST,
    KEY_CHANGED,
    Entry,
    change_of_key,
    digest_of_torn,
    read,
)
from bridgeboard.state.audit.key import Key

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
            log could have made them, until the first entry with a key was put behind them.
        unchecked: how many have a key that is not the one at hand: that each follows the one before
            is all that could be checked of them.
        key_missing: whether the key of the last entries is not at hand, or of those from ``broken``
            on: they may be right, or made by whoever lacks the key. Only the key can tell.
    """

    right: int
    broken: int | None = None
    why: str = ""
    torn: tuple[int, ...] = ()
    unkeyed: int = 0
    unchecked: int = 0
    key_missing: bool = False

    @property
    def good(self) -> bool:
        """Whether nothing is broken, and the key at hand vouches for the end.

        That last lines are missing cannot be seen.
        """
        return self.broken is None and not self.key_missing


class _Chain:
    """What was read so far: the last right entry, and torn lines behind it."""

    def __init__(self, key: Key | None) -> None:
        self.key = key
        self.last = FIRST
        self.right = self.unkeyed = self.unchecked = self.line = 0
        self.is_ours = self.is_keyed = False
        self.key_name = ""
        self.begun = Verdict(0)
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
        if self.is_keyed and not entry.key:
            return self.broken(number, _UNSIGNED)
        if self.is_ours and not is_ours:
            return self._of_another_key(number, _UNSIGNED)
        if entry.key != self.key_name:
            if self.is_keyed and not _says_change(entry, self.key_name):
                return self.begun
            # What to say of the entries with this key, should nothing vouch for them.
            self.begun, self.key_name = self.broken(number, _UNVOUCHED), entry.key
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
            if self.is_keyed:
                return self._of_another_key(self.line, _NEVER_SIGNED)
            return self.broken(self.line, _NEVER_SIGNED)
        key_missing = self.is_keyed and not self.is_ours
        return self._verdict(torn=(*self.torn, *self.open), key_missing=key_missing)

    def _of_another_key(self, number: int, why: str) -> Verdict:
        """A verdict on lines of a key that is not here: the operator's own, if none is set now."""
        if self.key is not None and self.key.is_given:
            return self.broken(number, why)
        return self._verdict(number, _KEY_MISSING, tuple(self.torn), key_missing=True)

    def broken(self, number: int, why: str) -> Verdict:
        return self._verdict(number, why, tuple(self.torn))

    def _verdict(
        self,
        broken: int | None = None,
        why: str = "",
        torn: tuple[int, ...] = (),
        *,
        key_missing: bool = False,
    ) -> Verdict:
        return Verdict(self.right, broken, why, torn, self.unkeyed, self.unchecked, key_missing)

    def _follows(self, entry: Entry) -> bool:
        torn = digest_of_torn(self.text[:-1]) if self.open else ""
        return (entry.number, entry.before, entry.torn) == (self.right + 1, self.last, torn)


def _says_change(entry: Entry, before: str) -> bool:
    return entry.what == KEY_CHANGED and entry.about == change_of_key(before, entry.key)


_DAMAGED: Final = "it is not as it was written"
_STRANGE: Final = "it does not follow the line before: something was removed, put in or moved"
_UNSIGNED: Final = "it has not the key of the line before: somebody put it there who lacks the key"
_UNVOUCHED: Final = (
    "it has a key that is not here, and the entry with the next key does not say that it was"
    " changed: somebody who lacks the key changed it or put it there"
)
_NEVER_SIGNED: Final = (
    "neither it nor any line before it was written with the key that is here: either nothing was"
    " noted since that key was set, or somebody who lacks the key made the log anew"
)
_KEY_MISSING: Final = (
    "it was signed with a key that is not here: either audit_key was set then and is not set now,"
    " or somebody who lacks the key put it there. Set audit_key as it was, and check again"
)


def verdict(lines: Iterable[bytes], key: Key | None = None) -> Verdict:
    """Verify lines, each with its break; the last one may lack it."""
    chain = _Chain(key)
    for number, text in enumerate(lines, 1):
        broken = chain.take(number, text)
        if broken:
            return broken
    return chain.end()
