"""What a reader with a row access asks names tables of the store, and can name nothing else."""

from collections.abc import Iterator

import pytest
import row_access_worlds as worlds

from bridgeboard.access import RowAccess
from bridgeboard.model.store import StoreError
from bridgeboard.store import Store
from bridgeboard.store.limited_readers import EMPTY, RefusedStatementError, named_tables

TABLES = frozenset({"usage", "sessions"})


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", set()),
        ("FROM usage ORDER BY ALL", {"usage"}),
        ('SELECT * FROM "usage" u JOIN SESSIONS s USING (session)', {"usage", "sessions"}),
        ("WITH a AS MATERIALIZED (SELECT * FROM usage) SELECT a.cost FROM a", {"usage"}),
        ("SELECT (SELECT max(cost) FROM usage), 'FROM main.sessions, x' AS text", {"usage"}),
        ("SELECT 1 FROM usage WHERE model IS DISTINCT FROM client", {"usage"}),
        ("SELECT coalesce(a, b), c FROM usage GROUP BY a, b, c ORDER BY a, b", {"usage"}),
        ("SELECT * FROM usage, sessions", {*TABLES}),
        ("SELECT 1 -- FROM sessions \n FROM usage", {"usage"}),
        ("SELECT 1 /* FROM sessions */ FROM usage", {"usage"}),
        ("SELECT $$ FROM sessions $$ FROM usage", {"usage"}),
        ("SELECT E'\\' FROM sessions' FROM usage", {"usage"}),
        ("SELECT main.usage.cost FROM usage", {"usage"}),
        ("TABLE usage", {"usage"}),
        ("SELECT 1 AS distinct FROM usage", {"usage"}),
        ("SELECT 1from usage", {"usage"}),
        ("SELECT 1 FROM usage UNION ALL SELECT 2, 3 FROM (SELECT 1 FROM sessions)", {*TABLES}),
    ],
)
def test_the_tables_of_a_statement_are_those_that_the_database_reads(
    sql: str, expected: set[str]
) -> None:
    assert named_tables(sql, TABLES) == expected


REFUSED = (
    "SELECT * FROM main.usage",
    "SELECT * FROM store.main.usage",
    'SELECT * FROM "store"."main"."usage"',
    "SELECT * FROM temp.main.access_aliases",
    "SELECT * FROM access_aliases",
    "SELECT * FROM usage u, main.sessions",
    "SELECT * FROM usage JOIN main.sessions ON TRUE",
    "SELECT * FROM (SELECT * FROM usage), duckdb_tables()",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM duckdb_tables",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM (SHOW ALL TABLES)",
    "SELECT * FROM (DESCRIBE usage)",
    "SELECT model AS distinct FROM main.usage",
    "SELECT model, 1from main.usage",
    "SELECT * FROM (main.usage u CROSS JOIN sessions)",
    "SELECT * FROM (read_csv('/etc/passwd') t CROSS JOIN usage)",
    'SELECT 1 FROM (SELECT 1 AS "limit") m JOIN usage ON m.limit = 1, main.sessions',
    "SELECT * FROM (PIVOT_LONGER main.usage ON cost)",
    "SELECT * FROM (PIVOT_LONGER usage ON cost)",
    "SELECT * FROM (DESC usage)",
    "SELECT (SELECT * FROM main.usage)",
    "SELECT 1 FROM usage WHERE cost IN (FROM main.usage SELECT cost)",
    "SELECT 1 FROM usage ORDER BY (SELECT max(cost) FROM main.usage)",
    "SELECT (WITH access_aliases AS (SELECT 1) SELECT 1), * FROM access_aliases",
    "SELECT 1 FROM access_aliases WINDOW access_aliases AS (ORDER BY 1)",
    "FROM '/etc/passwd' WINDOW \"/etc/passwd\" AS (ORDER BY 1)",
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 1 FROM a) SELECT * FROM a",
    "WITH a AS (INSERT INTO usage SELECT 1) SELECT 1",
    "SELECT main.lower('x')",
    "WITH usage AS (SELECT 1) SELECT * FROM usage",
    "SELECT 1; SELECT * FROM usage",
    'SELECT * FROM U&"us\\0061ge"',
    "USE store",
    "SET VARIABLE a = 1",
    "ATTACH 'other.duckdb'",
    "COPY usage TO 'file.csv'",
    "",
)


@pytest.mark.parametrize("sql", REFUSED)
def test_what_could_name_anything_else_is_refused(sql: str) -> None:
    with pytest.raises(RefusedStatementError):
        named_tables(sql, TABLES)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with worlds.filled(tmp_path_factory.mktemp("named") / "store.duckdb") as opened:
        yield opened


@pytest.mark.parametrize(
    "row_access",
    [RowAccess.numbers(), RowAccess.of_teams(), RowAccess.of_person("x"), RowAccess.of_groups(2)],
    ids=repr,
)
def test_a_table_with_nothing_in_front_of_it_is_not_there(
    store: Store, row_access: RowAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgeboard.store.limited_readers.named_tables", lambda *_: frozenset())
    with store.snapshot(row_access) as reader, pytest.raises(Exception, match="does not exist"):
        reader._connection.execute("SELECT * FROM main.usage")
    with store.snapshot(row_access) as reader, pytest.raises(Exception, match="does not exist"):
        reader.rows("SELECT count(*) FROM usage")
    with store.snapshot(row_access) as reader:
        ((catalog,),) = reader._connection.execute("SELECT current_database()").fetchall()
        assert catalog == EMPTY


def test_a_refused_statement_is_an_error_of_the_store(store: Store) -> None:
    with (
        store.snapshot(RowAccess.numbers()) as reader,
        pytest.raises(StoreError, match="one SELECT"),
    ):
        reader.rows("SELECT * FROM duckdb_tables()")


def test_parameters_of_a_row_access_come_behind_those_of_the_statement(store: Store) -> None:
    ((team, *_), *_) = store.rows("SELECT team FROM memberships ORDER BY team LIMIT 1")
    sql = "SELECT count(*) FROM usage WHERE requests = $1 AND input >= $2"
    with store.snapshot(RowAccess.of_teams(team, "it's $1 {x}")) as reader:
        ((seen,),) = reader.rows(sql, (1, 0))
        assert reader.rows("SELECT $1 AS number, $2 AS other", (3, 4)) == [(3, 4)]
    ((every,),) = store.rows(sql, (1, 0))
    assert 0 < seen < every
