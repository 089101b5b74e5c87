"""Which tables a statement names; one that could name anything else is refused.

What a reader with less than full row access asks goes through here. The database's own parser reads
the statement, and only known forms of FROM are accepted.
"""

import json
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final

import duckdb

from bridgeboard.model.store import StoreError

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
    return frozenset(_tables(answer["statements"][0]["node"], tables, frozenset()))


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A database without any table, which only parses."""
    return duckdb.connect(":memory:")


def _tables(node: Any, tables: frozenset[str], common: frozenset[str]) -> Iterator[str]:
    """The tables named in a part of the syntax tree; ``common`` are the common tables in scope."""
    if isinstance(node, list):
        for each in node:
            yield from _tables(each, tables, common)
    if not isinstance(node, dict):
        return
    for entry in node.get("cte_map", {}).get("map", ()):
        yield from _tables(entry["value"], tables, common)
        common |= {entry["key"].lower()}
    _check(node, common & tables)
    if node.get("type") == "BASE_TABLE":
        name = node["table_name"].lower()
        if name not in tables | common:
            raise RefusedStatementError(f"{name} is no table")
        yield from {name} & tables
    for key, value in node.items():
        if key != "cte_map":
            yield from _tables(value, tables, common)


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
