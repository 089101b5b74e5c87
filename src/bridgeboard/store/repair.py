"""A damaged store set aside, and the newest good backup put in its place.

The damaged file is kept under another name. Until the new file is whole nothing has changed,
however often this is stopped. The next sync reads what came after the backup.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import duckdb

from bridgeboard import private_files
from bridgeboard.model.store_status import (
    RESTORATIONS,
    Restoration,
    restorations_of,
    restorations_text,
)
from bridgeboard.store import backups, erasure_list, group_blocks, opening
from bridgeboard.store.database import Store
from bridgeboard.store.errors import StoreDamagedError, StoreLocationError, explained, too_new
from bridgeboard.store.file_check import FileState, read_file
from bridgeboard.store.file_location import checked, location, locked, log, work_folder
from bridgeboard.store.person_lookup import Somebody
from bridgeboard.store.reader import Batch
from bridgeboard.store.schema import MIGRATIONS
from bridgeboard.store.sync_state import anomaly, read_until

_OURS: Final = frozenset({"meta", "usage", "sessions", "initiators"})


@dataclass(frozen=True)
class Restored:
    """What became of a store that was just made of a backup.

    Attributes:
        since: from when on it knows nothing; None for one that began anew.
        erased_again: how many people were in the backup who have been erased since.
        erased: what erased people are called in it.
        people: whom the backup held though they were erased, by the names that they had.
    """

    since: datetime | None
    erased_again: int
    erased: frozenset[str]
    people: tuple[Somebody, ...]


@dataclass(frozen=True)
class Repaired:
    """What was done.

    Attributes:
        aside: where the damaged file is now, and its log, if it had one.
        backup: what is in its place; None when there was no good one and the store began anew.
        broken: backup → why it could not be used, of those that were tried before.
        restored: what became of the store.
    """

    aside: tuple[Path, ...]
    backup: Path | None
    broken: Mapping[Path, str]
    restored: Restored


def repair(
    path: Path,
    candidates: Sequence[Path],
    *,
    now: datetime,
    erasures: Sequence[Path] = (),
    may_begin_anew: bool = True,
    memory_mb: int = 512,
) -> Repaired | None:
    """Put the first good backup in the place of a damaged store; None when nothing is wrong.

    Args:
        path: the store's file; nobody may have it open.
        candidates: backups of the same deployment, the best one first.
        now: the time, aware.
        erasures: files that say who was erased (``erasure_list``).
        may_begin_anew: whether an empty store takes its place where no backup is good.
        memory_mb: how much memory reading and writing may take.

    Raises:
        StoreBusyError: when somebody has the store open.
        StoreTooNewError: when a later Bridgeboard has written it.
        StoreError: when there is no such file, it is a database of something else, there is no
            room, the folder cannot be written, or no backup is good and it may not begin anew.
            Nothing was changed then.
    """
    path = checked(path)
    state = _state(path, memory_mb)
    if state is None:
        # A repair that was killed may have left it.
        shutil.rmtree(work_folder(path), ignore_errors=True)
        return None
    with _work_folder(path) as folder, locked(path) if path.exists() else nullcontext():
        fresh, aside = folder / "new.duckdb", _name_aside(path, now)
        backup, broken = _restored(candidates, fresh, now)
        if backup is None and not may_begin_anew:
            raise StoreDamagedError(" ".join(broken.values()))
        if backup is None:
            _begin_anew(fresh, now)
        with Store.open(fresh, memory_mb=memory_mb) as store:
            _check_deployment(store, path, state)
            kept = f"The damaged file was kept as {aside.name}."
            restored = complete(store, backup, erasures, now, kept)
        return Repaired(_swapped(path, fresh, aside), backup, broken, restored)


def complete(
    store: Store, backup: Path | None, erasures: Sequence[Path], now: datetime, more: str = ""
) -> Restored:
    """Bring a store that was just made of a backup up to what is known beside it.

    Whoever was erased since is erased from it, and it remembers what it was made of.

    Args:
        store: made of the backup, or empty.
        backup: None where the store began anew.
        erasures: files that say who was erased (``erasure_list``).
        now: the time, aware.
        more: what else Trust shows.
    """
    made_at = backups.made_at(backup) if backup else None
    source = (
        f"The store was restored from the backup of {made_at:%Y-%m-%d %H:%M} UTC."
        if made_at
        else "The store began anew, as there was no backup."
    )
    applied = erasure_list.apply(store, erasures)
    if applied.missing or applied.people:
        store.rewrite()
    with store.write() as batch:
        since = _add_restoration(batch, made_at, now, f"{source} {more}".strip())
    erased = frozenset(name for (name,) in store.rows("SELECT username FROM erased"))
    return Restored(since, applied.missing, erased, applied.people)


def _state(path: Path, memory_mb: int) -> FileState | None:
    """What can be read of a damaged store; None for one that is whole."""
    if not path.exists():
        if not log(path).exists():
            raise StoreLocationError(f"There is no {path}: nothing to repair.")
        return FileState(problem="the file is gone")
    state = read_file(path, everything=True, memory_mb=memory_mb)
    if state.tables and not _OURS & set(state.tables):
        raise StoreDamagedError(
            f"{path} is a database, but no store of Bridgeboard: it is left alone."
        )
    if state.schema is not None and state.schema > len(MIGRATIONS):
        raise too_new(path, state.schema, len(MIGRATIONS))
    if state.problem or not state.tables:
        return state
    try:
        Store.open(path, memory_mb=memory_mb).close()
    except StoreDamagedError:  # its log would be passed over
        return state
    return None


def _restored(
    candidates: Sequence[Path], fresh: Path, now: datetime
) -> tuple[Path | None, dict[Path, str]]:
    """Make a store of the first good backup; which one that was, and what is wrong with others."""
    broken = {}
    for candidate in candidates:
        try:
            backups.restore(candidate, fresh, now=now)
        except StoreDamagedError as error:
            broken[candidate] = str(error)
        else:
            return candidate, broken
    return None, broken


def _begin_anew(fresh: Path, now: datetime) -> None:
    """Make an empty store; days that groups may have been shown already are not shown again."""
    with explained(fresh), duckdb.connect(str(fresh)) as connection:
        opening.migrate(connection, fresh)
        group_blocks.hold(connection, now.astimezone(UTC))
    fresh.chmod(0o600)


def _check_deployment(store: Store, path: Path, state: FileState) -> None:
    """Raise for a backup of another deployment, as far as the damaged file or its name tells."""
    theirs = store.meta("deployment_id")
    if theirs is None:
        return
    ours = state.deployment_id or path.stem
    try:
        is_other = ours != theirs and (state.deployment_id or UUID(ours))
    except ValueError:
        is_other = False
    if is_other and path.name != location(path.parent, theirs).name:
        raise StoreDamagedError(
            f"The backup is of another deployment ({theirs}, not {ours}). Nothing was changed."
        )


@contextmanager
def _work_folder(path: Path) -> Iterator[Path]:
    folder = work_folder(path)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        private_files.make_folder(folder)
        yield folder
    except OSError as error:
        raise StoreLocationError(
            f"{path} cannot be repaired ({error.strerror or error}). Nothing was changed. See that"
            f" this account may write to {path.parent} and that there is room, then try again."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _name_aside(path: Path, now: datetime) -> Path:
    moment = now.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
    names = [path.with_name(f"{path.name}.damaged-{moment}{more}") for more in ("", "-2", "-3")]
    free = [each for each in names if not each.exists() and not log(each).exists()]
    if not free:
        raise StoreLocationError(f"{names[0]} is there already: move it away first.")
    return free[0]


def _swapped(path: Path, fresh: Path, aside: Path) -> tuple[Path, ...]:
    """Give the damaged file another name and the new one its place; what the former is called.

    Whoever is stopped in here leaves either of them in that place, and the damaged one under its
    second name.
    """
    moved = tuple(
        _second_name(each, to)
        for each, to in ((path, aside), (log(path), log(aside)))
        if each.exists()
    )
    log(path).unlink(missing_ok=True)
    fresh.replace(path)
    private_files.make_durable(path.parent)
    path.with_name(f".{path.name}.opening").unlink(missing_ok=True)
    return moved


def _second_name(path: Path, other: Path) -> Path:
    try:
        os.link(path, other)
    except OSError:  # the file system knows no second name for a file
        path.rename(other)
    with suppress(OSError):
        other.chmod(0o600)
    return other


def _add_restoration(
    batch: Batch, made_at: datetime | None, now: datetime, message: str
) -> datetime | None:
    """Note that this store was restored now; from when on it has to be read again.

    Args:
        batch: of the restored store.
        made_at: when the backup was made; None for a store that began anew.
        now: the time, aware.
        message: what happened, for the list of what was odd.
    """
    since = (read_until(batch) or made_at) if made_at else None
    noted = [*restorations_of(batch.meta(RESTORATIONS)), Restoration(now, since)]
    batch.set_meta(RESTORATIONS, restorations_text(noted))
    anomaly(batch, "restored", message, now)
    return since
