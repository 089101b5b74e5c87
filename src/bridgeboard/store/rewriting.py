"""Rewrites the store's file, so that deleted data is not left in it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import duckdb

from bridgeboard.model.store import StoreError
from bridgeboard.private_files import make_durable
from bridgeboard.store.errors import (
    StoreBusyError,
    StoreFullError,
    StoreLocationError,
    explained,
)
from bridgeboard.store.file_location import (
    growing,
    literal,
    locked,
    log,
    refuse_filled_log,
    remove,
)

DELETED_AT: Final = "deleted_at"
"""Setting of the store: since when it may hold something deleted; a fresh file has none."""
_FRESH: Final = "rewritten"
_COUNTED: Final = """
SELECT table_name FROM duckdb_tables() WHERE database_name = '{0}' ORDER BY table_name
"""


@contextmanager
def copied(cursor: duckdb.DuckDBPyConnection, path: Path) -> Iterator[Path]:
    """A new file beside a store's with the same tables and rows; gone when the block ends.

    Args:
        cursor: of the open store, to which nobody writes until the block ends.
        path: the store's file.

    Raises:
        StoreFullError: when there is no room for it.
    """
    fresh = growing(path)
    _check_room(path)
    try:
        remove(fresh)
        _copy(cursor, fresh)
        yield fresh
    except StoreFullError as error:
        raise StoreFullError(f"{_STILL_THERE.format(path=path)} {error}") from error
    except OSError as error:
        raise StoreLocationError(
            f"{_STILL_THERE.format(path=path)} {fresh} cannot be written ({error.strerror})."
        ) from error
    finally:
        with suppress(OSError):
            remove(fresh)


def exchange(fresh: Path, path: Path) -> None:
    """Put a copy in the place of a store's file, which nobody has open.

    Raises:
        StoreBusyError: when another process was faster and has it now.
    """
    with locked(path):
        refuse_filled_log(path)
        log(path).unlink(missing_ok=True)
        fresh.replace(path)
    make_durable(path.parent)


def never_idle(path: Path) -> StoreBusyError:
    """The error of a store that is always being asked."""
    return StoreBusyError(
        f"{_STILL_THERE.format(path=path)} Questions left no moment to exchange the file. It is"
        " tried again."
    )


def _copy(cursor: duckdb.DuckDBPyConnection, fresh: Path) -> None:
    with explained(fresh):
        ((name,),) = cursor.execute("SELECT current_database()").fetchall()
        cursor.execute(f"ATTACH {literal(fresh)} AS {_FRESH}")
        try:
            fresh.chmod(0o600)
            cursor.execute(f'COPY FROM DATABASE "{name}" TO {_FRESH}')
            cursor.execute(f"DELETE FROM {_FRESH}.meta WHERE name = '{DELETED_AT}'")
            cursor.execute(f"CHECKPOINT {_FRESH}")
            _compare(cursor, name, fresh)
        finally:
            # An error before this one is the one to tell.
            with suppress(duckdb.Error):
                cursor.execute(f"DETACH {_FRESH}")
    if log(fresh).exists():
        raise StoreError(f"{log(fresh)} is still there: {fresh} is not whole.")


def _compare(cursor: duckdb.DuckDBPyConnection, name: str, fresh: Path) -> None:
    """Raise unless a copy has the rows of its original, table by table."""
    ours, theirs = (_counts(cursor, each) for each in (name, _FRESH))
    ours["meta"] = theirs["meta"]
    if ours != theirs:
        raise StoreError(f"{fresh} has not the rows of the store: nothing was changed.")


def _counts(cursor: duckdb.DuckDBPyConnection, name: str) -> dict[str, int]:
    tables = [table for (table,) in cursor.execute(_COUNTED.format(name)).fetchall()]
    return {
        table: cursor.execute(f'SELECT count(*) FROM "{name}".{table}').fetchall()[0][0]
        for table in tables
    }


def _check_room(path: Path) -> None:
    needed, free = path.stat().st_size, shutil.disk_usage(path.parent).free
    if free < needed:
        raise StoreFullError(
            f"{_STILL_THERE.format(path=path)} Writing it anew needs {needed:,} bytes on that disk,"
            f" and {free:,} are free. Free some; it is tried again."
        )


_STILL_THERE: Final = "Text that was deleted can still be read in the file {path}."
