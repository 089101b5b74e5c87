"""The database of a mirror: that its tables are there and ours, and which blocks they hold."""

from collections.abc import Collection, Mapping
from typing import Final

from bridgeboard.clickhouse import tables
from bridgeboard.clickhouse.connection import Connection
from bridgeboard.clickhouse.contents import Table
from bridgeboard.clickhouse.errors import MirrorError
from bridgeboard.clickhouse.tables import BLOCK, LIVE, LIVE_TABLE, quoted

_TABLES: Final = """
SELECT name, partition_key FROM system.tables WHERE database = currentDatabase()"""
_COLUMNS: Final = """
SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"""
_PARTS: Final = """
SELECT table, partition, sum(rows) FROM system.parts
WHERE database = currentDatabase() AND active AND table != 'live' GROUP BY table, partition"""
_AT_ONCE: Final = 100
"""Blocks that one statement deletes."""


def check(connection: Connection, mirrored: Mapping[str, Table]) -> None:
    """Make ``live`` if it is missing.

    Raises:
        MirrorError: where a table with a name of ours is another one's.
    """
    keys = dict.fromkeys(mirrored, BLOCK) | {LIVE: "term"}
    for name, key in connection.rows(_TABLES):
        if keys.get(name, key) != key:
            raise MirrorError(
                f"ClickHouse at {connection.where} has a table {name} that is not of a mirror."
                " Name a database in mirror that holds nothing else."
            )
    connection.execute(LIVE_TABLE.format(engine=connection.engine))


def outdated(connection: Connection, mirrored: Mapping[str, Table]) -> list[str]:
    """Tables of which a column would have to become another: they are made anew."""
    types = _types(connection)
    return [
        name
        for name, table in mirrored.items()
        if any(types.get(name, {}).get(one, kind) != kind for one, kind in _wanted(table).items())
    ]


def prepare(
    connection: Connection, mirrored: Mapping[str, Table], anew: Collection[str]
) -> set[str]:
    """Make the tables that are missing, and some anew, and add columns that came later.

    Returns:
        The tables that have got columns, of which their rows know nothing.
    """
    grown = set()
    for name in anew:
        connection.execute(f"DROP TABLE {quoted(name)} SYNC")
    types = _types(connection)
    for name, table in mirrored.items():
        there = types.get(name)
        if there is None:
            connection.execute(tables.create(name, table.columns, connection.engine))
            continue
        before, added = "FIRST", []
        for one, kind in _wanted(table).items():
            if one not in there:
                added.append(f"ADD COLUMN {quoted(one)} {kind} {before}")
            before = f"AFTER {quoted(one)}"
        if added:
            connection.execute(f"ALTER TABLE {quoted(name)} {', '.join(added)}")
            grown.add(name)
    return grown


def parts(connection: Connection) -> dict[tuple[str, int], int]:
    """The blocks that are there, by table and number, and how many rows each has."""
    return {
        (table, int(partition)): int(rows)
        for table, partition, rows in connection.rows(_PARTS)
        if partition.isdigit()
    }


def drop(connection: Connection, blocks: Collection[tuple[str, int]]) -> None:
    """Delete blocks."""
    by_table: dict[str, list[int]] = {}
    for table, number in blocks:
        by_table.setdefault(table, []).append(number)
    for table, numbers in by_table.items():
        for first in range(0, len(numbers), _AT_ONCE):
            some = numbers[first : first + _AT_ONCE]
            dropped = ", ".join(f"DROP PARTITION {number}" for number in some)
            connection.execute(f"ALTER TABLE {quoted(table)} {dropped}")


def _wanted(table: Table) -> dict[str, str]:
    return {each.name: tables.type_of(table.name, each) for each in table.columns}


def _types(connection: Connection) -> dict[str, dict[str, str]]:
    types: dict[str, dict[str, str]] = {}
    for table, name, kind in connection.rows(_COLUMNS):
        types.setdefault(table, {})[name] = kind
    return types
