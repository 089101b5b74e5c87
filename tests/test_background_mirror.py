"""The mirror beside the sync: tried again, in words that say what to do, and stopped when told."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import mirror_worlds
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError
from clickhouse_servers import ClickHouse
from mirror_worlds import NOW, server, stored

from bridgeboard.clickhouse import connection as connections
from bridgeboard.clickhouse import errors
from bridgeboard.clickhouse.connection import Connection, Server, connected
from bridgeboard.clickhouse.errors import MirrorError, MirrorTakenError, ServerError, explained
from bridgeboard.clickhouse.mirror import Done, Mirror, StoppedError
from bridgeboard.runtime import background_mirror
from bridgeboard.runtime.background_mirror import BackgroundMirror, mirrored, seen
from bridgeboard.state.sync_nodes import LeaseLostError
from bridgeboard.store import Store

TO = Server([("127.0.0.1", 9)], "db", password="s3cret", is_secure=False)
PROMPT = "what somebody typed"


class Scripted:
    """A mirror whose runs end as they are told."""

    def __init__(self, *outcomes: Exception | Done) -> None:
        self.outcomes = [*outcomes]
        self.runs = 0
        self.has_run = threading.Event()
        self.is_closed = False

    def run(self, _reader: object, _now: object) -> Done:
        self.runs += 1
        outcome = self.outcomes.pop(0)
        self.has_run.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        self.is_closed = True


def beside(mirror: Any, **options: Any) -> BackgroundMirror:
    return BackgroundMirror(TO, lambda: NOW, connect=lambda _: mirror, **options)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store.duckdb", threads=1) as store:
        yield store


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch, store: Store) -> Store:
    """A store, where rounds are run by the test alone."""
    monkeypatch.setattr(threading.Thread, "start", lambda _: None)
    return store


def test_a_failure_is_told_and_tried_again_later_each_time(quiet: Store) -> None:
    away = ServerError("one:8443/db", None, None)
    mirror = Scripted(*[away] * 8, Done(7, 3, 20), Done(8, 1, 5), away)
    keeper = beside(mirror)
    assert keeper.round() == background_mirror.COLLECT_SECONDS
    keeper.mirror(quiet)
    assert [keeper.round() for _ in range(8)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert keeper.status.problem == (
        "ClickHouse at one:8443/db: It does not answer. Look whether it runs, and whether mirror"
        " names it rightly."
    )
    assert keeper.status.at is None
    keeper.round()
    keeper.round()
    assert (keeper.status.at, keeper.status.version, keeper.status.rows) == (NOW, 8, 25)
    assert keeper.status.problem is None
    assert keeper.round() == 5
    assert (keeper.status.version, keeper.status.problem is None) == (8, False)


def test_what_nobody_foresaw_is_not_quoted(quiet: Store) -> None:
    keeper = beside(Scripted(ValueError(PROMPT)))
    keeper.mirror(quiet)
    keeper.round()
    assert PROMPT not in str(keeper.status.problem)
    assert "by a fault of this program (ValueError)" in str(keeper.status.problem)


def test_it_leaves_the_database_to_who_took_it(quiet: Store) -> None:
    keeper = beside(Scripted(MirrorTakenError("Another process")))
    keeper.mirror(quiet)
    assert keeper.round() == background_mirror.TAKEN_SECONDS


def test_without_the_lease_nothing_is_mirrored(quiet: Store) -> None:
    def may() -> None:
        raise LeaseLostError("Another process syncs.")

    mirror = Scripted()
    keeper = beside(mirror, may=may)
    keeper.mirror(quiet)
    assert keeper.round() == 5
    assert mirror.runs == 0
    assert keeper.status.problem == "Another process syncs."


def test_the_file_is_not_exchanged_while_it_is_read(quiet: Store) -> None:
    held: list[bool] = []

    class Looking(Scripted):
        def run(self, _reader: object, _now: object) -> Done:
            held.append(keeper.reading.locked())
            return Done(1)

    keeper = beside(Looking())
    keeper.mirror(quiet)
    keeper.round()
    assert held == [True]
    assert not keeper.reading.locked()


def test_it_stops_in_the_middle(store: Store) -> None:
    class Waiting(Scripted):
        def run(self, _reader: object, _now: object) -> Done:
            self.has_run.set()
            assert keeper._stopping.wait(20)
            raise StoppedError

    mirror = Waiting()
    keeper = beside(mirror)
    keeper.mirror(store)
    assert mirror.has_run.wait(20)
    assert keeper.stop(20)
    assert mirror.is_closed
    assert keeper.status.problem is None


def test_each_sync_is_mirrored(store: Store, clickhouse: ClickHouse) -> None:
    url = clickhouse.fresh()
    rounds = threading.Semaphore(0)

    class Counting(Mirror):
        def run(self, *args: Any, **options: Any) -> Done:
            try:
                return super().run(*args, **options)
            finally:
                rounds.release()

    keeper = BackgroundMirror(
        server(url), lambda: NOW, connect=lambda to: Counting(lambda: connected(to))
    )
    for reader in mirror_worlds.reading(url):
        for number in range(2):
            with store.write() as batch:
                batch.execute("INSERT INTO families VALUES ($1, 'x')", [str(number)])
            keeper.mirror(store)
            assert rounds.acquire(timeout=60)
            assert reader.rows() == stored(store)
    assert keeper.stop(20)
    assert keeper.status.problem is None


def test_once_by_hand(store: Store, clickhouse: ClickHouse) -> None:
    url = clickhouse.fresh()
    to = server(url)
    where, seconds = seen(to)
    assert where == f"{to.hosts[0][0]}:{to.hosts[0][1]}/{to.database}"
    assert seconds is None
    with store.write() as batch:
        batch.execute("INSERT INTO families VALUES ('a', 'x')")
    assert mirrored(store, to, NOW).version == 1
    age = seen(to)[1]
    assert age is not None
    assert timedelta(0) <= timedelta(seconds=age) < timedelta(minutes=5)
    for reader in mirror_worlds.reading(url):
        assert reader.rows() == stored(store)


def test_the_next_host_is_asked_where_one_is_away(clickhouse: ClickHouse) -> None:
    to = server(clickhouse.fresh())
    with socket.create_server(("127.0.0.1", 0)) as free:
        gone = free.getsockname()[1]
    both = Server([("127.0.0.1", gone), *to.hosts], to.database, to.user, is_secure=False)
    connection = connected(both)
    assert connection.where == f"{to.hosts[0][0]}:{to.hosts[0][1]}/{to.database}"
    assert connection.rows("SELECT 1") == [(1,)]
    connection.close()
    with pytest.raises(MirrorError, match="It does not answer"):
        connected(Server([("127.0.0.1", gone)], "db", is_secure=False))


def test_a_database_that_is_not_there_is_told(clickhouse: ClickHouse) -> None:
    to = server(clickhouse.fresh())
    with pytest.raises(MirrorError, match="there is no such database"):
        connected(Server(to.hosts, "nowhere", to.user, is_secure=to.is_secure))


def test_an_older_server_is_refused(
    clickhouse: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "OLDEST", (99, 1))
    with pytest.raises(MirrorError, match=r"and 99\.1 is the oldest that works: upgrade it"):
        connected(server(clickhouse.fresh()))


@pytest.mark.parametrize("code", [*errors._ADVICE, 999])
def test_a_server_that_refuses_is_explained_and_never_quoted(code: int) -> None:
    with pytest.raises(ServerError) as caught, explained("one:1/db"):
        raise DatabaseError(f"Cannot parse '{PROMPT}'", code=code, name="SOME_NAME")
    assert caught.value.code == code
    assert PROMPT not in str(caught.value)
    assert f"(code {code}, SOME_NAME)" in str(caught.value)


@pytest.mark.parametrize("error", [OperationalError(PROMPT), ConnectionResetError(PROMPT)])
def test_a_server_that_is_away_is_told_as_such(error: Exception) -> None:
    with pytest.raises(ServerError, match="It does not answer") as caught, explained("one:1/db"):
        raise error
    assert caught.value.code is None
    assert PROMPT not in str(caught.value)


class Client:
    """What a connection asks of a client."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.settings: list[dict[str, Any]] = []

    def query(self, _sql: str, **options: Any) -> Any:
        self.settings.append(options["settings"])
        return type("Answer", (), {"result_rows": [(self.engine,)]})


@pytest.mark.parametrize(
    ("kind", "engine", "quorum"),
    [("Atomic", "MergeTree", None), ("Replicated", "ReplicatedMergeTree", "auto")],
)
def test_replicas_are_waited_for_where_there_are_some(
    kind: str, engine: str, quorum: str | None
) -> None:
    client = Client(kind)
    connection = Connection(client, "here")  # type: ignore[arg-type]  # as far as it is asked
    assert connection.engine == engine
    connection.rows("SELECT 1")
    assert client.settings[-1].get("insert_quorum") == quorum
    assert client.settings[-1]["async_insert"] == 0
