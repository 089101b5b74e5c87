"""A mirrored store is read in whole states, and says what is wrong when it cannot be."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import mirror_worlds
import pytest
import row_access_worlds as worlds
from clickhouse_servers import ClickHouse

from bridgeboard.access import EVERYTHING, RowAccess
from bridgeboard.analysis.runner import AnswerCache, Runner
from bridgeboard.clickhouse import store as clickhouse_store
from bridgeboard.clickhouse.connection import Server
from bridgeboard.clickhouse.mirror import Mirror
from bridgeboard.clickhouse.read_connection import ReadConnection
from bridgeboard.clickhouse.store import ClickHouseStore
from bridgeboard.clickhouse.store_errors import (
    MirrorUnreadableError,
    ServerAwayError,
    ServerFailedError,
)
from bridgeboard.model.store import MovedError
from bridgeboard.queries.metric_query import Query
from bridgeboard.store.file_location import location

COUNT = "SELECT count(*) AS n FROM usage"
ADDED = "UPDATE usage SET usage = usage + 1000000 WHERE usage = (SELECT max(usage) FROM usage)"


class Mirrored:
    """A store, its mirror, and a dashboard that reads that, which asks each time anew."""

    def __init__(self, url: str, folder: Path, stack: ExitStack) -> None:
        self.url = url
        self.own = stack.enter_context(worlds.filled(folder / "own.duckdb"))
        self.mirror: Mirror = stack.enter_context(closing(mirror_worlds.mirror(url)))
        connection = ReadConnection(mirror_worlds.server(url))
        self.seen = stack.enter_context(closing(ClickHouseStore(connection, folder)))

    def run(self) -> None:
        mirror_worlds.run(self.own, self.mirror)

    def write(self, sql: str) -> None:
        with self.own.write() as batch:
            batch.execute(sql)


@pytest.fixture
def mirrored(
    clickhouse: ClickHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Mirrored]:
    monkeypatch.setattr(clickhouse_store, "KEPT_SECONDS", 0.0)
    with ExitStack() as stack:
        made = Mirrored(clickhouse.fresh(), tmp_path, stack)
        made.run()
        yield made


def test_a_reader_stays_in_one_state_whatever_is_mirrored_meanwhile(mirrored: Mirrored) -> None:
    before = mirrored.own.rows(COUNT)
    with mirrored.seen.snapshot(RowAccess.numbers()) as reader:
        assert reader.rows(COUNT) == before
        mirrored.write("DELETE FROM usage WHERE usage % 2 = 0")
        mirrored.run()
        assert reader.rows(COUNT) == before
        assert reader.version < mirrored.seen.version == mirrored.own.version
    with mirrored.seen.snapshot() as reader:
        assert reader.rows(COUNT) == mirrored.own.rows(COUNT) != before


def test_the_version_is_that_of_the_store_and_its_name_that_of_its_file(
    mirrored: Mirrored, tmp_path: Path
) -> None:
    with mirrored.own.write() as batch:
        batch.set_meta("deployment_id", "a deployment")
    mirrored.run()
    assert mirrored.seen.version == mirrored.own.version
    assert mirrored.seen.path == location(tmp_path, "a deployment")
    assert mirrored.seen.meta("deployment_id") == "a deployment"
    assert mirrored.seen.meta("nothing") is None


def test_rows_that_were_deleted_meanwhile_end_a_reading_instead_of_missing(
    mirrored: Mirrored,
) -> None:
    def read() -> None:
        with mirrored.seen.snapshot() as reader:
            mirrored.write("DELETE FROM usage WHERE usage % 2 = 0")
            mirrored.run()
            mirrored.mirror.collect(timedelta(0))
            reader.rows(COUNT)

    with pytest.raises(MovedError):
        read()


def test_a_question_is_asked_again_when_its_state_is_gone(mirrored: Mirrored) -> None:
    runner = Runner(mirrored.seen, EVERYTHING, AnswerCache(10))
    asked = []

    def ask(reader: object) -> list[tuple[int, ...]]:
        asked.append(reader)
        if len(asked) == 1:
            mirrored.write("DELETE FROM usage WHERE usage % 2 = 0")
            mirrored.run()
            mirrored.mirror.collect(timedelta(0))
        rows: list[tuple[int, ...]] = reader.rows(COUNT)  # type: ignore[attr-defined]  # a reader
        return rows

    assert runner.read(ask) == mirrored.own.rows(COUNT)
    assert len(asked) == 2
    assert list(runner.ask(Query(COUNT, (), ())).rows) == mirrored.own.rows(COUNT)


def test_batches_of_a_restored_store_are_no_answers_of_the_one_before(mirrored: Mirrored) -> None:
    runner = Runner(mirrored.seen, EVERYTHING, AnswerCache(10))
    mirrored.write(ADDED)
    mirrored.run()
    before = runner.state()
    with mirrored.own.write() as batch:
        batch.keep_meta("data_version", str(mirrored.own.version - 1))
    mirrored.run()
    assert runner.state()[1] == before[1] - 1
    with mirrored.own.write() as batch:
        batch.keep_meta("data_version", str(before[1]))
    mirrored.run()
    assert runner.state()[1] == before[1]
    assert runner.state() != before


def test_a_database_that_nothing_was_mirrored_to_says_so(
    clickhouse: ClickHouse, tmp_path: Path
) -> None:
    url = clickhouse.fresh()
    with closing(ClickHouseStore(ReadConnection(mirror_worlds.server(url)), tmp_path)) as seen:
        with pytest.raises(MirrorUnreadableError, match="Nothing has been mirrored"):
            _ = seen.version
        clickhouse.execute("CREATE TABLE live (a UInt8) ORDER BY a", url)
        with pytest.raises(ServerFailedError, match="code 47"):
            _ = seen.version


def test_a_mirror_of_an_earlier_version_is_not_read(
    mirrored: Mirrored, clickhouse: ClickHouse
) -> None:
    clickhouse.execute("ALTER TABLE families DROP COLUMN family", mirrored.url)
    mirrored.write(ADDED)
    mirrored.mirror.collect(timedelta(0))
    connection = ReadConnection(mirror_worlds.server(mirrored.url))
    with (
        closing(ClickHouseStore(connection, Path())) as seen,
        pytest.raises(MirrorUnreadableError, match=r"no families\.family"),
    ):
        _ = seen.version


def test_the_next_host_is_asked_where_one_does_not_answer(
    mirrored: Mirrored, tmp_path: Path
) -> None:
    parts = urlsplit(mirrored.url)
    hosts = [("127.0.0.1", 9), (parts.hostname or "", parts.port or 0)]
    server = Server(hosts, parts.path.strip("/"), password="hidden-word", is_secure=False)
    with closing(ClickHouseStore(ReadConnection(server), tmp_path)) as seen:
        assert seen.rows(COUNT) == mirrored.own.rows(COUNT)
    gone = Server(hosts[:1], "w", password="hidden-word", is_secure=False)
    with (
        closing(ClickHouseStore(ReadConnection(gone), tmp_path)) as seen,
        pytest.raises(ServerAwayError, match=r"127\.0\.0\.1:9/w does not answer") as error,
    ):
        _ = seen.version
    assert "hidden-word" not in repr((error.value, error.value.__context__, gone))


def test_frames_and_tables_have_the_rows(mirrored: Mirrored) -> None:
    sql = "SELECT u.usage AS usage, u.model AS model FROM usage u ORDER BY 1"
    with mirrored.seen.snapshot() as seen, mirrored.own.snapshot() as own:
        assert seen.table(sql).to_pylist() == own.table(sql).to_pylist() != []
        assert seen.frame(sql).to_dict("records") == own.frame(sql).to_dict("records")
        nothing = "SELECT u.usage AS usage FROM usage u WHERE FALSE"
        assert seen.table(nothing).column_names == ["usage"]
        assert list(seen.frame(nothing)) == ["usage"]
