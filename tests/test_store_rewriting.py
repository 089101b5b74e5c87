"""What was deleted cannot be read out of the file, and rewriting it loses nothing."""

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from file_bytes import readable
from slow_cases import one_fast
from small_bridges import NOW, Book
from stores import contents, fresh, naive, put

from bridgeboard.model.store import StoreError
from bridgeboard.store import (
    Store,
    StoreBusyError,
    StoreFullError,
    database,
    file_location,
    prune,
    rewrite_if_due,
    still_in_file,
    text_index,
)
from bridgeboard.store.schema import MIGRATIONS

HERE = Path(__file__).parent
LATER = (
    *("day_counts", "left_out", "erased", "erased_rows", "families"),
    *("coder_groups", "coder_members", "coder_main_groups"),
    *("coder_group_spend", "coder_member_spend"),
)
"""Tables that came with later schemas than the first whose files are written anew."""
LIMIT = 40
OLD, YOUNG = NOW - timedelta(days=50), NOW - timedelta(days=2)
ROWS = 3_000
TEXT = {
    "prompts": "SELECT i, $1::TIMESTAMP, 0, $1::TIMESTAMP, {text}",
    "tool_inputs": "SELECT i, $1::TIMESTAMP, 0, {text}, {text}",
    "thinking": "SELECT i, uuid(), $1::TIMESTAMP, 0, {text}",
    "last_prompts": "SELECT i, $1::TIMESTAMP, {text}",
    "quarantine": "SELECT $1::TIMESTAMP, 'thread', i::VARCHAR, 'odd', {text}, 0",
}
THREADS = """
    INSERT INTO threads BY NAME
    SELECT 1 AS session, uuid() AS id, 1 AS initiator, 'anthropic' AS provider, 'm' AS model,
        $1::TIMESTAMP AS started_at, 0 AS input_sum, 0 AS output_sum, 0 AS cache_read_sum,
        0 AS cache_write_sum, 0 AS actions, {text} AS error_message FROM range(300) AS r(i)
"""


def _fill(store: Store, at: datetime, word: str) -> None:
    """Text of every table, with a word that says which table and time it is of."""
    first = 0 if at == OLD else ROWS
    for name, select in TEXT.items():
        text = f"'{word}{name}' || i || ' ' || md5(i::VARCHAR)"
        rows = f" FROM range({first}, {first + ROWS}) AS r(i)"
        with store.write() as batch:
            batch.execute(f"INSERT INTO {name} {select.format(text=text)}{rows}", [naive(at)])
    with store.write() as batch:
        text = f"'{word}threads' || i"
        batch.execute(THREADS.format(text=text), [naive(at)])


def _filled(folder: Path) -> Store:
    store = fresh(folder)
    _fill(store, OLD, "GONE")
    _fill(store, YOUNG, "KEPT")
    text_index.gather(store, least=1, texts=500)
    store._move_log_into_file()
    return store


@pytest.fixture
def pruned(tmp_path: Path) -> Any:
    """A store with old text that was deleted, and young text."""
    with _filled(tmp_path) as store:
        prune(store, text_days=LIMIT, rows_days=None, now=NOW)
        yield store


def _words(folder: Path, word: str) -> set[str]:
    """The tables of which something with this word can be read in the bytes of a folder."""
    held = readable(folder)
    tables = (*TEXT, "threads")
    found = {name for name in tables if f"{word}{name}".encode() in held}
    lower = f"{word}prompts".lower().encode()
    return found | ({"vocabulary"} if lower in held else set())


EVERYWHERE = {*TEXT, "threads", "vocabulary"}


def test_deleted_text_is_in_no_byte_of_the_folder_once_it_was_rewritten(
    pruned: Store, tmp_path: Path
) -> None:
    pruned._move_log_into_file()
    assert _words(tmp_path, "GONE") == EVERYWHERE
    before, version = contents(pruned), pruned.version
    pruned.rewrite()
    assert _words(tmp_path, "GONE") == set()
    after = contents(pruned)
    assert [row for row in before.pop("meta") if row not in after["meta"]] == [
        ("deleted_at", NOW.isoformat())
    ]
    del after["meta"]
    assert (after, pruned.version) == (before, version)
    with pruned.write() as batch:
        batch.set_meta("alive", "yes")
    pruned.close()
    assert _words(tmp_path, "GONE") == set()
    assert _words(tmp_path, "KEPT") == EVERYWHERE
    assert [path.name for path in tmp_path.iterdir()] == ["store.duckdb"]


def test_a_message_of_a_failed_thread_loses_its_words_and_stays_a_failure(pruned: Store) -> None:
    sql = "SELECT error_message = '', count(*) FROM threads WHERE error_message IS NOT NULL"
    assert pruned.rows(f"{sql} GROUP BY 1 ORDER BY 1") == [(False, 300), (True, 300)]
    assert prune(pruned, text_days=LIMIT, rows_days=None, now=NOW) == {}


def test_the_file_is_rewritten_a_day_after_something_was_deleted_and_not_again(
    pruned: Store, tmp_path: Path
) -> None:
    assert still_in_file(pruned) == NOW
    assert not rewrite_if_due(pruned, NOW + timedelta(hours=22))
    assert _words(tmp_path, "GONE") == EVERYWHERE
    assert rewrite_if_due(pruned, NOW + timedelta(hours=23))
    assert (_words(tmp_path, "GONE"), still_in_file(pruned)) == (set(), None)
    assert not rewrite_if_due(pruned, NOW + timedelta(days=9))


def test_what_is_deleted_daily_does_not_put_off_the_day(pruned: Store) -> None:
    later = NOW + timedelta(hours=20)
    with pruned.write() as batch:
        batch.execute("UPDATE prompts SET started_at = ? WHERE usage = 4000", [naive(OLD)])
    assert prune(pruned, text_days=LIMIT, rows_days=None, now=later)
    assert still_in_file(pruned) == NOW


def test_a_clock_that_was_ahead_when_text_was_deleted_does_not_put_it_off(pruned: Store) -> None:
    assert rewrite_if_due(pruned, NOW - timedelta(days=400))


def test_what_an_earlier_version_deleted_is_removed_too(tmp_path: Path) -> None:
    book = Book()
    book.call(0, tokens=[(1,)])
    with fresh(tmp_path) as store:
        assert still_in_file(store) is None
        put(store, book.tables(), book.calls)
    with duckdb.connect(str(tmp_path / "store.duckdb")) as connection:
        for later in LATER:
            connection.execute(f"DROP TABLE {later}")
        known = next(number for number, sql in enumerate(MIGRATIONS) if "deleted_at" in sql)
        connection.execute("UPDATE meta SET value = ? WHERE name = 'schema'", [str(known)])
    with fresh(tmp_path) as store:
        assert still_in_file(store) is not None
        assert rewrite_if_due(store, NOW)
        assert still_in_file(store) is None


def test_questions_are_answered_while_the_file_is_rewritten(pruned: Store) -> None:
    ask = "SELECT count(*), min(text) FROM prompts"
    expected, done = pruned.rows(ask), SimpleNamespace(now=False)

    def ask_on() -> int:
        count = 0
        while not done.now:
            assert pruned.rows(ask) == expected
            with pruned.snapshot() as reader:
                assert reader.rows(ask) == expected
            count += 1
        return count

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(ask_on) for _ in range(4)]
        try:
            for _ in range(3):
                pruned.rewrite()
        finally:
            done.now = True
        assert all(each.result() for each in asked)


def test_a_long_question_puts_the_exchange_off_and_sees_what_it_began_with(
    pruned: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "EXCHANGE_SECONDS", 0.01)
    with pruned.snapshot() as reader:
        before = reader.rows("FROM prompts ORDER BY ALL")
        with pytest.raises(StoreBusyError, match="can still be read"):
            pruned.rewrite()
        assert reader.rows("FROM prompts ORDER BY ALL") == before
        assert pruned.rows("FROM prompts ORDER BY ALL") == before
    assert list(tmp_path.glob(".*")) == []
    assert still_in_file(pruned)
    pruned.rewrite()
    assert still_in_file(pruned) is None


def test_another_process_that_was_faster_keeps_what_it_writes(
    pruned: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:

        def refuse(*_: object) -> None:
            raise BlockingIOError

        patch.setattr(file_location.fcntl, "lockf", refuse)
        with pytest.raises(StoreBusyError):
            pruned.rewrite()
    assert pruned.rows("SELECT count(*) FROM prompts") == [(ROWS,)]
    assert list(tmp_path.glob(".*")) == []


def test_without_room_it_says_that_deleted_text_is_still_there(
    pruned: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
        with pytest.raises(StoreFullError, match=r"can still be read.*1,000 are free"):
            pruned.rewrite()
    assert still_in_file(pruned)
    assert list(tmp_path.glob(".*")) == []


FULL = """
import resource, signal, sys
from pathlib import Path
from bridgeboard.model.store import StoreError
from bridgeboard.store import Store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store.open(Path(sys.argv[1]), threads=1) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
    try:
        store.rewrite()
    except StoreError as error:
        print(type(error).__name__, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with store.write() as batch:
        batch.set_meta("alive", "yes")
    print(store.rows("SELECT count(*) FROM prompts"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("size", [2_000, 300_000])
def test_a_disk_that_fills_up_on_the_way_leaves_the_old_file_and_no_other(
    pruned: Store, tmp_path: Path, size: int
) -> None:
    pruned.close()
    command = [sys.executable, "-W", "error", "-c", FULL, str(pruned.path), str(size)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own script
    assert said.stdout.startswith("StoreFullError Text that was deleted can still be read")
    assert said.stdout.endswith(f"[({ROWS},)]\n")
    assert [path.name for path in tmp_path.iterdir()] == ["store.duckdb"]


KILLED = """
import os, signal, sys
from pathlib import Path
from bridgeboard.store import Store, database, rewriting

place, name, moment = sys.argv[2].split()
owner = {"rewriting": rewriting, "Store": Store}[place]
step = getattr(owner, name)

def die(*arguments):
    if moment == "after":
        step(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

store = Store.open(Path(sys.argv[1]), threads=1)
setattr(owner, name, die)
store.rewrite()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "step",
    one_fast(
        [
            "rewriting exchange",
            "rewriting _copy",
            "rewriting _compare",
            "Store _let_go",
            "rewriting make_durable",
            "Store _take_up",
        ]
    ),
)
def test_whoever_is_killed_on_the_way_leaves_one_whole_store(
    pruned: Store, tmp_path: Path, step: str, moment: str
) -> None:
    before = contents(pruned)
    del before["meta"]
    pruned.close()
    command = [sys.executable, "-c", KILLED, str(pruned.path), f"{step} {moment}"]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  # our own script
    assert done.returncode == -9
    with fresh(tmp_path) as store:
        after = contents(store)
        del after["meta"]
        assert after == before
        assert list(tmp_path.glob(".*")) == []
        if rewrite_if_due(store, NOW + timedelta(days=1)):
            assert still_in_file(store) is None
    assert _words(tmp_path, "GONE") == set()


def test_opening_clears_what_a_killed_process_left_beside_the_file(tmp_path: Path) -> None:
    fresh(tmp_path).close()
    spilled = tmp_path / "store.duckdb.tmp"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage_DEFAULT-0.tmp").write_text("what somebody typed")
    (tmp_path / ".store.duckdb.4194304.new").write_text("what somebody typed")
    (tmp_path / ".store.duckdb.4194304.new.wal").write_text("what somebody typed")
    with fresh(tmp_path):
        assert not spilled.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["store.duckdb"]


def test_a_store_that_cannot_be_opened_after_the_exchange_is_tried_again(
    pruned: Store,
) -> None:
    connect = pruned._connect

    def refuse() -> Any:
        raise StoreError("not now")

    pruned._connect = refuse
    with pytest.raises(StoreError, match="not now"):
        pruned.rewrite()
    with pytest.raises(StoreError, match="not now"):
        pruned.rows("SELECT 1")
    pruned._connect = connect
    assert pruned.rows("SELECT count(*) FROM prompts") == [(ROWS,)]
    assert still_in_file(pruned) is None
