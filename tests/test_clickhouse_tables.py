"""The tables of ClickHouse are those of the store, with whatever these can hold."""

from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import row_access_worlds as worlds
from clickhouse_servers import HOSTILE, ClickHouse, connected, copied

from bridgeboard.clickhouse import tables
from bridgeboard.clickhouse.tables import Column, UnknownTypeError
from bridgeboard.store import Store
from bridgeboard.store.row_relations import DECIDED

ENDS: dict[str, tuple[Any, ...]] = {
    "BIGINT": (-(2**63), 2**63 - 1),
    "BOOLEAN": (False, True),
    "DATE": (date(1969, 12, 29), date(2199, 1, 1)),
    "DECIMAL(38,0)": (Decimal(-(10**38) + 1), Decimal(10**38 - 1)),
    "INTEGER": (-(2**31), 2**31 - 1),
    # As memberships without a beginning or an end.
    "TIMESTAMP": (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)),  # noqa: DTZ001 - stored times have no zone
    "UINTEGER": (0, 2**32 - 1),
    "UTINYINT": (0, 255),
    "UUID": (UUID(int=0), UUID(int=2**128 - 1)),
    "VARCHAR": ("", "".join(HOSTILE)),
    "VARCHAR[]": ([], [*HOSTILE]),
}
"""The ends of what a column may hold."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with worlds.filled(tmp_path_factory.mktemp("tables") / "store.duckdb") as store:
        yield store


@pytest.fixture(scope="module")
def schema(store: Store) -> dict[str, list[Column]]:
    with store.snapshot() as reader:
        return tables.schema_of(reader)


@pytest.fixture
def client(clickhouse: ClickHouse) -> Iterator[Any]:
    with closing(connected(clickhouse.fresh())) as client:
        yield client


def test_the_schema_is_that_of_all_that_readers_are_shown(schema: dict[str, list[Column]]) -> None:
    assert {name: {each.name for each in columns} for name, columns in schema.items()} == {
        name: decided.columns for name, decided in DECIDED.items()
    }


def test_each_column_is_where_it_is_in_the_store(
    schema: dict[str, list[Column]], client: Any
) -> None:
    for _ in range(2):  # what is there already stays
        for statement in tables.create_all(schema):
            client.command(statement)
    sql = "SELECT table, name, type FROM system.columns WHERE database = currentDatabase()"
    created: dict[str, dict[str, str]] = {}
    for table, name, kind in client.query(f"{sql} ORDER BY table, position").result_rows:
        created.setdefault(table, {})[name] = kind
    assert [*created.pop("live")] == [
        *("term", "version", "at", "name", "slice", "block", "rows", "digest", "sign")
    ]
    assert created == {
        table: {each.name: tables.type_of(table, each) for each in columns} | {"block": "UInt64"}
        for table, columns in schema.items()
    }
    for table, columns in schema.items():
        for each in columns:
            kind = created[table][each.name]
            assert ("Nullable" in kind) == each.is_nullable, (table, each)


def test_all_rows_arrive_as_they_are(store: Store, client: Any) -> None:
    with store.snapshot() as reader:
        copied(reader, client, block=7)
        filled = 0
        for table in reader.tables():
            names, rows = reader.named(f"FROM {table}")
            filled += bool(rows)
            answer = client.query(f"SELECT * FROM {table}")
            assert [*answer.column_names] in ([*names, "block"], [])
            wanted = sorted(((*row, 7) for row in rows), key=repr)
            assert sorted(answer.result_rows, key=repr) == wanted, table
        assert filled > 15


def test_every_column_holds_what_it_holds_in_the_store(
    schema: dict[str, list[Column]], client: Any, tmp_path: Path
) -> None:
    with Store.open(tmp_path / "store.duckdb", threads=1) as store:
        with store.write() as batch:
            for table, columns in schema.items():
                places = ", ".join(f"${number + 1}" for number in range(len(columns)))
                for row in (
                    *(tuple(ENDS[each.type][end] for each in columns) for end in (0, 1)),
                    tuple(None if each.is_nullable else ENDS[each.type][0] for each in columns),
                ):
                    batch.execute(f"INSERT INTO {table} VALUES ({places})", row)
        with store.snapshot() as reader:
            copied(reader, client, block=2**64 - 1)
            for table in schema:
                wanted = reader.rows(f"FROM {table}")
                answer = client.query(f"SELECT * EXCEPT (block) FROM {table}").result_rows
                assert len(answer) >= 3
                assert sorted(answer, key=repr) == sorted(wanted, key=repr), table


def test_what_is_named_here_is_in_the_schema(schema: dict[str, list[Column]]) -> None:
    texts = {c.name for columns in schema.values() for c in columns if c.type == "VARCHAR"}
    assert texts >= tables._NAMES
    for table, order in tables._ORDER.items():
        assert {c.name for c in schema[table] if not c.is_nullable} >= {*order}
    used = {column.type.removesuffix("[]") for columns in schema.values() for column in columns}
    assert used >= set(tables._TYPES) - {"HUGEINT"}


def test_a_table_of_a_later_schema_comes_by_itself() -> None:
    columns = [
        Column("usage", "BIGINT", is_nullable=False),
        Column("seen`x", "TIMESTAMP", is_nullable=True),
    ]
    assert tables.create("later", columns, "ReplicatedMergeTree") == (
        "CREATE TABLE IF NOT EXISTS `later` (\n"
        "  `usage` Int64 CODEC(Delta, LZ4),\n"
        "  `seen\\`x` Nullable(DateTime64(6, 'UTC')),\n"
        "  `block` UInt64\n"
        ") ENGINE = ReplicatedMergeTree PARTITION BY block ORDER BY (`usage`)"
    )


@pytest.mark.parametrize(
    "column",
    [
        Column("a", "INTERVAL", is_nullable=True),
        Column("a", "TIMESTAMP WITH TIME ZONE", is_nullable=False),
        Column("a", "VARCHAR[]", is_nullable=True),
        Column("a", "BIGINT[]", is_nullable=False),
        Column("a", "VARCHAR[][]", is_nullable=False),
        Column("block", "BIGINT", is_nullable=False),
    ],
)
def test_what_is_not_decided_is_an_error(column: Column) -> None:
    with pytest.raises(UnknownTypeError):
        tables.create("later", [column])
    with pytest.raises(UnknownTypeError):
        tables.create("live", [Column("a", "BIGINT", is_nullable=False)])
