"""Every statement of the product is made of the closed list of functions, and of the schema."""

import ast
import re
import sys
from typing import Any

import pytest
import row_access_worlds as worlds
import statements
from every_statement import MODULES, Recorder, ask_everything, constant_statements

from bridgeboard.queries.metric_query import Query

SCHEMA = set(worlds.schema())


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], set[Any]]:
    """All statements that a store was asked, and which functions have made one."""
    makers: set[Any] = set()
    init = Query.__init__

    def noted(query: Query, *args: Any, **options: Any) -> None:
        frame = sys._getframe(1)
        makers.add((frame.f_globals["__name__"], frame.f_code.co_name))
        init(query, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Query, "__init__", noted)
        with (
            worlds.filled(tmp_path_factory.mktemp("asked") / "store.duckdb") as store,
            store.snapshot() as reader,
        ):
            recorder = Recorder(reader)
            ask_everything(recorder)
    return [*recorder.sql], makers


@pytest.mark.slow
def test_every_statement_is_made_of_the_closed_list(asked: tuple[list[str], set[Any]]) -> None:
    every, _ = asked
    wrong: dict[str, str] = {}
    for sql in every:
        for problem in statements.problems(sql, SCHEMA):
            wrong.setdefault(problem, sql)
    assert not wrong
    assert len(every) > 300


def test_every_constant_statement_is_made_of_the_closed_list() -> None:
    every = [*constant_statements()]
    assert len(every) > 10
    assert [(sql, wrong) for sql in every if (wrong := statements.problems(sql, SCHEMA))] == []


@pytest.mark.slow
def test_every_function_that_makes_a_statement_was_asked_for_one(
    asked: tuple[list[str], set[Any]],
) -> None:
    expected = {
        (name, function.name)
        for name, path in MODULES.items()
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Query"
    }
    assert expected <= asked[1]
    assert len(expected) > 25


def test_no_other_room_than_queries_makes_a_statement_for_readers() -> None:
    # Metrics and dimensions are literals with their SQL; these rooms also ask for themselves.
    own = {"model", "queries", "clickhouse", "store", "sync", "state"}
    source = MODULES["bridgeboard.queries.metric_query"].parents[1]
    for path in sorted(source.rglob("*.py")):
        if path.relative_to(source).parts[0] not in own:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    assert not re.search(r"\bSELECT\b|^\s*FROM [a-z]", node.value), path


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT day(started_at) FROM usage", "function day"),
        ("SELECT u.input FROM usage u JOIN read_csv('x') r ON TRUE", "table TABLE_FUNCTION"),
        ("SELECT input // 2 FROM usage", "spelt '//'"),
        ("SELECT CAST(input AS DATE) FROM usage", "type DATE"),
        ("SELECT input::BIGINT FROM usage", "spelt '::'"),
        ("SELECT a FROM main.usage", "table main.usage"),
        ("SELECT name FROM duckdb_tables", "table duckdb_tables"),
        ("SELECT table_name FROM information_schema.tables", "table information_schema.tables"),
        ("SELECT * EXCLUDE (input) FROM usage", "* with exclude_list"),
        ("SELECT list(model ORDER BY model) FROM usage", "list with an order"),
        ("SELECT arg_max(model, input) FROM usage", "arg_max that equals could decide"),
        ("SELECT input / output FROM usage", "/ of whole numbers"),
        ("SELECT input > 0 AS has_input FROM usage", "the condition has_input is a column"),
        ("SELECT sum(input) AS input FROM usage", "input is the name of an expression"),
        ("SELECT sum(input) FILTER (input > 0) FROM usage", "spelt 'FILTER ('"),
        ("WITH usage AS (SELECT 1) SELECT * FROM usage", "common table usage"),
        ("SELECT 1 FROM usage u SEMI JOIN sessions s ON TRUE", "REGULAR SEMI JOIN"),
        ("SELECT model FROM usage UNION SELECT model FROM usage", "UNION that is no UNION ALL"),
        ("SELECT list_transform(models, lambda x: x) FROM sessions", "expression LAMBDA"),
        ("SELECT 1 FROM usage HAVING ntile(2) OVER () > 1", "expression WINDOW_NTILE"),
        ("SELECT model FROM usage GROUP BY ALL", "FORCE_AGGREGATES"),
        ("SELECT models[1] FROM sessions", "spelt '['"),
        ("SELECT * FROM usage WHERE rowid = 1", "column rowid"),
        ("SELECT * FROM usage WHERE started_at > now() - INTERVAL 1 DAY", "spelt 'INTERVAL'"),
        ("SELECT * FROM (VALUES (1)) v(a)", "table EXPRESSION_LIST"),
        ("SELECT t.*, u.cost FROM usage u JOIN threads t ON t.id = u.id", "t.* of a table"),
        ("SELECT (SELECT max(u.cost) FROM usage u) AS most ORDER BY most", "order by a query"),
        ("SELECT 1 AS a FROM usage ORDER BY (SELECT max(u.cost) FROM usage u)", "order by a query"),
        ("SELECT id AS a FROM usage ORDER BY thread", "order of the identity thread"),
        ("SELECT row_number() OVER (ORDER BY f.id) AS a FROM usage f", "order of the identity id"),
        ("SELECT max(thread) AS last FROM usage", "order of the identity thread"),
        ("SELECT divide(cost, input) AS a FROM usage WHERE input > 0", "divide by what may be 0"),
        ("SELECT usage FROM usage WHERE cost > 0.5", "number 0.5 that is no DOUBLE"),
        ("SELECT usage FROM usage WHERE session NOT IN (SELECT session FROM usage)", "NOT IN of"),
        ("SELECT 1 FROM usage WHERE model NOT IN (SELECT lower(model) FROM families)", "NOT IN of"),
        (
            "SELECT 1 FROM usage f WHERE EXISTS (SELECT 1 FROM tool_calls f WHERE f.cost > 0)",
            "column f.cost of a query around this",
        ),
    ],
)
def test_what_is_not_in_the_list_is_a_problem(sql: str, problem: str) -> None:
    assert [each for each in statements.problems(sql, SCHEMA) if each.startswith(problem)]


def test_a_statement_of_the_list_is_no_problem() -> None:
    sql = """WITH spent AS (SELECT f.model, sum(f.cost) AS cost FROM usage f GROUP BY f.model)
        SELECT model, divide(cost, 2) AS half, "<<"(1, 2) AS four FROM spent ORDER BY half"""
    assert statements.problems(sql, SCHEMA) == []
