"""On ClickHouse every reader sees what they see on DuckDB: the same rows, names and numbers."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import mirror_worlds
import pytest
import row_access_worlds as worlds
from clickhouse_servers import ClickHouse
from slow_cases import one_fast
from test_row_access import ALL, HIDDEN, ROW_ACCESS

from bridgeboard.access import RowAccess
from bridgeboard.clickhouse.contents import NOT_MIRRORED
from bridgeboard.clickhouse.read_connection import ReadConnection
from bridgeboard.clickhouse.store import ClickHouseStore
from bridgeboard.model.answer import Answer
from bridgeboard.store import Store
from bridgeboard.store.limited_readers import RefusedStatementError
from bridgeboard.store.row_relations import DECIDED

KINDS = {
    **ROW_ACCESS,
    **{
        f"{name} by other names": RowAccess(one.has_text, one.teams, one.person, one.floor, HIDDEN)
        for name, one in ROW_ACCESS.items()
    },
    "groups": RowAccess.of_groups(2),
    "larger groups": RowAccess.of_groups(5),
}
"""Every kind of reader."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with worlds.filled(tmp_path_factory.mktemp("whole") / "store.duckdb") as opened:
        for floor in (2, 5):
            with opened.snapshot(RowAccess.of_groups(floor)):
                pass  # sums of groups are made by the process that syncs
        yield opened


@pytest.fixture(scope="module")
def mirrored(
    whole: Store, clickhouse: ClickHouse, tmp_path_factory: Any
) -> Iterator[ClickHouseStore]:
    url = clickhouse.fresh()
    with closing(mirror_worlds.mirror(url)) as mirror:
        mirror_worlds.run(whole, mirror)
    connection = ReadConnection(mirror_worlds.server(url))
    with closing(ClickHouseStore(connection, tmp_path_factory.mktemp("data"))) as store:
        yield store


@pytest.mark.parametrize("name", KINDS)
def test_every_table_holds_what_it_holds_on_duckdb(
    whole: Store, mirrored: ClickHouseStore, name: str
) -> None:
    with whole.snapshot(KINDS[name]) as own, mirrored.snapshot(KINDS[name]) as seen:
        assert set(seen.tables()) == set(own.tables()) - NOT_MIRRORED
        columns = mirrored.state().columns
        for table in seen.tables():
            if DECIDED[table].owner == "groups":
                continue  # only DuckDB's reader of everything, who has nothing in front, sees them
            asked = f"SELECT {', '.join(f't.{each}' for each in columns[table])} FROM {table} t"
            assert sorted(seen.rows(asked), key=repr) == sorted(own.rows(asked), key=repr), table


@pytest.mark.slow
@pytest.mark.parametrize("name", one_fast(KINDS, fast="team by other names"))
def test_every_question_is_answered_as_on_duckdb(
    whole: Store, mirrored: ClickHouseStore, name: str
) -> None:
    with whole.snapshot(KINDS[name]) as own, mirrored.snapshot(KINDS[name]) as seen:
        found = dict(worlds.asked(seen, ALL, worlds.NOW))
        expected = dict(worlds.asked(own, ALL, worlds.NOW))
    assert found.keys() == expected.keys()
    wrong = [name for name, one in expected.items() if rounded(found[name]) != rounded(one)]
    assert wrong == []


def rounded(answer: Any) -> Any:
    """An answer without the last digits of fractions and the names of columns, which engines give.

    Medians are worked out in another order there.
    """
    if isinstance(answer, Answer):
        return len(answer.columns), rounded(answer.rows)
    if isinstance(answer, list | tuple):
        return tuple(rounded(one) for one in answer)
    return float(f"{answer:.11g}") if isinstance(answer, float) else answer


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT count(*) FROM mirrored_usage", "mirrored_"),
        ("WITH mirrored_x AS (SELECT 1 AS a) SELECT a FROM mirrored_x", "mirrored_"),
        ("SELECT count(*) FROM live", "live is no table"),
        ("SELECT count(*) FROM windows", "windows is no table"),
        ("SELECT count(*) FROM system.users", "in a schema"),
        ("SELECT count(*) FROM url('http://127.0.0.1')", "not a SELECT of tables"),
        ("SELECT 1 AS a; DROP TABLE usage", "Only SELECT"),
        ("DROP TABLE usage", "Only SELECT"),
    ],
)
@pytest.mark.parametrize("name", ["everything", "team"])
def test_a_statement_that_names_anything_but_tables_of_the_store_is_refused(
    mirrored: ClickHouseStore, name: str, sql: str, why: str
) -> None:
    with (
        pytest.raises(RefusedStatementError, match=re.escape(why)),
        mirrored.snapshot(KINDS[name]) as seen,
    ):
        seen.rows(sql)


def test_what_is_not_decided_is_empty_for_everybody(
    whole: Store, clickhouse: ClickHouse, tmp_path: Path
) -> None:
    url = clickhouse.fresh()
    with closing(mirror_worlds.mirror(url)) as mirror:
        mirror_worlds.run(whole, mirror)
    clickhouse.execute("ALTER TABLE usage ADD COLUMN remark String DEFAULT 'told'", url)
    clickhouse.execute("CREATE TABLE secrets (told String, block UInt64) ORDER BY block", url)
    connection = ReadConnection(mirror_worlds.server(url))
    with closing(ClickHouseStore(connection, tmp_path)) as store, store.snapshot() as seen:
        assert seen.rows("SELECT count(remark) AS n, count(*) AS m FROM usage")[0][0] == 0
        with pytest.raises(RefusedStatementError):
            seen.rows("SELECT told FROM secrets")


def test_names_are_others_everywhere(whole: Store, mirrored: ClickHouseStore) -> None:
    names = {name for (name,) in whole.rows("SELECT username FROM initiators")}
    ids = {str(id_) for (id_,) in whole.rows("SELECT id FROM initiators")}
    with mirrored.snapshot(RowAccess(pseudonyms=HIDDEN)) as seen:
        columns = mirrored.state().columns
        everything = repr(
            [
                seen.rows(
                    f"SELECT {', '.join(f't.{each}' for each in columns[table])} FROM {table} t"
                )
                for table in seen.tables()
            ]
        )
        assert seen.rows("SELECT count(*) FROM initiators") == [(len(ids),)]
    assert [id_ for id_ in ids if id_ in everything] == []
    assert [name for name in names if f"'{name}'" in everything] == []
