"""Where a store's file lies."""

import glob
import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Final
from uuid import UUID

from bridgeboard.model.store import StoreError
from bridgeboard.store.errors import StoreLocationError, busy

if sys.platform != "win32":
    import fcntl

_UNSAFE: Final = re.compile(r"[^a-z0-9]+")
_READABLE: Final = 40
RESTORED: Final = "restored.duckdb"
"""The file in a data folder of a backup that is being restored: whose it is shows in it only."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def location(folder: Path, deployment_id: str) -> Path:
    """The file of a deployment's store, always directly within the folder.

    The id comes from a server: unless it is a UUID, its file is named by a digest behind what is
    harmless in it.
    """
    return folder / f"{_name(deployment_id)}.duckdb"


def checked(path: Path) -> Path:
    """The absolute path of a store's file.

    Raises:
        StoreLocationError: for a question mark anywhere in it: DuckDB would take what follows for
            options of an address and lose the log beside the file.
    """
    whole = path.expanduser().resolve()
    if "?" in str(whole):
        raise StoreLocationError(f"{whole} has a question mark: name a data folder without one.")
    return whole


def log(path: Path) -> Path:
    """The log beside a store's file: what was committed and is not in the file yet."""
    return Path(f"{path}.wal")


def growing(path: Path) -> Path:
    """Where this process writes a file that is to take a store's place."""
    return path.with_name(f".{path.name}.{os.getpid()}.new")


def literal(path: Path | str) -> str:
    """A path as text in SQL."""
    return "'" + str(path).replace("'", "''") + "'"


def spilled(path: Path) -> Path:
    """The folder in which the database puts down what does not fit into its memory."""
    return Path(f"{path}.tmp")


def kept_aside(path: Path) -> list[Path]:
    """Files and folders beside a store that hold what was typed and are never pruned.

    They are what a repair kept of a damaged store, and what a repair or a restore left when it was
    killed.
    """
    fresh = path.with_name(RESTORED)
    files = (fresh, restoring(fresh), restoring(path))
    unfinished = (
        work_folder(path),
        *(part for file in files for part in (file, log(file), spilled(file))),
    )
    return [
        *sorted(path.parent.glob(f"{glob.escape(path.name)}.damaged-*")),
        *(each for each in unfinished if each.exists()),
    ]


def restoring(path: Path) -> Path:
    """Where a store is made of a backup before it appears."""
    return path.with_name(f".{path.name}.restoring")


def work_folder(path: Path) -> Path:
    """Where a repair makes what takes the place of a damaged store."""
    return path.with_name(f".{path.name}.repairing")


def refuse_present(path: Path) -> None:
    """Raise for a file of a store, or the log of one, that is there already.

    Raises:
        StoreLocationError: which says what to move away.
    """
    present = [str(each) for each in (path, log(path)) if each.exists()]
    if present:
        raise StoreLocationError(
            f"{' and '.join(present)} {'is' if len(present) == 1 else 'are'} there already: move"
            f" {'it' if len(present) == 1 else 'them'} away first."
        )


def refuse_filled_log(path: Path) -> None:
    """Raise for a log that holds something: it is not in the file, and a copy would lose it.

    Raises:
        StoreError: which says that it is tried again.
    """
    if log(path).exists() and log(path).stat().st_size:
        raise StoreError(f"{log(path)} could not be moved into the file: it is tried again.")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep every process, this one too, from opening a store's file until the block ends.

    Raises:
        StoreBusyError: when another process has it open.
    """
    with path.open("r+b") as file:
        if sys.platform != "win32":
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise busy(path, "another process") from None
        yield


def remove(path: Path) -> None:
    """Delete a file of ours that is no store yet, and its log."""
    path.unlink(missing_ok=True)
    log(path).unlink(missing_ok=True)


def refuse_open(path: Path) -> None:
    """Raise for a store that other accounts of this machine may read or change.

    Raises:
        StoreLocationError: which says how to close it.
    """
    if os.name != "nt" and path.stat().st_mode & _OTHERS:
        raise StoreLocationError(
            f"Other accounts of this machine may read the store, and what people typed with it."
            f" Run: chmod 600 {path}"
        )


def _name(deployment_id: str) -> str:
    try:
        if str(UUID(deployment_id)) == deployment_id:
            return deployment_id
    except ValueError:
        pass
    digest = blake2b(deployment_id.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    readable = _UNSAFE.sub("-", deployment_id.lower())[:_READABLE].strip("-")
    return f"{readable or 'deployment'}-{digest}"
