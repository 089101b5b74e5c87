"""What is wrong with a statement: whatever is not in the closed list of ``sql_functions``."""

import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Final

import duckdb
from sql_functions import AGGREGATES, OPERATORS, SCALARS, TYPES, WINDOWS

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


def _select(node: Node, schema: frozenset[str], known: frozenset[str]) -> Iterator[str]:
    if node["aggregate_handling"] != "STANDARD_HANDLING":
        yield node["aggregate_handling"]
    yield from (f"{name} of a SELECT" for name in ("sample", "qualify") if node[name])
    places = ("select_list", "from_table", "where_clause", "group_expressions", "having")
    parts = [node[name] for name in places]
    yield from _parts(parts, schema, known)
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


def _unqualified(node: Any) -> Iterator[str]:
    """Names of columns without a table, but those of queries within."""
    if isinstance(node, list):
        for each in node:
            yield from _unqualified(each)
    elif isinstance(node, dict) and "select_list" not in node:
        if node.get("type") == "COLUMN_REF" and len(node["column_names"]) == 1:
            yield node["column_names"][0]
        for each in node.values():
            yield from _unqualified(each)


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
    elif node["type"] == "FUNCTION":
        yield from _call(node)
    elif node["class"] == "WINDOW":
        if node["function_name"].replace("count_star", "count") not in WINDOWS:
            yield f"window {node['function_name']}"
    elif node["type"] == "COLUMN_REF":
        path = node["column_names"]
        if len(path) > 2 or path[-1] == "rowid":
            yield f"column {'.'.join(path)}"
    elif node["type"] == "TYPE":
        inner = [each["type_name"] for each in node["children"]]
        name = f"{inner[0]}[]" if node["type_name"] == "list" and inner else node["type_name"]
        if name not in TYPES or node["schema"]:
            yield f"type {name}"
    elif node["type"] == "STAR":
        extra = ("exclude_list", "replace_list", "columns", "rename_list", "qualified_exclude_list")
        yield from (f"* with {name}" for name in extra if node[name])


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
    if name == "/" and not any(map(_is_double, arguments)):
        yield "/ of whole numbers"


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
