"""Files of earlier versions: their content goes into the database once, and they are kept aside."""

import logging
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from hashlib import file_digest, sha256
from io import BufferedReader
from itertools import chain, count
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, select

from bridgeboard.state.database import Database
from bridgeboard.state.errors import StateError
from bridgeboard.state.schema import TAKEN_OVER

if sys.platform != "win32":
    import fcntl

ASIDE: Final = ".migrated"
"""What the name of a file ends in whose content is in the database."""
_READING: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_OPEN_TO_OTHERS: Final = stat.S_IWGRP | stat.S_IRWXO

log = logging.getLogger(__name__)


def take_over(
    database: Database, path: Path, put: Callable[[Connection, BufferedReader], str]
) -> None:
    """Put what a file holds into the database, all of it or nothing, and keep the file aside.

    Nothing happens where there is no such file, and a file whose content is there already, as after
    a crash, is only kept aside.

    Args:
        database: where it goes.
        path: the file, beside the database.
        put: puts it there, and says what became of it. What it raises leaves all as it was.

    Raises:
        StateError: when the file cannot be used, or the database cannot be written.
    """
    if not os.path.lexists(path):
        return
    try:
        with os.fdopen(os.open(path, _READING), "rb") as file:
            _check(path, file)
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX)  # an earlier version may be writing to it
            content = file_digest(file, "sha256").hexdigest()
            digest = sha256(f"{path.name}\n{content}".encode()).hexdigest()
            file.seek(0)
            with database.writing() as connection:
                known = select(TAKEN_OVER).where(TAKEN_OVER.c.digest == digest)
                if connection.execute(known).first() is None:
                    outcome = put(connection, file)
                    row = {"digest": digest, "file": path.name, "outcome": outcome}
                    connection.execute(insert(TAKEN_OVER).values(row))
                    log.info("%s is in %s now: %s", path, database.name, outcome)
            _keep_aside(path, file)
    except FileNotFoundError:
        return  # another process took it over meanwhile
    except OSError as error:
        raise StateError(
            f"{path} cannot be read ({error.strerror}). Let this account read it; a link in its"
            " place is not followed."
        ) from error


def kept_aside(folder: Path, pattern: str) -> list[Path]:
    """Files that were taken over, by the pattern of the name that they had."""
    return sorted(folder.glob(f"{pattern}{ASIDE}*"))


def _check(path: Path, file: BufferedReader) -> None:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise StateError(f"{path} is no file: move it away.")
    if os.name == "nt":
        return
    if status.st_mode & _OPEN_TO_OTHERS:
        raise StateError(f"Others may read or change {path}. Run: chmod 600 {path}")
    if status.st_uid != os.geteuid():
        raise StateError(
            f"{path} is of an earlier version and belongs to another account, which has to take it"
            " over: run this as that account."
        )


def _keep_aside(path: Path, file: BufferedReader) -> None:
    """Rename the file that is open, unless another one stands in its place by now."""
    with suppress(FileNotFoundError):
        if not os.path.samestat(path.lstat(), os.fstat(file.fileno())):
            return
        try:
            path.rename(_free(path.with_name(f"{path.name}{ASIDE}")))
        except OSError as error:
            log.warning("%s is in the database now and cannot be renamed: %s", path, error.strerror)


def _free(path: Path) -> Path:
    """The path, or with a number behind it one that nothing has."""
    others = (path.with_name(f"{path.name}-{number}") for number in count(2))
    return next(each for each in chain([path], others) if not os.path.lexists(each))
