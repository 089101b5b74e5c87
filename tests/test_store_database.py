"""The file: who may open it, what a batch is, what a reader sees."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from stores import fresh

from bridgeboard.model.store import StoreError
from bridgeboard.store import (
    Store,
    StoreBusyError,
    StoreDamagedError,
    StoreLocationError,
    StoreTooNewError,
    database,
    location,
)
from bridgeboard.store.schema import MIGRATIONS

PERSON = "INSERT INTO initiators VALUES (?, ?, 'ada', '', NULL)"
HOLD = """
import sys
from pathlib import Path
from bridgeboard.store import Store
with Store.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


def test_opening_makes_missing_folders_and_a_file_for_this_account_only(tmp_path: Path) -> None:
    path = tmp_path / "some" / "where" / "store.duckdb"
    with Store.open(path) as store:
        assert store.path == path
        assert path.stat().st_mode & 0o777 == 0o600
    assert {part.stat().st_mode & 0o777 for part in (path.parent, path.parent.parent)} == {0o700}


def test_what_was_written_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        batch.set_meta("url", "https://coder.example.com")
        batch.set_meta("url", "https://other.example.com")
    assert not (tmp_path / "store.duckdb.wal").exists()
    with fresh(tmp_path) as store:
        assert store.meta("url") == "https://other.example.com"
        assert store.meta("nothing") is None
        assert store.version == 1


def test_a_closed_store_says_so_and_may_be_closed_again(tmp_path: Path) -> None:
    store = fresh(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        store.rows("SELECT 1")
    with pytest.raises(StoreError, match="was closed"), store.write():
        pass


def test_a_store_is_closed_while_questions_are_answered(tmp_path: Path) -> None:
    store, answered = fresh(tmp_path), threading.Semaphore(0)

    def ask() -> str:
        try:
            while True:
                store.rows("SELECT count(*) FROM range(3000000) t(i) WHERE i % 7 = 3")
                answered.release()
        except StoreError as error:
            return str(error)

    with ThreadPoolExecutor(3) as readers:
        endings = [readers.submit(ask) for _ in range(3)]
        for _ in endings:
            answered.acquire()
        store.close()
        assert all("was closed" in ending.result() for ending in endings)
    with fresh(tmp_path) as again:
        assert again.rows("SELECT 1") == [(1,)]


class Lost(Exception):  # noqa: N818  # whatever a caller may raise
    """What a batch's block raises here."""


def _lose(store: Store) -> None:
    """Begin a batch, take a key in it, and give it up."""
    with store.write() as batch:
        batch.set_meta("half", "yes")
        batch.take_keys("initiators", 1)
        raise Lost


def _fail(store: Store) -> None:
    """Begin a batch that a wrong statement ends."""
    with store.write() as batch, batch.registered(told=pa.table({"a": [1]})):
        batch.set_meta("half", "yes")
        batch.execute("SELECT nothing FROM told")


def test_a_failed_block_undoes_its_batch_and_the_next_one_works(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        with pytest.raises(Lost):
            _lose(store)
        assert (store.meta("half"), store.version) == (None, 0)
        with store.write() as batch:
            batch.set_meta("whole", "yes")
        assert (store.meta("whole"), store.version) == ("yes", 1)


def test_a_failed_statement_undoes_its_batch_and_frees_the_names_it_used(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        with pytest.raises(duckdb.BinderException):
            _fail(store)
        assert (store.meta("half"), store.version) == (None, 0)
        with store.write() as batch, batch.registered(told=pa.table({"a": [2]})):
            assert batch.rows("SELECT * FROM told") == [(2,)]
        with pytest.raises(duckdb.CatalogException), store.write() as batch:
            batch.rows("SELECT * FROM told")


def test_python_variables_are_no_tables(tmp_path: Path) -> None:
    told = pa.table({"a": [1]})
    with fresh(tmp_path) as store, pytest.raises(duckdb.CatalogException):
        store.rows("SELECT * FROM told")
    assert told.num_rows == 1


def test_answers_come_as_frame_table_and_rows(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        query = "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t(n, name) WHERE n >= ?"
        assert store.rows(query, [2]) == [(2, "b")]
        assert store.table(query, [1]).to_pydict() == {"n": [1, 2], "name": ["a", "b"]}
        assert store.frame(query, [1])["name"].tolist() == ["a", "b"]


def test_a_snapshot_answers_all_questions_from_one_state(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.snapshot() as reader:
        with store.write() as batch:
            batch.set_meta("new", "yes")
        assert (reader.meta("new"), reader.version) == (None, 0)
        assert (store.meta("new"), store.version) == ("yes", 1)


def test_a_snapshot_cannot_write(tmp_path: Path) -> None:
    wrong = pytest.raises(duckdb.TransactionException)
    with fresh(tmp_path) as store, store.snapshot() as reader, wrong:
        reader.rows("INSERT INTO meta VALUES ('a', 'b')")
    with fresh(tmp_path) as store:
        assert store.meta("a") is None


def test_a_batch_reads_what_it_wrote_and_nobody_else_does(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        batch.set_meta("new", "yes")
        assert batch.meta("new") == "yes"
        assert store.meta("new") is None


def test_batches_of_several_threads_come_one_after_the_other(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:

        def count() -> None:
            with store.write() as batch:
                batch.set_meta("count", str(int(batch.meta("count") or 0) + 1))

        with ThreadPoolExecutor(8) as pool:
            for done in [pool.submit(count) for _ in range(40)]:
                done.result()
        assert (store.meta("count"), store.version) == ("40", 40)


def test_keys_are_free_ascending_and_never_given_twice(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        with store.write() as batch:
            assert list(batch.take_keys("initiators", 2)) == [1, 2]
            assert list(batch.take_keys("sessions", 1)) == [1]
            batch.execute(PERSON, [2, "00000000-0000-4000-8000-000000000001"])
        with pytest.raises(Lost):
            _lose(store)
        with store.write() as batch:
            assert list(batch.take_keys("initiators", 1)) == [4]
    with fresh(tmp_path) as store, store.write() as batch:
        assert list(batch.take_keys("initiators", 1)) == [3]


def test_nothing_is_fetched_from_the_network_and_times_are_utc(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        names = ("autoinstall_known_extensions", "autoload_known_extensions", "TimeZone")
        settings = [store.rows(f"SELECT current_setting('{name}')")[0][0] for name in names]
        assert settings == [False, False, "UTC"]


def test_memory_and_threads_are_limited_as_asked(tmp_path: Path) -> None:
    with Store.open(tmp_path / "small.duckdb", memory_mb=300, threads=1) as store:
        query = "SELECT current_setting('memory_limit'), current_setting('threads')"
        assert store.rows(query) == [("286.1 MiB", 1)]


def test_a_store_is_opened_once_in_a_process(tmp_path: Path) -> None:
    with fresh(tmp_path), pytest.raises(StoreBusyError, match="this process"):
        fresh(tmp_path)
    fresh(tmp_path).close()


def test_of_many_threads_one_opens_the_store(tmp_path: Path) -> None:
    ready = threading.Barrier(4)
    opened: list[Store] = []

    def attempt() -> None:
        ready.wait()
        opened.append(fresh(tmp_path))

    with ThreadPoolExecutor(4) as pool:
        errors = [done.exception() for done in [pool.submit(attempt) for _ in range(4)]]
    assert len(opened) == 1
    assert [type(error) for error in errors if error] == [StoreBusyError] * 3
    opened[0].close()


def test_another_process_is_told_who_has_the_store_and_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(  # noqa: S603  # our own script
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreBusyError) as caught:
            Store.open(path)
        holder.communicate("")
    told = str(caught.value)
    assert f"{path} is already open by pid {holder.pid}: " in told
    assert "stop that process" in told
    Store.open(path).close()


def test_a_store_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    with fresh(tmp_path) as store, store.write() as batch:
        batch.set_meta("schema", str(len(MIGRATIONS) + 1))
    for _ in range(2):
        with pytest.raises(StoreTooNewError, match="upgrade Bridgeboard"):
            fresh(tmp_path)


def test_a_file_that_is_no_database_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    path.write_text("no database" * 1000)
    with pytest.raises(StoreDamagedError, match="bridgeboard repair") as caught:
        fresh(tmp_path)
    assert str(path) in str(caught.value)
    assert path.read_text().startswith("no database")


@pytest.mark.parametrize("where", [0.0, 0.2, 0.5])
def test_a_file_with_broken_bytes_is_called_damaged(tmp_path: Path, where: float) -> None:
    path = tmp_path / "store.duckdb"
    with fresh(tmp_path) as store, store.write() as batch:
        batch.execute("INSERT INTO meta SELECT 'n' || i, md5(i::VARCHAR) FROM range(20000) t(i)")
    held = bytearray(path.read_bytes())
    start = int(where * len(held))
    held[start : start + 8192] = b"\xff" * 8192
    path.write_bytes(held)
    damaged = pytest.raises(StoreDamagedError, match="bridgeboard repair")
    with damaged, fresh(tmp_path) as store:
        store.rows("SELECT * FROM meta")


def test_half_a_file_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    fresh(tmp_path).close()
    path.write_bytes(path.read_bytes()[:6000])
    with pytest.raises(StoreDamagedError, match="bridgeboard repair"):
        fresh(tmp_path)


@pytest.mark.parametrize("table", ["recipes", "meta"])
def test_a_database_of_something_else_is_left_alone(tmp_path: Path, table: str) -> None:
    path = tmp_path / "store.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE TABLE {table} (cook VARCHAR)")
    with pytest.raises(StoreDamagedError, match="no store of Bridgeboard"):
        fresh(tmp_path)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [(table,)]


def test_a_folder_is_no_place_for_the_file(tmp_path: Path) -> None:
    with pytest.raises(StoreLocationError, match="another data folder"):
        Store.open(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreLocationError, match="another data folder"):
        Store.open(tmp_path / "file" / "store.duckdb")


def test_a_question_mark_in_the_path_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreLocationError, match="question mark"):
        Store.open(tmp_path / "what?" / "store.duckdb")
    assert list(tmp_path.iterdir()) == []


def test_any_other_path_will_do(tmp_path: Path) -> None:
    path = tmp_path / "it's [odd] * {x} #1 %41 ä" / "store.duckdb"
    for _ in range(2):
        with Store.open(path) as store, store.write() as batch:
            batch.set_meta("held", "yes")
            assert store.path == path


def test_a_store_that_could_not_be_opened_can_be_once_its_trouble_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    path.write_text("no database")
    with pytest.raises(StoreDamagedError):
        fresh(tmp_path)
    path.unlink()
    fresh(tmp_path).close()


def test_a_deployment_names_its_file(tmp_path: Path) -> None:
    known = "8f3a2c1e-4b5d-4e6f-8a7b-9c0d1e2f3a4b"
    assert location(tmp_path, known) == tmp_path / f"{known}.duckdb"


@pytest.mark.parametrize(
    "hostile",
    [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\windows",
        "con",
        "a\0b",
        "\ud800",
        "x" * 5000,
        "https://coder.example.com/?a=b#c",
        "\u202e\u0301",
        "8F3A2C1E-4B5D-4E6F-8A7B-9C0D1E2F3A4B",
    ],
)
def test_a_hostile_deployment_id_stays_in_the_folder(tmp_path: Path, hostile: str) -> None:
    path = location(tmp_path, hostile)
    assert path.parent == tmp_path
    assert path.name.isascii()
    assert len(path.name) < 80
    assert not set(path.name) - set("abcdefghijklmnopqrstuvwxyz0123456789-.")
    assert path.name.startswith(tuple("abcdefghijklmnopqrstuvwxyz0123456789"))


def test_different_deployments_have_different_files(tmp_path: Path) -> None:
    names = ["a/b", "a\\b", "A/B", "a-b", "a b", "", "-"]
    assert len({location(tmp_path, name).name.lower() for name in names}) == len(names)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_store_that_others_may_read_is_not_opened_and_says_how_to_close_it(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "store.duckdb"
    Store.open(path).close()
    path.chmod(mode)
    with pytest.raises(StoreLocationError, match="chmod 600"):
        Store.open(path)
    path.chmod(0o600)
    Store.open(path).close()


def test_questions_take_turns_and_a_batch_waits_for_none(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.duckdb") as store, ThreadPoolExecutor(1) as threads:
        with ExitStack() as taken:
            for _ in range(database.AT_ONCE):
                taken.enter_context(store._turns)
            answer = threads.submit(store.rows, "SELECT count(*) FROM meta WHERE name = 'mark'")
            with store.write() as batch:
                batch.set_meta("mark", "there")
                assert batch.meta("mark") == "there"
            assert not answer.done()
        assert answer.result() == [(1,)]
