"""A ClickHouse whose answers would be wrong is refused, and one that fails says what to do."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import mirror_worlds
import pytest
from clickhouse_servers import ClickHouse, connected
from clickhouse_servers import clickhouse as serving

from bridgeboard.clickhouse import answers, start_check
from bridgeboard.clickhouse.connection import Server
from bridgeboard.clickhouse.read_connection import ReadConnection
from bridgeboard.clickhouse.settings import SETTINGS
from bridgeboard.clickhouse.spelling import Statement
from bridgeboard.clickhouse.start_check import KNOWN, check
from bridgeboard.clickhouse.store import ClickHouseStore
from bridgeboard.clickhouse.store_errors import (
    ServerAwayError,
    ServerFailedError,
    ServerRefusedError,
    ServerUnfitError,
)
from bridgeboard.model.store import StoreError

SECRET = "a-password-that-nobody-sees"
QUOTED = "what somebody typed"


def asking(client: Any, settings: dict[str, Any] | None = None) -> Any:
    """What asks a server, with other settings than were wanted."""

    def ask(sql: str, parameters: Any) -> Any:
        if settings is None:
            return answers.run(client, Statement(sql, parameters))
        result = client.query(sql, parameters=parameters, settings={**SETTINGS, **settings})
        return list(result.column_names), result.result_rows

    return ask


@pytest.mark.parametrize("sql", KNOWN)
def test_the_answers_that_are_known_are_those_of_duckdb(sql: str) -> None:
    ((answer,),) = duckdb.sql(sql).fetchall()
    assert (answer, type(answer)) == (KNOWN[sql], type(KNOWN[sql]))


def test_a_server_that_answers_as_it_has_to_is_accepted(clickhouse: ClickHouse) -> None:
    connection = ReadConnection(mirror_worlds.server(clickhouse.fresh()), check)
    with closing(connection):
        assert connection.ask("SELECT 1 AS a") == (["a"], [(1,)])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("join_use_nulls", 0),
        ("aggregate_functions_null_for_empty", 0),
        ("union_default_mode", "ALL"),
        ("session_timezone", "Asia/Kathmandu"),
        ("count_distinct_implementation", "uniq"),
        ("readonly", 0),
    ],
)
def test_a_setting_that_is_not_in_force_is_refused(
    clickhouse: ClickHouse, name: str, value: object
) -> None:
    with (
        closing(connected(clickhouse.fresh())) as client,
        pytest.raises(ServerUnfitError, match=f"has {name} = .* in force"),
    ):
        check(asking(client, {name: value}), "26.9", "there")


@pytest.mark.parametrize(
    "name", ["join_use_nulls", "aggregate_functions_null_for_empty", "union_default_mode"]
)
def test_an_answer_that_is_not_the_known_one_is_refused(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Also where a server says that it has a setting which it does not heed."""
    value = "ALL" if name == "union_default_mode" else 0
    with closing(connected(clickhouse.fresh())) as client:
        wanted = [str(one) for one in SETTINGS.values()]
        others = asking(client, {name: value})

        def ask(sql: str, parameters: Any) -> Any:
            return ([], [wanted]) if "getSetting" in sql else others(sql, parameters)

        with pytest.raises(ServerUnfitError, match="so its numbers would be wrong"):
            check(ask, "26.9", "there")
        only = {sql: KNOWN[sql] for sql in ("SELECT divide(7, 2) AS n",)}
        monkeypatch.setattr(start_check, "KNOWN", only)
        check(ask, "26.9", "there")


@pytest.mark.parametrize("version", ["26.8.9.1", "25.12", "", "unknown"])
def test_an_older_version_is_refused(version: str) -> None:
    with pytest.raises(ServerUnfitError, match="the oldest that works"):
        check(lambda *_: pytest.fail("it was asked"), version, "there")


@contextmanager
def answering(code: int, *, status: int = 500) -> Iterator[Server]:
    """A server of which every answer is an error."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = f"Code: {code}. DB::Exception: {QUOTED}. (SOME_NAME)".encode()
            self.send_response(status)
            self.send_header("X-ClickHouse-Exception-Code", str(code))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            hosts = [("127.0.0.1", server.server_address[1])]
            yield Server(hosts, "w", "somebody", SECRET, is_secure=False)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (516, ServerRefusedError, "refuses the user or the password"),
        (192, ServerRefusedError, "does not know the user"),
        (497, ServerRefusedError, "may not read there"),
        (164, ServerUnfitError, "readonly = 2"),
        (81, ServerFailedError, "no such database"),
        (159, ServerFailedError, "took too long"),
        (241, ServerFailedError, "short of memory"),
        (62, ServerFailedError, "The log of the server says more"),
    ],
)
def test_what_a_server_says_becomes_what_to_do(
    tmp_path: Path, code: int, kind: type[StoreError], words: str
) -> None:
    with (
        answering(code, status=403 if code == 516 else 500) as server,
        closing(ClickHouseStore(ReadConnection(server, check), tmp_path)) as store,
        pytest.raises(kind, match=words) as error,
    ):
        _ = store.version
    shown = repr((error.value, error.value.__cause__, str(error.value)))
    assert SECRET not in shown
    assert QUOTED not in shown
    assert error.value.__suppress_context__


def test_a_server_that_ends_is_away_and_another_that_takes_its_place_is_asked(
    clickhouse: ClickHouse, tmp_path: Path
) -> None:
    url = clickhouse.fresh()
    with serving(tmp_path / "another") as other:
        hosts = [
            *mirror_worlds.server(f"{other.address}/x").hosts,
            *mirror_worlds.server(url).hosts,
        ]
        name = url.rpartition("/")[2]
        other.execute(f"CREATE DATABASE {name}")
        connection = ReadConnection(Server(hosts, name, is_secure=False), check)
        assert connection.ask("SELECT 1 AS a")[1] == [(1,)]
        first = connection.where
    with closing(connection):
        with pytest.raises(ServerAwayError, match="does not answer"):
            connection.ask("SELECT 1 AS a")
        assert connection.ask("SELECT 2 AS a")[1] == [(2,)]
        assert connection.where != first
        assert connection.host_number == 2
