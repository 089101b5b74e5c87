"""What is wrong with a statement: whatever is not in the closed list of ``sql_functions``."""

import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import Any, Final

import duckdb
from sql_functions import AGGREGATES, OPERATORS, SCALARS, TYPES, WINDOWS

from bridgeboard.store.schema import MIGRATIONS

Node = dict[str, Any]

CALLS: Final = {name.strip('"') for name in (*SCALARS, *AGGREGATES)}
SPELLINGS: Final = re.compile(
    r"::|//|--|/\*|;|`|\\|(?<!BIGINT)\[|\?|<<|>>|&|%|!=|\bLIKE\b|\bINTERVAL\b"
    r"|\bFILTER\s*\((?!WHERE\b)|\bGROUP BY ALL\b|\bORDER BY ALL\b|\bFROM\b(?=\s*'')",
    re.IGNORECASE,
)
"""What is never spelt in a statement, outside of text and of quoted names."""
EXPRESSIONS: Final = {
    *("COLUMN_REF", "VALUE_CONSTANT", "VALUE_PARAMETER", "FUNCTION", "OPERATOR_CAST", "TYPE"),
    *("STAR", "SUBQUERY", "CASE_EXPR", "CONJUNCTION_AND", "CONJUNCTION_OR"),
    *("COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_LESSTHAN", "COMPARE_GREATERTHAN"),
    *("COMPARE_LESSTHANOREQUALTO", "COMPARE_GREATERTHANOREQUALTO", "COMPARE_BETWEEN"),
    *("COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM", "COMPARE_IN", "COMPARE_NOT_IN"),
    *("OPERATOR_NOT", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE"),
    *("GROUPING_FUNCTION", "WINDOW_AGGREGATE", "WINDOW_ROW_NUMBER", "WINDOW_LAG", "WINDOW_LEAD"),
}
TABLES: Final = {"BASE_TABLE", "SUBQUERY", "JOIN", "EMPTY"}


def _columns() -> dict[str, dict[str, bool]]:
    """Table → column → whether it may be NULL."""
    columns: dict[str, dict[str, bool]] = {}
    with duckdb.connect() as connection:
        for migration in MIGRATIONS:
            connection.execute(migration)
        sql = "SELECT table_name, column_name, is_nullable FROM duckdb_columns() WHERE NOT internal"
        for table, name, is_nullable in connection.execute(sql).fetchall():
            columns.setdefault(table, {})[name] = is_nullable
    return columns


COLUMNS: Final = _columns()
_RECORDS: Final = [own for name, own in COLUMNS.items() if not name.startswith("group_")]
NEVER_NULL: Final = {name for own in _RECORDS for name in own} - {
    name for own in _RECORDS for name, is_nullable in own.items() if is_nullable
}
"""Columns of records; sums of groups stand in their place, with the same keys."""
IDENTITIES: Final = {"id", "thread", "interception", "organization", "coder_group", "after"}
"""Columns that are a UUID where something is ordered by them; a "person" is a name there."""
CONDITIONS: Final = ("COMPARE_", "CONJUNCTION_", "OPERATOR_NOT", "OPERATOR_IS")


def parsed(sql: str) -> Node:
    """A SELECT as the database reads it."""
    ((text,),) = duckdb.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()
    answer = json.loads(text)
    assert not answer["error"], f"{answer['error_message']}: {sql}"
    (statement,) = answer["statements"]
    node: Node = statement["node"]
    return node


def problems(sql: str, schema: Collection[str]) -> list[str]:
    """What of a statement is not in the closed list; ``schema`` are the tables there are."""
    plain = re.sub(r'"[^"]*"', '"x"', re.sub(r"'(?:[^']|'')*'", "''", sql))
    spelt = [f"spelt {match.group()!r}" for match in SPELLINGS.finditer(plain)]
    return [*spelt, *_query(parsed(sql), frozenset(schema), frozenset())]


def _query(node: Node, schema: frozenset[str], known: frozenset[str]) -> Iterator[str]:
    """Problems of a SELECT, or of several joined by UNION; ``known`` are common tables."""
    for entry in node["cte_map"]["map"]:
        name = entry["key"]
        if name in schema:
            yield f"common table {name} has the name of a table"
        yield from _query(entry["value"]["query_node"], schema, known)
        known |= {name}
    if node["type"] == "SET_OPERATION_NODE":
        if node["setop_type"] != "UNION" or not node["setop_all"]:
            yield f"{node['setop_type']} that is no UNION ALL"
        sides = node.get("children") or [node["left"], node["right"]]
        for side in sides:
            yield from _query(side, schema, known)
    elif node["type"] == "SELECT_NODE":
        yield from _select(node, schema, known)
    else:
        yield f"query {node['type']}"
    for modifier in node["modifiers"]:
        yield from _parts(modifier, schema, known)
        if modifier["type"] == "ORDER_MODIFIER":
            yield from _ordered(node, [each["expression"] for each in modifier["orders"]])


def _select(node: Node, schema: frozenset[str], known: frozenset[str]) -> Iterator[str]:
    if node["aggregate_handling"] != "STANDARD_HANDLING":
        yield node["aggregate_handling"]
    yield from (f"{name} of a SELECT" for name in ("sample", "qualify") if node[name])
    places = ("select_list", "from_table", "where_clause", "group_expressions", "having")
    parts = [node[name] for name in places]
    yield from _parts(parts, schema, known)
    yield from _beside_first(node)
    yield from _of_outside(node)
    own = {
        each["alias"]
        for each in node["select_list"]
        if each["alias"]
        and (each["type"] != "COLUMN_REF" or each["column_names"][-1] != each["alias"])
    }
    for name in sorted(own & set(_unqualified([*parts[:1], *parts[2:]]))):
        yield f"{name} is the name of an expression and is used beside ORDER BY"
    for each in node["select_list"]:
        if each["type"].startswith(CONDITIONS) or each.get("subquery_type") in {"ANY", "EXISTS"}:
            yield f"the condition {each['alias']} is a column"


def _beside_first(node: Node) -> Iterator[str]:
    """All columns of a table (``t.*``) where that is not the first of those that are joined.

    Where both have a column of one name, some engines call the second one's by its table.
    """
    first = node["from_table"]
    while first["type"] == "JOIN":
        first = first["left"]
    name = first.get("alias") or (first.get("qualified_name", {}).get("path") or [""])[-1]
    for each in node["select_list"]:
        if each["type"] == "STAR" and each["relation_name"] not in {"", name}:
            yield f"{each['relation_name']}.* of a table that is joined to another"


def _ordered(node: Node, terms: list[Node]) -> Iterator[str]:
    """What not all engines order by, or not in one order."""
    shown = {each["alias"]: each for each in node.get("select_list", ()) if each["alias"]}
    for term in terms:
        path = term.get("column_names", [])
        if _has_query(shown.get(path[0], term) if len(path) == 1 else term):
            yield f"order by a query, {'.'.join(path)}"
        yield from _identities([term])


def _identities(terms: list[Node]) -> Iterator[str]:
    """Identities that are put in order, which engines do by different halves of them."""
    for term in terms:
        if term.get("type") == "COLUMN_REF" and term["column_names"][-1] in IDENTITIES:
            yield f"order of the identity {term['column_names'][-1]}"


def _has_query(node: Any) -> bool:
    if isinstance(node, list):
        return any(map(_has_query, node))
    if not isinstance(node, dict):
        return False
    return node.get("type") == "SUBQUERY" or any(map(_has_query, node.values()))


def _unqualified(node: Any) -> Iterator[str]:
    """Names of columns without a table, but those of queries within."""
    return (path[0] for path in _references(node) if len(path) == 1)


def _references(node: Any) -> Iterator[list[str]]:
    """Columns with the tables that they name, but those of queries within."""
    if isinstance(node, list):
        for each in node:
            yield from _references(each)
    elif isinstance(node, dict) and "select_list" not in node:
        if node.get("type") == "COLUMN_REF":
            yield node["column_names"]
        for each in node.values():
            yield from _references(each)


def _of_outside(node: Node) -> Iterator[str]:
    """Columns of a table without them, as one of that name around the query has them."""
    own: dict[str, set[str]] = {}
    joined = [node["from_table"]]
    while joined:
        table = joined.pop()
        if table["type"] == "JOIN":
            joined += [table["left"], table["right"]]
        elif table["type"] == "BASE_TABLE" and table["qualified_name"]["path"][-1] in COLUMNS:
            name = table["qualified_name"]["path"][-1]
            own[table["alias"] or name] = {*COLUMNS[name]}
    for path in _references([each for name, each in node.items() if name != "cte_map"]):
        if len(path) == 2 and path[1] not in own.get(path[0], {path[1]}):
            yield f"column {'.'.join(path)} of a query around this"


def _parts(node: Any, schema: frozenset[str], known: frozenset[str]) -> Iterator[str]:
    """Problems of expressions and of tables, and of the queries in them."""
    if isinstance(node, list):
        for each in node:
            yield from _parts(each, schema, known)
        return
    if not isinstance(node, dict):
        return
    if "cte_map" in node:
        yield from _query(node, schema, known)
        return
    if node.get("function_name") == "list_value":  # shares of quantiles
        node = {**node, "arguments": []}
    if "class" in node:
        yield from _expression(node)
    elif "sample" in node and "alias" in node:
        yield from _table(node, schema | known)
    for each in node.values():
        yield from _parts(each, schema, known)


def _table(node: Node, named: frozenset[str]) -> Iterator[str]:
    if node["type"] not in TABLES or node["sample"]:
        yield f"table {node['type']}"
    elif node["type"] == "BASE_TABLE":
        name = ".".join(node["qualified_name"]["path"])
        if name not in named or node["at_clause"]:
            yield f"table {name}"
    elif node["type"] == "JOIN" and (
        node["join_type"] not in {"INNER", "LEFT", "FULL"}
        or node["ref_type"] not in {"REGULAR", "CROSS"}
    ):
        yield f"{node['ref_type']} {node['join_type']} JOIN"


def _expression(node: Node) -> Iterator[str]:
    if node["type"] not in EXPRESSIONS:
        yield f"expression {node['type']}"
    elif node["type"] in OF_EXPRESSION:
        yield from OF_EXPRESSION[node["type"]](node)
    elif node["class"] == "WINDOW":
        if node["function_name"].replace("count_star", "count") not in WINDOWS:
            yield f"window {node['function_name']}"
        yield from _identities([each["expression"] for each in node["orders"]])


def _column(node: Node) -> Iterator[str]:
    path = node["column_names"]
    if len(path) > 2 or path[-1] == "rowid":
        yield f"column {'.'.join(path)}"


def _type(node: Node) -> Iterator[str]:
    inner = [each["type_name"] for each in node["children"]]
    name = f"{inner[0]}[]" if node["type_name"] == "list" and inner else node["type_name"]
    if name not in TYPES or node["schema"]:
        yield f"type {name}"


def _star(node: Node) -> Iterator[str]:
    extra = ("exclude_list", "replace_list", "columns", "rename_list", "qualified_exclude_list")
    yield from (f"* with {name}" for name in extra if node[name])


def _constant(node: Node) -> Iterator[str]:
    text = str(node["literal"].get("text", ""))
    if node["literal"]["kind"] == "NUMERIC" and "." in text and "e" not in text.lower():
        yield f"number {text} that is no DOUBLE"


def _not(node: Node) -> Iterator[str]:
    for child in node["children"]:
        yield from _not_in(child)


def _not_in(node: Node) -> Iterator[str]:
    """A query that may answer NULL, behind NOT IN."""
    if node.get("subquery_type") != "ANY":
        return
    for column in node["subquery"]["node"]["select_list"]:
        is_safe = column["type"] == "OPERATOR_COALESCE" or (
            column["type"] == "COLUMN_REF" and column["column_names"][-1] in NEVER_NULL
        )
        if not is_safe:
            yield f"NOT IN of {'.'.join(column.get('column_names', ['something']))}"


def _call(node: Node) -> Iterator[str]:
    name = node["function_name"].replace("count_star", "count")
    if node["schema"] or name not in (OPERATORS if node["is_operator"] else CALLS):
        yield f"function {name}"
    if node["order_bys"]["orders"]:
        yield f"{name} with an order"
    if node["distinct"] and name not in {"count", "list"}:
        yield f"{name} of DISTINCT"
    arguments = [each["expression"] for each in node["arguments"]]
    if name in {"arg_min", "arg_max"} and arguments[-1].get("function_name") != "row":
        yield f"{name} that equals could decide"
    if name in {"greatest", "least", "max", "min"}:
        yield from _identities(arguments)
    if name in {"divide", "mod"} and not _is_never_zero(arguments[1]):
        yield f"{name} by what may be 0"
    if name == "/" and not any(map(_is_double, arguments)):
        yield "/ of whole numbers"


def _is_never_zero(node: Node) -> bool:
    is_nullif = node.get("function_name") == "nullif"
    return is_nullif or node["type"] in {"VALUE_CONSTANT", "VALUE_PARAMETER"}


def _is_double(node: Any) -> bool:
    """Whether an expression has a part that makes it a DOUBLE."""
    if isinstance(node, list):
        return any(map(_is_double, node))
    if not isinstance(node, dict):
        return False
    if node.get("type") == "OPERATOR_CAST":
        return bool(node["type_expr"]["type_name"] == "DOUBLE")
    if node.get("type") == "VALUE_CONSTANT":
        return node["literal"]["kind"] == "NUMERIC" and "e" in str(node["literal"]["text"])
    return any(map(_is_double, node.values()))


OF_EXPRESSION: Final[dict[str, Callable[[Node], Iterator[str]]]] = {
    "COLUMN_REF": _column,
    "FUNCTION": _call,
    "OPERATOR_NOT": _not,
    "STAR": _star,
    "TYPE": _type,
    "VALUE_CONSTANT": _constant,
}
"""Type of expression → its problems, but those of its parts."""
