"""Ways to open a damaged file without changing it, the one that keeps most first."""

import re
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import duckdb

from bridgeboard.store import salvage
from bridgeboard.store.apart import Apart, UnreadableError
from bridgeboard.store.file_location import log

LogState = Literal["none", "whole", "cut", "left out"]

_HEADER: Final = 4_096
_DAMAGED_AT: Final = re.compile(r"entry at byte position (\d+)")


@dataclass(frozen=True)
class Source:
    """A way to open a file.

    Attributes:
        path: what to open for reading.
        log: how much of the log beside the original that takes in.
        has_mended_header: whether the file's header had to be replaced.
    """

    path: Path
    log: LogState
    has_mended_header: bool = False


@dataclass(frozen=True)
class Headers:
    """The first bytes of a file: its own header, and one for each of its last two states.

    A state is written into the place of the one before the last, and then is the last. Blocks of
    the last but one may be written over from then on.
    """

    main: bytes
    states: tuple[bytes, bytes]

    @classmethod
    def of(cls, path: Path) -> "Headers":
        """Those of a file, padded where it is too short."""
        with path.open("rb") as file:
            held = file.read(3 * _HEADER).ljust(3 * _HEADER, b"\0")
        first, one, other = (held[at : at + _HEADER] for at in range(0, len(held), _HEADER))
        return cls(first, (one, other))

    def knows_last(self, place: int) -> bool:
        """Whether the state at this place, 0 or 1, is told by the other's number to be the last."""
        own, other = (_number(self.states[each]) for each in (place, 1 - place))
        return own == other + 1


def readable(path: Path, folder: Path, memory_mb: int) -> tuple[Source, list[str]] | None:
    """The best way to open a file, with the names of its tables; None when there is none.

    ``folder`` takes what has to be made for it.

    Raises:
        StoreError: when another process has the file, or a later version wrote it.
    """
    if not path.exists():
        return None
    has_log = log(path).exists() and log(path).stat().st_size > 0
    source = Source(path, "whole" if has_log else "none")
    names, told = _tables(source, memory_mb)
    if names:
        return source, names
    for other in _others(path, folder, told, has_log=has_log):
        names, _ = _tables(other, memory_mb)
        if names:
            return other, names
    return None


def _tables(source: Source, memory_mb: int) -> tuple[list[str], str]:
    """The tables that can be seen this way, and why there are none."""
    try:
        with Apart(source.path, memory_mb=memory_mb) as asked:
            return salvage.tables(asked), ""
    except UnreadableError as error:
        return [], str(error)


def _others(path: Path, folder: Path, told: str, *, has_log: bool) -> Iterator[Source]:
    if has_log:
        found = _DAMAGED_AT.search(told)
        if found:
            yield Source(_with_log(path, folder / "cut.duckdb", int(found[1])), "cut")
        yield Source(_with_log(path, folder / "alone.duckdb", 0), "left out")
    for mended in _mended(path, folder, has_log=has_log):
        if has_log:
            shutil.copyfile(log(path), log(mended))
            yield Source(mended, "whole", has_mended_header=True)
            log(mended).unlink(missing_ok=True)
        yield Source(mended, "left out" if has_log else "none", has_mended_header=True)


def _with_log(path: Path, other: Path, size: int) -> Path:
    """The same file under another name, with so many bytes of its log."""
    try:
        # Of a symbolic link the database would take the log of what it leads to.
        other.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, other)
    if size:
        with log(path).open("rb") as whole:
            log(other).write_bytes(whole.read(size))
    return other


def _mended(path: Path, folder: Path, *, has_log: bool) -> Iterator[Path]:
    """A copy with one header after another replaced by a good one.

    Where batches have been written since, only the state that is known to be the last is used.
    """
    held, good = Headers.of(path), _good_main(folder)
    copy = Path(shutil.copyfile(path, folder / "mended.duckdb"))
    for main in (held.main, good):
        for states in (held.states, *_single(held, has_log=has_log)):
            with copy.open("r+b") as file:
                file.write(main + b"".join(states))
            yield copy


def _single(held: Headers, *, has_log: bool) -> Iterator[tuple[bytes, bytes]]:
    for place in sorted((0, 1), key=held.knows_last, reverse=True):
        if held.knows_last(place) or not has_log:
            yield held.states[place], held.states[place]


def _good_main(folder: Path) -> bytes:
    path = folder / "empty.duckdb"
    duckdb.connect(str(path)).close()
    return Headers.of(path).main


def _number(state: bytes) -> int:
    """Which state of the file a header is of; it stands behind the header's checksum."""
    number: int = struct.unpack_from("<Q", state, 8)[0]
    return number
