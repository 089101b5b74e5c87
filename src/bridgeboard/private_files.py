"""Files and folders for this account only."""

import os
import stat
from pathlib import Path
from typing import Final

UMASK: Final = 0o077
"""What every process of ours starts with: files of libraries, such as the log that the database
writes beside its file, are for this account only as well."""
_MODE: Final = 0o600
_FOLDER: Final = 0o700
_MAKING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def put(path: Path, text: str) -> None:
    """Make a text the whole content of a file; after a crash it is the old one. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    # What a crash left there, or somebody else put there, is not written into.
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, _MAKING, _MODE), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def make_durable(path: Path) -> None:
    """Have the disk hold what was written to a file, or which names a folder has. Raises OSError.

    A folder of Windows cannot be opened for that.
    """
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, for this account only. Raises OSError.

    Folders that are there already keep their permissions: they may not be ours.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=_FOLDER, exist_ok=True)


def unusable(folder: Path, called: str, otherwise: str) -> str:
    """Make a folder for this account only; why it cannot be used so, empty if it can."""
    try:
        make_folder(folder)
        what_to_do = how_to_close(folder)
    except OSError as error:
        return (
            f"The {called} {folder} cannot be used ({error.strerror}). Let this account write"
            f" there, or {otherwise}."
        )
    open_to = f"Other accounts of this machine may look into the {called} {folder}."
    return what_to_do and f"{open_to} {what_to_do}"


def how_to_close(folder: Path) -> str:
    """What to do about a folder that other accounts may list, enter or write; empty if none may."""
    if os.name == "nt" or not folder.is_dir():
        return ""
    status = folder.stat()
    if not status.st_mode & _OTHERS:
        return ""
    if status.st_uid == os.geteuid():
        return f"Run: chmod 700 {folder}"
    return f"It belongs to another account: name a folder below it, such as {folder / 'data'}"
