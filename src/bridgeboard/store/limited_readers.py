"""Readers whose row access is not everything: what it shows stands in front of each statement.

Each table that a statement names becomes a common table of that name, which holds the rows and
columns that are seen and nothing else. The reader's cursor is in an empty catalog: a table that had
nothing in front of it would not be there at all, instead of being there as a whole. The database's
own parser reads the statement, and one that could name anything else is refused.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final
from uuid import UUID

import duckdb
import pyarrow as pa

from bridgeboard.access import Pseudonyms, RowAccess
from bridgeboard.model.store import Dimensions, Params, StoreError
from bridgeboard.store.group_blocks import Blocks, Writer
from bridgeboard.store.group_sums import group_relation, live
from bridgeboard.store.row_relations import ALIASES, Tables, real, relation, tables

_PARSE: Final = "SELECT json_serialize_sql(CAST(? AS VARCHAR))"
_QUERIES: Final = {"SELECT_NODE", "SET_OPERATION_NODE"}
_SOURCES: Final = {"BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY"}
"""What may stand behind FROM; not functions of rows, files, SHOW, DESCRIBE and PIVOT."""


class RefusedStatementError(StoreError):
    """A statement that could name something else than the tables of the store."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "A reader with limited row access may only run one SELECT on the tables of the store:"
            f" {why}."
        )


@lru_cache(maxsize=1024)
def named_tables(sql: str, tables: frozenset[str]) -> frozenset[str]:
    """The tables that a SELECT names, out of all that there are.

    Raises:
        RefusedStatementError: for what is no SELECT, and for one that names anything but tables
            and its own common tables: a schema, a function of rows, a file, a catalog.
    """
    # A cursor for each call: threads may not share one.
    with _parser().cursor() as cursor:
        ((text,),) = cursor.execute(_PARSE, [sql]).fetchall()
    answer = json.loads(text)
    if answer["error"] or len(answer["statements"]) != 1:
        raise RefusedStatementError(answer.get("error_message") or "this is not one SELECT")
    return frozenset(_tables_of(answer["statements"][0]["node"], tables, frozenset()))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A database without any table, which only parses."""
    return duckdb.connect(":memory:", config={"enable_external_access": False})


def _tables_of(node: Any, tables: frozenset[str], common: frozenset[str]) -> Iterator[str]:
    """The tables named in a part of the syntax tree; ``common`` are the common tables in scope."""
    if isinstance(node, list):
        for each in node:
            yield from _tables_of(each, tables, common)
    if not isinstance(node, dict):
        return
    for entry in node.get("cte_map", {}).get("map", ()):
        yield from _tables_of(entry["value"], tables, common)
        common |= {entry["key"].lower()}
    _check(node, common & tables)
    if node.get("type") == "BASE_TABLE":
        name = node["table_name"].lower()
        if name not in tables | common:
            raise RefusedStatementError(f"{name} is no table")
        yield from {name} & tables
    for key, value in node.items():
        if key != "cte_map":
            yield from _tables_of(value, tables, common)


def _check(node: dict[str, Any], twice: frozenset[str]) -> None:
    """See that a part of the syntax tree is of a known form and names no schema."""
    if twice:
        raise RefusedStatementError(f"the common table {min(twice)} has the name of a table")
    if len(path := node.get("qualified_name", {}).get("path", [""])) != 1:
        raise RefusedStatementError(f"{'.'.join(path)} is in a schema")
    sources = ("left", "right") if node.get("type") == "JOIN" else ("from_table",)
    parts = [(node.get(name), _SOURCES) for name in sources if name in node]
    if "cte_map" in node:
        parts.append((node, _QUERIES))
    if "materialized" in node:  # a common table
        parts.append((node.get("query_node"), _QUERIES))
    for part, types in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in types:
            raise RefusedStatementError(f"{kind} is not a SELECT of tables")


EMPTY: Final = "no_tables"
"""A catalog in memory without any table: what a reader's statement is looked up in."""

_BEGUN: Final = "SELECT 1 FROM {real}.meta LIMIT 1"
_IDS: Final = "SELECT DISTINCT CAST(id AS VARCHAR) FROM {real}.initiators"
_VALUES: Final = "row_access_values"
"""The parameter that holds the reader's teams, or their own name, where others have names."""
_WITH: Final = re.compile(r"\s*WITH\s+", re.IGNORECASE)


@dataclass(frozen=True)
class InFront:
    """What a reader's statement becomes.

    Attributes:
        row_access: which rows the reader reaches.
        columns: all tables, with their columns and types.
        named: how they are named.
    """

    row_access: RowAccess
    columns: Mapping[str, Mapping[str, str]]
    named: Tables

    def statement(self, sql: str, params: Params, dimensions: Dimensions) -> tuple[str, Params]:
        """The statement to execute, and its parameters.

        Raises:
            RefusedStatementError: for one that could name anything but tables of the store.
        """
        names = sorted(named_tables(sql, frozenset(self.columns)))
        if not names:
            return sql, params
        limits = self.row_access
        values = limits.teams if limits.person is None else (limits.person,)
        name = _VALUES if isinstance(params, Mapping) else len(params) + 1
        place = f"CAST(${name} AS VARCHAR[])"
        front = ", ".join(
            f"{name} AS NOT MATERIALIZED ({self._relation(name, dimensions, place)})"
            for name in names
        )
        begin = _WITH.match(sql)
        statement = f"WITH {front}{f', {sql[begin.end() :]}' if begin else f' {sql}'}"
        if values is None or place not in front:
            return statement, params
        if isinstance(params, Mapping):
            return statement, {**params, _VALUES: list(values)}
        return statement, [*params, list(values)]

    def _relation(self, table: str, dimensions: Dimensions, values: str) -> str:
        columns, floor = self.columns[table], self.row_access.floor
        if floor is not None:
            of_groups = group_relation(floor, live(dimensions), table, columns, self.named)
            if of_groups is not None:
                return of_groups
        return relation(self.row_access, table, columns, self.named, values)


class LimitedReaders:
    """Cursors of one connection for readers who do not see everything.

    ``write`` begins a batch of the store, for the sums that groups see. Without it they see those
    that are there: two copies of a store that each made their own could be subtracted.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        write: Callable[[], AbstractContextManager[Writer]] | None,
    ) -> None:
        self._connection = connection
        self._aliases: dict[Pseudonyms, tuple[frozenset[str], pa.Table]] = {}
        self._columns: Mapping[str, Mapping[str, str]] = {}
        self.blocks = Blocks(connection, write) if write else None

    @contextmanager
    def reading(self, row_access: RowAccess) -> Iterator[tuple[duckdb.DuckDBPyConnection, InFront]]:
        """A cursor in a transaction that reads one state, and what stands in front there."""
        if self.blocks and row_access.floor is not None:
            self.blocks.update(row_access.floor)
        with closing(self._connection.cursor()) as cursor:
            schema = real(cursor)
            if not self._columns:
                # Else of a file that is only read this would be, too, and cannot be.
                cursor.execute(f"ATTACH IF NOT EXISTS ':memory:' AS {EMPTY} (READ_WRITE)")
                self._columns = tables(cursor)
            cursor.execute(f"USE {EMPTY}")
            cursor.execute("BEGIN READ ONLY")
            # A transaction begins with its first question, not with its name.
            cursor.execute(_BEGUN.format(real=schema)).fetchall()
            if row_access.pseudonyms:
                cursor.register(ALIASES, self._named(cursor, schema, row_access.pseudonyms))
            named = Tables(f"{schema}.", f"temp.main.{ALIASES}")
            yield cursor, InFront(row_access, self._columns, named)
            cursor.execute("COMMIT")

    def _named(
        self, cursor: duckdb.DuckDBPyConnection, schema: str, pseudonyms: Pseudonyms
    ) -> pa.Table:
        """What everybody who is there is called instead.

        All at once, because two people with the same pseudonym need longer ones both.
        """
        ids = frozenset(id_ for (id_,) in cursor.execute(_IDS.format(real=schema)).fetchall())
        known = self._aliases.get(pseudonyms)
        if known is None or known[0] != ids:
            columns = ("id", "other", "alias")
            rows = [dict(zip(columns, row, strict=True)) for row in alias_rows(pseudonyms, ids)]
            known = ids, pa.Table.from_pylist(rows, pa.schema(dict.fromkeys(columns, pa.string())))
            self._aliases[pseudonyms] = known
        return known[1]


def alias_rows(pseudonyms: Pseudonyms, ids: Iterable[str]) -> list[tuple[str, str, str]]:
    """The rows of ``row_relations.ALIASES`` for the ids of everybody who is there."""
    aliases = pseudonyms.alias(sorted(ids))
    return [(id_, str(other_id(alias)), alias) for id_, alias in aliases.items()]


def other_id(alias: str) -> UUID:
    """The id of somebody who is known by an alias: it tells no more than the alias does."""
    return UUID(bytes=hashlib.sha256(alias.encode()).digest()[:16], version=5)
