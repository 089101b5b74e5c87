"""What the real client of ClickHouse is answered by the server of the tests."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import clickhouse_servers
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_servers import HOSTILE, ClickHouse, connected
from identity_services import RIGS

EARLY = datetime(1969, 7, 20)  # noqa: DTZ001 - the client's times have no zone
LATE = datetime(2299, 1, 1, 1, 1, 1, 1)  # noqa: DTZ001 - likewise
ROWS: list[tuple[Any, ...]] = [
    (2**63 - 1, 2**127 - 1, UUID(int=1), ["a", "é"], None, EARLY),
    (-(2**63), -(2**127), UUID(int=2**128 - 1), [], "x", LATE),
]
"""A row for each end of what types hold."""
COLUMNS = "a Int64, b Int128, c UUID, d Array(LowCardinality(String)), e Nullable(String)"
TABLE = f"CREATE TABLE t ({COLUMNS}, f DateTime64(6, 'UTC')) ENGINE = MergeTree ORDER BY a"


@pytest.fixture(scope="module")
def url(clickhouse: ClickHouse) -> str:
    return clickhouse.fresh()


@pytest.fixture(scope="module")
def client(url: str) -> Iterator[Any]:
    client = connected(url)
    client.command(TABLE)
    client.insert("t", ROWS)
    yield client
    client.close()


def test_it_answers(client: Any) -> None:
    assert client.ping()
    assert client.command("SELECT 1 + 1") == 2
    assert client.command("SELECT timezone()") in {"UTC", "Etc/UTC"}


def test_rows_come_back_as_they_were_inserted(client: Any) -> None:
    assert sorted(client.query("SELECT * FROM t").result_rows) == sorted(ROWS)
    frame = client.query_df("SELECT a, b FROM t ORDER BY a")
    assert frame["b"].tolist() == [-(2**127), 2**127 - 1]
    assert client.query_arrow("SELECT a FROM t ORDER BY a")["a"].to_pylist() == [
        -(2**63),
        2**63 - 1,
    ]
    with client.query_rows_stream("SELECT a FROM t ORDER BY a") as stream:
        assert [*stream] == [(-(2**63),), (2**63 - 1,)]


@pytest.mark.parametrize("compress", [False, "gzip", "lz4", "zstd"])
def test_rows_may_come_compressed(url: str, client: Any, compress: Any) -> None:
    client.command("CREATE TABLE packed (n UInt64, s String) ENGINE = Memory")
    other = connected(url, compress=compress)
    other.insert("packed", [(n, "x" * n) for n in range(1000)])
    assert client.query("SELECT count(), sum(n), sum(length(s)) FROM packed").result_rows == [
        (1000, 499_500, 499_500)
    ]
    other.close()
    client.command("DROP TABLE packed")


def test_an_arrow_table_can_be_inserted(client: Any) -> None:
    client.command("CREATE TABLE of_arrow (a Int64, s Nullable(String)) ENGINE = Memory")
    client.insert_arrow("of_arrow", pa.table({"a": [1, 2], "s": ["x\n'", None]}))
    assert client.query("SELECT * FROM of_arrow ORDER BY a").result_rows == [(1, "x\n'"), (2, None)]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_parameter_is_what_was_given(client: Any, text: str) -> None:
    sql = "SELECT {p1:String}, {p2:Array(String)}, {p3:Nullable(String)}"
    parameters = {"p1": text, "p2": [text, ""], "p3": None}
    assert client.query(sql, parameters).result_rows == [(text, [text, ""], None)]


def test_settings_hold_for_their_statement_alone(client: Any) -> None:
    sql = "SELECT sum(number) FROM numbers(0)"
    settings = {"aggregate_functions_null_for_empty": 1}
    assert client.query(sql, settings=settings).result_rows == [(None,)]
    assert client.query(sql).result_rows == [(0,)]


def test_who_may_only_read_cannot_write(client: Any) -> None:
    with pytest.raises(DatabaseError) as raised:
        client.command("DROP TABLE t", settings={"readonly": 2})
    assert raised.value.code == 164


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT * FROM nowhere", 60),
        ("SELEKT", 62),
        ("SELECT throwIf(number = 9e4) FROM numbers(1e5)", 395),
    ],
)
def test_an_error_has_its_code(client: Any, sql: str, code: int) -> None:
    with pytest.raises(DatabaseError) as raised:
        client.query(sql)
    assert raised.value.code == code


def test_a_session_is_refused_where_there_are_none(url: str) -> None:
    with pytest.raises(DatabaseError, match="No sessions"):
        connected(url, autogenerate_session_id=True).query("SELECT 1")


@pytest.mark.usefixtures("client")
def test_several_clients_are_answered_at_once(url: str) -> None:
    def ask(number: int) -> int:
        own = connected(url)
        try:
            return int(own.command("SELECT {n:UInt32} + count() FROM t", {"n": number}))
        finally:
            own.close()

    with ThreadPoolExecutor(4) as pool:
        assert [*pool.map(ask, range(40))] == [number + 2 for number in range(40)]


@pytest.mark.usefixtures("client")
def test_a_fresh_database_has_no_tables(clickhouse: ClickHouse) -> None:
    other = connected(clickhouse.fresh())
    assert other.query("SHOW TABLES").result_rows == []
    other.close()


def test_the_server_of_the_tests_ends_with_them(tmp_path: Any) -> None:
    pytest.importorskip("chdb")
    command = [sys.executable, RIGS / "clickhouse_server.py", tmp_path / "tables"]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdin
        assert int(process.stdout.readline()) > 0
        process.stdin.close()
        assert process.wait(20) == 0


def test_a_lack_of_the_engine_is_a_failure_in_ci_alone(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLICKHOUSE_TEST_URL", raising=False)
    monkeypatch.setattr("clickhouse_servers.find_spec", lambda _: None)
    monkeypatch.setenv("CI", "true")
    with (
        pytest.raises(pytest.fail.Exception, match="chdb"),
        clickhouse_servers.clickhouse(tmp_path),
    ):
        pass
    monkeypatch.delenv("CI")
    with (
        pytest.raises(pytest.skip.Exception, match="chdb"),
        clickhouse_servers.clickhouse(tmp_path),
    ):
        pass


def test_a_server_that_is_named_is_used_and_left_as_it_was(
    clickhouse: ClickHouse, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = connected(clickhouse.address)
    before = {name for (name,) in other.query("SHOW DATABASES").result_rows}
    other.command("CREATE DATABASE IF NOT EXISTS not_ours")
    monkeypatch.setenv("CLICKHOUSE_TEST_URL", f"{clickhouse.address}/")
    monkeypatch.setattr(ClickHouse, "prefix", "bridgeboard_test_named_")
    with clickhouse_servers.clickhouse(tmp_path) as named:
        named.execute("CREATE TABLE t (a Int8) ENGINE = Memory", named.fresh())
        assert len(other.query("SHOW DATABASES").result_rows) == len(before) + 2
    after = {name for (name,) in other.query("SHOW DATABASES").result_rows}
    assert after == before | {"not_ours"}
    other.command("DROP DATABASE not_ours")
    other.close()
