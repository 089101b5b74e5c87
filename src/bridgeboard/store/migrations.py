"""Brings a store's file to the current schema."""

from pathlib import Path
from typing import Final

import duckdb

from bridgeboard.store.errors import StoreDamagedError, too_new
from bridgeboard.store.schema import MIGRATIONS

SCHEMA: Final = "schema"
"""Setting of the store: how many migrations its file has had."""

_TABLES: Final = """
SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT temporary
ORDER BY table_name
"""


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of all tables."""
    return [name for (name,) in connection.execute(_TABLES).fetchall()]


def migrate(connection: duckdb.DuckDBPyConnection, path: Path, until: int | None = None) -> None:
    """Bring a file to a schema, the current one by default; one transaction a step.

    Raises:
        StoreTooNewError: when the file has a later schema.
        StoreDamagedError: when it is a database of something else.
    """
    goal = len(MIGRATIONS) if until is None else until
    version_now = _schema(connection, path)
    if version_now > goal:
        raise too_new(path, version_now, goal)
    for version in range(version_now, goal):
        connection.execute("BEGIN")
        connection.execute(MIGRATIONS[version])
        connection.execute("DELETE FROM meta WHERE name = ?", [SCHEMA])
        connection.execute("INSERT INTO meta VALUES (?, ?)", [SCHEMA, str(version + 1)])
        connection.execute("COMMIT")


def _schema(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """How many migrations a file has had; 0 for a new one."""
    names = tables(connection)
    if not names:
        return 0
    if "meta" in names:
        rows = connection.execute("SELECT value FROM meta WHERE name = ?", [SCHEMA]).fetchall()
        if rows:
            return int(rows[0][0])
    raise StoreDamagedError(
        f"{path} is a database, but no store of Bridgeboard. Name another data folder."
    )
