"""Copies a store's file that nobody writes to; of a former copy only blocks that differ.

It runs as a script in a process of its own, and imports nothing of ours: a process that closes any
handle of a file gives up the lock that its database has on it. On stdout is one line of JSON.

The database's file begins with three headers of 4 KB; blocks follow, each of which begins with
eight bytes of a checksum of the rest. Blocks at the same place with the same checksum are not read.
"""

import json
import os
import sys
from collections.abc import Iterator
from errno import EDQUOT, EFBIG, ENOSPC
from typing import Final

if sys.platform != "win32":
    import fcntl

HEADERS: Final = 3 * 4096
BLOCK: Final = 256 * 1024
CHECKSUM: Final = 8
IN_USE: Final = 3
"""The status it ends with when another process has the former copy open."""
FULL: Final = 4
"""The status it ends with when there is no room."""
_AT_ONCE: Final = 16 * BLOCK
_FILE: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


def main() -> None:
    """Make a file equal to the first that is named; it is the last, or the second, renamed so."""
    source, former, target = sys.argv[1:]
    with (
        open(source, "rb", buffering=0) as original,  # noqa: PTH123 - as the next one
        os.fdopen(os.open(former, _FILE, 0o600), "r+b", buffering=0) as copy,
    ):
        if not _is_locked(copy.fileno()):
            sys.exit(IN_USE)
        # From now on nobody opens it by its former name, nor while it is half the new one.
        os.replace(former, target)  # noqa: PTH105 - paths are text here
        size = os.fstat(original.fileno()).st_size
        copied = 0
        for start, end in differing(original.fileno(), copy.fileno(), size):
            _copy(original.fileno(), copy.fileno(), start, end)
            copied += end - start
        os.ftruncate(copy.fileno(), size)
    print(json.dumps({"bytes": size, "copied": copied}))  # noqa: T201 - this is the answer


def differing(original: int, copy: int, size: int) -> Iterator[tuple[int, int]]:
    """The ranges of a file in which a former copy differs: the headers, and runs of blocks."""
    known = os.fstat(copy).st_size
    if not known or (size - HEADERS) % BLOCK:
        yield 0, size
        return
    start, end = 0, HEADERS
    for place in range(HEADERS, size, BLOCK):
        is_known = place + BLOCK <= known
        if is_known and _checksum(original, place) == _checksum(copy, place):
            if end > start:
                yield start, end
            start = place + BLOCK
        end = place + BLOCK
    if end > start:
        yield start, end


def _checksum(file: int, place: int) -> bytes:
    return os.pread(file, CHECKSUM, place)


def _copy(original: int, copy: int, start: int, end: int) -> None:
    """Copy a range; where the file system can, the two files share its blocks from then on."""
    while start < end:
        try:
            done = os.copy_file_range(original, copy, min(end - start, 1 << 30), start, start)
        except (AttributeError, OSError):  # not on this system, or not between these two disks
            done = os.pwrite(copy, os.pread(original, min(end - start, _AT_ONCE), start), start)
        if not done:
            raise OSError(f"the file ended at {start} of {end} bytes")
        start += done


def _is_locked(file: int) -> bool:
    """Lock a file against whoever has it open as a database, unless somebody has."""
    if sys.platform != "win32":
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            return False
    return True


if __name__ == "__main__":
    try:
        main()
    except OSError as problem:
        print(problem.strerror or problem, file=sys.stderr)  # noqa: T201 - read by who started it
        sys.exit(FULL if problem.errno in {ENOSPC, EDQUOT, EFBIG} else 1)
