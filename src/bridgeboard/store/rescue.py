"""A damaged store made whole again, as far as that can be done.

The damaged file is only read, by processes that may die of it, and kept under another name. What
can be read goes into a new file, what a backup holds beside it too; the plan of what was synced
does not, so that the next sync reads again whatever the server still has. Until the new file is
whole nothing has changed, however often this is stopped.
"""

import os
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from bridgeboard import private_files
from bridgeboard.store import (
    backups,
    erasure,
    group_blocks,
    mending,
    migrations,
    salvage,
    shared_erasures,
    sources,
)
from bridgeboard.store.apart import Apart, UnreadableError
from bridgeboard.store.database import Store
from bridgeboard.store.errors import (
    StoreDamagedError,
    StoreLocationError,
    explained,
    too_new,
)
from bridgeboard.store.file_location import checked, log
from bridgeboard.store.opening import SETTINGS
from bridgeboard.store.reader import Batch
from bridgeboard.store.salvage import Found
from bridgeboard.store.schema import MIGRATIONS
from bridgeboard.store.sources import LogState, Source

_SCHEMA: Final = f"SELECT value FROM meta WHERE name = '{migrations.SCHEMA}'"
_PLANS: Final = ("windows", "vocabulary", "meta", "day_counts", "left_out")
"""Tables that are made anew by syncing."""
_DAYS: Final = "SELECT started_at::DATE, count(*) FROM usage GROUP BY ALL"


@dataclass(frozen=True)
class Kept:
    """What became of a table.

    Attributes:
        rows: how many it has now.
        lost: how many could not be read and are in no backup; None when nobody knows.
        restored: how many came from the backup.
        blanked: how many were kept with an empty column in place of a damaged one.
    """

    rows: int
    lost: int | None
    restored: int
    blanked: int


@dataclass(frozen=True)
class Rescued:
    """What was done.

    Attributes:
        aside: where the damaged file is now, and its log, if it had one.
        tables: what became of each table of the present schema.
        lost_days: day (UTC) → requests of it that are lost, as far as days can be told.
        log: how much of the log beside the file could be used.
        was_readable: whether the file could be opened in any way.
    """

    aside: tuple[Path, ...]
    tables: Mapping[str, Kept]
    lost_days: Mapping[date, int]
    log: LogState
    was_readable: bool

    @property
    def lost_requests(self) -> int | None:
        """How many rows of usage are lost; None when nobody knows."""
        return self.tables["usage"].lost


@dataclass
class _Work:
    """One repair on its way."""

    path: Path
    folder: Path
    memory_mb: int
    source: Source | None = None
    found: Mapping[str, Found] = field(default_factory=dict)
    schema: int = len(MIGRATIONS)

    @property
    def fresh(self) -> Path:
        return self.folder / "new.duckdb"

    @property
    def old(self) -> Path:
        return self.folder / "backup.duckdb"

    @property
    def damaged(self) -> Collection[str]:
        if self.source is None:
            return salvaged_tables()
        cut = self.source.log not in {"none", "whole"} or self.source.has_mended_header
        return [
            name
            for name in salvaged_tables()
            if cut or name not in self.found or not self.found[name].is_whole
        ]

    @property
    def has_groups(self) -> bool:
        """Whether all sums of groups could be read, or an earlier version made none."""
        found = [self.found[name] for name in group_blocks.TABLES if name in self.found]
        return self.source is not None and all(one.is_whole for one in found)


def repair(
    path: Path, *, now: datetime, backup: Path | None = None, memory_mb: int = 512
) -> Rescued | None:
    """Make a store of what can be read of a damaged one; None when nothing is wrong with it.

    Args:
        path: the store's file; nobody may have it open.
        now: the time, aware, for the name under which the damaged file is kept.
        backup: a folder that ``archive.backup`` wrote, of the same deployment: what it holds and
            the store does not is taken over, be the store damaged or not.
        memory_mb: how much memory reading and writing may take.

    Raises:
        StoreBusyError: when somebody has the store open.
        StoreTooNewError: when a later Bridgeboard has written it, or the backup.
        StoreDamagedError: when it is a database of something else, or the backup is damaged.
        StoreFullError: when there is no space for a second file beside it.
        StoreLocationError: when there is no such file, or the folder cannot be written.
    """
    path = checked(path)
    if not path.exists() and not log(path).exists():
        raise StoreLocationError(f"There is no {path}: nothing to repair.")
    with _at_work(path, memory_mb) as work:
        _read(work)
        if _is_whole(work) and backup is None:
            return None
        if backup is not None:
            backups.restore(backup, work.old, now=now)
        with _held(work):
            return _rebuilt(work, now, has_backup=backup is not None)


def salvaged_tables() -> list[str]:
    """The names of all tables of the present schema."""
    with duckdb.connect() as connection:
        migrations.migrate(connection, Path(":memory:"))
        return migrations.tables(connection)


@contextmanager
def _at_work(path: Path, memory_mb: int) -> Iterator[_Work]:
    folder = path.with_name(f".{path.name}.repairing")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        private_files.make_folder(folder)
        yield _Work(path, folder, memory_mb)
    except OSError as error:
        raise StoreLocationError(
            f"{path} cannot be repaired ({error.strerror or error}). Nothing was changed. See that"
            f" this account may write to {path.parent} and that there is room, then try again."
        ) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(work: _Work) -> Iterator[None]:
    """Keep others from writing to the damaged file meanwhile, where that is possible at all."""
    if work.source is None:
        yield
        return
    with Apart(work.source.path) as asked:
        asked.rows("SELECT 1")
        yield


def _read(work: _Work) -> None:
    """Bring all that can be read into Parquet files."""
    opened = sources.readable(work.path, work.folder, work.memory_mb)
    if opened is None:
        return
    work.source, names = opened
    if not set(names) & set(salvaged_tables()):
        raise StoreDamagedError(
            f"{work.path} is a database, but no store of Bridgeboard: it is left alone."
        )
    with Apart(work.source.path, memory_mb=work.memory_mb) as asked:
        work.schema = _schema(asked, names)
        if work.schema > len(MIGRATIONS):
            raise too_new(work.path, work.schema, len(MIGRATIONS))
        work.found = {name: salvage.read(asked, name, work.folder) for name in names}


def _schema(asked: Apart, names: Sequence[str]) -> int:
    """The schema of a file, as it says itself or else as its tables tell."""
    with suppress(UnreadableError, ValueError):
        for (value,) in asked.rows(_SCHEMA):
            return int(value)
    for version in range(1, len(MIGRATIONS)):
        with duckdb.connect() as connection:
            migrations.migrate(connection, Path(":memory:"), version)
            if set(names) <= set(migrations.tables(connection)):
                return version
    return len(MIGRATIONS)


def _is_whole(work: _Work) -> bool:
    """Whether the store can be opened and read as it is."""
    if work.source is None or work.source.path != work.path:
        return False
    if not all(found.is_whole for found in work.found.values()):
        return False
    try:
        Store.open(work.path, memory_mb=work.memory_mb).close()
    except StoreDamagedError:
        # All that the file holds was read; its log is passed over.
        work.source = Source(work.path, "left out")
        return False
    return True


def _rebuilt(work: _Work, now: datetime, *, has_backup: bool) -> Rescued:
    aside = _name_aside(work.path, now)
    with explained(work.fresh), _connected(work) as connection:
        tables, days = _filled(connection, work, has_backup=has_backup)
        if "group_blocks" in work.damaged or not work.has_groups:
            group_blocks.hold(connection, now.astimezone(UTC))
        mending.note(connection, f"The store was repaired; the file before is {aside.name}.", now)
        connection.execute("CHECKPOINT")
    Store.open(work.fresh, memory_mb=work.memory_mb).close()
    moved = _swap(work, aside)
    return Rescued(
        aside=moved,
        tables=tables,
        lost_days=dict(sorted(days.items())),
        log=work.source.log if work.source else ("left out" if len(moved) > 1 else "none"),
        was_readable=work.source is not None,
    )


def _filled(
    connection: duckdb.DuckDBPyConnection, work: _Work, *, has_backup: bool
) -> tuple[dict[str, Kept], Counter[date]]:
    """Fill the new store; what became of its tables, and the days of lost requests."""
    migrations.migrate(connection, work.path, work.schema)
    _fill(connection, work)
    migrations.migrate(connection, work.path)
    if not work.has_groups:
        mending.drop_groups(connection)
    read = _counts(connection)
    if has_backup:
        _share_erasures(connection, work)
        _attach(connection, work)
        mending.bring_back(connection)
        erasure.erase_again(Batch(connection, work.fresh, {}))
    brought, held = _counts(connection), _days(connection)
    days = _lost_days(connection, work)
    mending.settle(connection)
    days += held - _days(connection)
    settled, held = _counts(connection), _days(connection)
    if has_backup:
        mending.take(connection, work.damaged)
        connection.execute(f"DETACH {mending.OLD}")
    taken = _counts(connection)
    days -= _days(connection) - held
    mending.mark(connection, work.damaged)
    now = _counts(connection)
    restored = {n: brought[n] - read[n] + taken[n] - settled[n] for n in now}
    return {n: _kept(work, n, now[n], restored[n], brought[n] - settled[n]) for n in now}, days


def _connected(work: _Work) -> duckdb.DuckDBPyConnection:
    settings: dict[str, Any] = {**SETTINGS, "memory_limit": f"{work.memory_mb}MB"}
    connection = duckdb.connect(str(work.fresh), config=settings)
    work.fresh.chmod(0o600)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def _fill(connection: duckdb.DuckDBPyConnection, work: _Work) -> None:
    ours = set(migrations.tables(connection))
    for found in work.found.values():
        if found.name in ours and found.files:
            if found.name == "meta":
                connection.execute("DELETE FROM meta")
            connection.execute(
                f"INSERT INTO {found.name} BY NAME FROM read_parquet(?)",
                [[str(path) for path in found.files]],
            )
    schema = connection.execute(_SCHEMA).fetchall()
    if not schema:
        connection.execute("INSERT INTO meta VALUES (?, ?)", [migrations.SCHEMA, str(work.schema)])


def _share_erasures(connection: duckdb.DuckDBPyConnection, work: _Work) -> None:
    """Let nobody come back who was erased after the backup, or after the damaged file."""
    with Store.open(work.old, memory_mb=work.memory_mb) as old, old.write() as theirs:
        shared_erasures.share(Batch(connection, work.fresh, {}), theirs)


def _attach(connection: duckdb.DuckDBPyConnection, work: _Work) -> None:
    quoted = str(work.old).replace("'", "''")
    connection.execute(f"ATTACH '{quoted}' AS {mending.OLD} (READ_ONLY)")
    told = [
        connection.execute(f"SELECT value FROM {where}meta WHERE name = 'deployment_id'").fetchall()
        for where in ("", f"{mending.OLD}.")
    ]
    if all(told) and told[0] != told[1]:
        raise StoreDamagedError(
            f"The backup is of another deployment ({told[1][0][0]}, not {told[0][0][0]})."
            " Nothing was changed."
        )


def _lost_days(connection: duckdb.DuckDBPyConnection, work: _Work) -> Counter[date]:
    """The days of lost requests: those of rows that still tell when they began, and of orphans."""
    found = work.found.get("usage")
    days = Counter(found.days) if found else Counter()
    return days | Counter(mending.lost_days(connection))


def _days(connection: duckdb.DuckDBPyConnection) -> Counter[date]:
    return Counter(dict(connection.execute(_DAYS).fetchall()))


def _counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    names = migrations.tables(connection)
    return {
        name: connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] for name in names
    }


def _kept(work: _Work, name: str, rows: int, restored: int, removed: int) -> Kept:
    found = work.found.get(name)
    lost = found.lost if found else (None if name in work.damaged else 0)
    if name in _PLANS:
        return Kept(rows, 0, 0, 0)
    if lost is not None:
        lost = max(lost + max(removed, 0) - restored, 0)
    return Kept(rows, lost, max(restored, 0), found.blanked if found else 0)


def _name_aside(path: Path, now: datetime) -> Path:
    moment = now.astimezone(UTC).strftime("%Y%m%d-%H%M%S")
    named = [path.with_name(f"{path.name}.damaged-{moment}{more}") for more in ("", "-2", "-3")]
    free = [each for each in named if not each.exists() and not log(each).exists()]
    if not free:
        raise StoreLocationError(f"{named[0]} is there already: move it away first.")
    return free[0]


def _swap(work: _Work, aside: Path) -> tuple[Path, ...]:
    """Give the damaged file another name and the new one its place.

    Whoever is stopped in here leaves either of them in that place, and the damaged one under its
    second name.
    """
    moved = tuple(
        _second_name(each, to)
        for each, to in ((work.path, aside), (log(work.path), log(aside)))
        if each.exists()
    )
    log(work.path).unlink(missing_ok=True)
    work.fresh.replace(work.path)
    work.path.with_name(f".{work.path.name}.opening").unlink(missing_ok=True)
    return moved


def _second_name(path: Path, other: Path) -> Path:
    try:
        os.link(path, other)
    except OSError:  # the file system knows no second name for a file
        path.rename(other)
    with suppress(OSError):
        other.chmod(0o600)
    return other
