"""A folder of backups of one store: adds new ones, deletes old ones."""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bridgeboard import private_files
from bridgeboard.model.backups import Backup
from bridgeboard.store import backups
from bridgeboard.store.database import Store
from bridgeboard.store.errors import StoreLocationError

_TIME: Final = r"\d{4}-\d{2}-\d{2}T\d{6}Z"
_DELETING: Final = ".deleting"
"""Ends the name of a backup that is being deleted."""


def backups_of(folder: Path, store_path: Path, now: datetime) -> list[Backup]:
    """The complete backups of a store in a folder, newest first; those from the future last.

    A clock that was once ahead made those: the next ones must not be deleted in favour of them.
    """
    pattern = re.compile(f"{re.escape(store_path.stem)}-{_TIME}")
    complete = [
        Backup(each, made_at, _size(each))
        for each in _entries(folder)
        if pattern.fullmatch(each.name) and (made_at := backups.made_at(each))
    ]
    return sorted(complete, key=lambda one: (one.made_at <= now, one.made_at), reverse=True)


def add_backup(
    store: Store,
    folder: Path,
    *,
    now: datetime,
    kept: int,
    more: Callable[[Path], None] = lambda _: None,
    stops: Callable[[], bool] = lambda: False,
) -> Backup:
    """Make a backup of a store, and delete the oldest complete ones beyond so many.

    Nothing is deleted before the new one is complete and was read back.

    Args:
        store: what to back up.
        folder: where to; made if it is missing.
        now: the time, aware.
        kept: how many complete ones stay, the new one among them.
        more: writes what else belongs into the new one's folder.
        stops: whether to give up.

    Raises:
        StoreError: whatever ``backups.backup`` tells, and when others may enter the folder.
    """
    path = folder / f"{store.path.stem}-{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
    try:
        private_files.make_folder(folder)
        what_to_do = private_files.how_to_close(folder)
    except OSError as error:
        raise StoreLocationError(
            f"The folder of backups {folder} cannot be used ({error.strerror}). Let this account"
            " write there, or name another as backup_folder."
        ) from error
    if what_to_do:
        raise StoreLocationError(
            f"Other accounts of this machine may look into the folder of backups {folder}."
            f" {what_to_do}"
        )
    _clear(folder, store.path)
    backups.backup(store, path, now=now, more=more, stops=stops)
    complete = backups_of(folder, store.path, now)
    for old in [one for one in complete if one.path != path][kept - 1 :]:
        _delete(old.path)
    return next(one for one in complete if one.path == path)


def _clear(folder: Path, store_path: Path) -> None:
    """Delete what processes that were killed left of backups of this store."""
    ends = f"({re.escape(backups.PARTIAL)}|{re.escape(_DELETING)})"
    pattern = re.compile(f"{re.escape(store_path.stem)}-{_TIME}{ends}")
    for leftover in _entries(folder):
        if pattern.fullmatch(leftover.name):
            shutil.rmtree(leftover, ignore_errors=True)


def _delete(path: Path) -> None:
    """Delete a backup, which is never half there under its own name."""
    away = path.with_name(f"{path.name}{_DELETING}")
    # It is tried again after the next backup.
    with suppress(OSError):
        path.rename(away)
        shutil.rmtree(away)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
