"""The tables of ClickHouse, derived from those of the store.

Rows are written in blocks that are never changed: each table has a column ``block`` besides, and
the table ``live`` says which blocks hold at which version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridgeboard.model.store import Rows

BLOCK: Final = "block"
"""The column of each table that says which block a row belongs to."""
LIVE: Final = "live"
LIVE_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS live (
  `term` UInt64,
  `version` UInt64,
  `at` DateTime64(3, 'UTC') DEFAULT now64(3),
  `name` LowCardinality(String),
  `slice` String,
  `block` UInt64,
  `rows` UInt64,
  `digest` UInt64,
  `sign` Int8
) ENGINE = {engine} PARTITION BY term ORDER BY version"""
"""Which blocks of which tables hold at which version (``bridgeboard.clickhouse.live``)."""

_COLUMNS: Final = """
SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = 'main' AND NOT internal
ORDER BY table_name, column_index"""

_TYPES: Final[Mapping[str, str]] = {
    "BIGINT": "Int64",
    "BOOLEAN": "Bool",
    "DATE": "Date32",  # "Date" begins in 1970
    "DECIMAL(38,0)": "Decimal(38, 0)",
    "HUGEINT": "Int128",
    "INTEGER": "Int32",
    "TIMESTAMP": "DateTime64(6, 'UTC')",
    "UINTEGER": "UInt32",
    "UTINYINT": "UInt8",
    "UUID": "UUID",
    "VARCHAR": "String",
}
_STORED: Final = {kind: stored for stored, kind in _TYPES.items()} | {"Decimal(38, 0)": "HUGEINT"}
_LIST: Final = "Array(LowCardinality(String))"
_NAMES: Final = frozenset(
    {
        *("client", "counted", "credential_kind", "error_type", "family", "generation", "grain"),
        *("kind", "label", "limit_source", "model", "note", "organization_name", "outcome"),
        *("price_id", "provider", "provider_name", "server_url", "service_tier", "source"),
        *("status", "team", "tool", "vendor"),
    }
)
"""Columns of text in which few values come again and again: they are kept as a dictionary."""
_ORDER: Final[Mapping[str, tuple[str, ...]]] = {
    "usage": ("started_at", "usage"),
    "tool_calls": ("started_at", "usage", "ordinal"),
    "sessions": ("started_at", "session"),
    "threads": ("session", "id"),
    "thinking": ("session", "ordinal"),
    "last_prompts": ("session",),
    "memberships": ("username", "valid_from"),
}
"""How the rows of a table are sorted, if not by ``_KEYS``."""
_KEYS: Final = ("frozen", "usage", "session", "initiator", "started_at", "ordinal")
"""Those that a table has and that are never NULL sort its rows."""


@dataclass(frozen=True)
class Column:
    """A column of the store: its name, DuckDB's type, and whether it may be NULL."""

    name: str
    type: str
    is_nullable: bool


Schema = Mapping[str, Sequence[Column]]
"""Tables of the store and their columns in order."""


class UnknownTypeError(Exception):
    """A column of the store has a type of which it is not decided what it is in ClickHouse."""


def schema_of(reader: Rows) -> dict[str, list[Column]]:
    """The tables of the store that a reader of everything asks."""
    tables: dict[str, list[Column]] = {}
    for table, *column in reader.rows(_COLUMNS):
        tables.setdefault(table, []).append(Column(*column))
    return tables


def create_all(schema: Schema, engine: str = "MergeTree") -> list[str]:
    """Statements that create what is missing of the tables of a schema, and ``live``."""
    return [
        *(create(table, columns, engine) for table, columns in schema.items()),
        LIVE_TABLE.format(engine=engine),
    ]


def create(table: str, columns: Sequence[Column], engine: str = "MergeTree") -> str:
    """The statement that creates a table, if there is none.

    Raises:
        UnknownTypeError: for a column whose type is not known here.
    """
    if table == LIVE or BLOCK in {column.name for column in columns}:
        raise UnknownTypeError(f"{table} has a name that is ours in ClickHouse: {LIVE} or {BLOCK}.")
    order = _order(table, columns)
    lines = [f"  {quoted(each.name)} {_definition(table, each, order)}" for each in columns]
    body = ",\n".join([*lines, f"  {quoted(BLOCK)} UInt64"])
    return (
        f"CREATE TABLE IF NOT EXISTS {quoted(table)} (\n{body}\n) ENGINE = {engine}"
        f" PARTITION BY {BLOCK} ORDER BY ({', '.join(map(quoted, order))})"
    )


def type_of(table: str, column: Column) -> str:
    """ClickHouse's type of a column.

    Raises:
        UnknownTypeError: if it is not decided.
    """
    element, is_list = column.type.removesuffix("[]"), column.type.endswith("[]")
    name = _TYPES.get(element)
    if name is None or (is_list and (element != "VARCHAR" or column.is_nullable)):
        nullable = "" if column.is_nullable else " NOT NULL"
        raise UnknownTypeError(
            f"{table}.{column.name} is {column.type}{nullable}, of which it is not decided what it"
            " is in ClickHouse: add it to bridgeboard.clickhouse.tables."
        )
    if is_list:
        return _LIST
    if column.is_nullable:
        name = f"Nullable({name})"
    return f"LowCardinality({name})" if element == "VARCHAR" and column.name in _NAMES else name


def stored_type(kind: str) -> str:
    """The store's type of a column that ClickHouse has: the other way round than ``type_of``.

    Raises:
        UnknownTypeError: if no column of ours has it.
    """
    if kind == _LIST:
        return "VARCHAR[]"
    for wrapping in ("LowCardinality", "Nullable"):
        kind = kind.removeprefix(f"{wrapping}(").removesuffix(")") if wrapping in kind else kind
    if kind not in _STORED:
        raise UnknownTypeError(f"No column of a mirrored store is {kind}.")
    return _STORED[kind]


def quoted(name: str) -> str:
    """A name of a table or column as ClickHouse takes it, whatever it is."""
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def _definition(table: str, column: Column, order: Sequence[str]) -> str:
    kind = type_of(table, column)
    if column.type == "UUID" or kind in {"String", "Nullable(String)"}:
        return f"{kind} CODEC(ZSTD(1))"
    if column.name in order and not kind.startswith("LowCardinality"):
        return f"{kind} CODEC(Delta, LZ4)"
    return kind


def _order(table: str, columns: Sequence[Column]) -> Sequence[str]:
    if table in _ORDER:
        return _ORDER[table]
    known = {column.name for column in columns if not column.is_nullable}
    return [name for name in _KEYS if name in known]
