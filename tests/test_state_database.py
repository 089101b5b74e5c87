"""The state database: one file or one PostgreSQL, and what is said when it cannot be used."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Lock
from urllib.parse import quote

import databases
import pytest
import sqlalchemy
from dashboard_process import free_port
from sqlalchemy import func, select, text

from bridgeboard.state import Database, StateError
from bridgeboard.state import database as module
from bridgeboard.state.schema import (
    AUDIT_LINES,
    ENDED_LOGINS,
    FORWARDED,
    MIGRATIONS,
    MIGRATIONS_DONE,
    MOMENTARY,
    TABLES,
)

AT = datetime(2026, 5, 4, 9, 30, 0, 123_456, tzinfo=UTC)


def test_nothing_is_made_by_who_only_reads(tmp_path: Path) -> None:
    with databases.database(tmp_path / "away") as database, database.reading() as connection:
        for table in TABLES:
            assert connection.execute(select(table)).all() == []
    assert not (tmp_path / "away").exists()


def test_the_steps_make_the_tables_that_are_asked(database: Database) -> None:
    with database.writing():
        pass
    with database.reading() as connection:
        looked = sqlalchemy.inspect(connection)
        for table in (*TABLES, *MOMENTARY, MIGRATIONS_DONE):
            columns = {each["name"]: each["nullable"] for each in looked.get_columns(table.name)}
            assert columns == {each.name: each.nullable for each in table.columns}, table
            key = looked.get_pk_constraint(table.name)["constrained_columns"]
            assert key == [each.name for each in table.primary_key.columns]
            names = [each["name"] for each in looked.get_indexes(table.name)]
            assert names == [each.name for each in table.indexes]


def test_several_that_start_at_once_make_the_tables_once(state_url: str, tmp_path: Path) -> None:
    def start(_: int) -> int:
        with databases.database(tmp_path, state_url) as one, one.writing() as connection:
            (steps,) = connection.execute(select(func.count()).select_from(MIGRATIONS_DONE)).one()
            return int(steps)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(start, range(8))) == {len(MIGRATIONS)}


def test_a_later_schema_is_refused(database: Database, state_url: str) -> None:
    with database.writing() as connection:
        connection.execute(MIGRATIONS_DONE.insert().values(version=len(MIGRATIONS) + 1))
    with databases.database(database.folder, state_url) as other:
        for use in (other.reading, other.writing):
            with pytest.raises(StateError, match="later version"), use():
                pass


def test_who_writes_is_alone_and_loses_no_update(state_url: str, tmp_path: Path) -> None:
    with databases.database(tmp_path, state_url) as database, database.writing() as connection:
        row = {"target": "a", "number": 0, "digest": "", "problem": "", "failing_since": ""}
        connection.execute(FORWARDED.insert().values(row))

    def count(_: int) -> None:
        with databases.database(tmp_path, state_url) as one:
            for _ in range(5):
                with one.writing() as connection:
                    (number,) = connection.execute(select(FORWARDED.c.number)).one()
                    connection.execute(FORWARDED.update().values(number=number + 1))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(4)))
    with databases.database(tmp_path, state_url) as database, database.reading() as connection:
        assert connection.execute(select(FORWARDED.c.number)).scalar_one() == 20


def test_what_fails_is_undone(database: Database) -> None:
    def fail() -> None:
        with database.writing() as connection:
            connection.execute(ENDED_LOGINS.insert().values(digest="x", began_at=AT))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.reading() as connection:
        assert connection.execute(select(ENDED_LOGINS)).all() == []


def test_only_one_at_a_time_has_a_lock_and_others_do_not_wait(
    state_url: str, tmp_path: Path
) -> None:
    with (
        databases.database(tmp_path, state_url) as one,
        databases.database(tmp_path, state_url) as other,
    ):
        with one.lock("audit") as is_ours:
            assert is_ours
            with other.lock("audit") as is_theirs, other.lock("else") as is_free:
                assert (is_theirs, is_free) == (False, True)
            put(other)
        with other.lock("audit") as is_theirs:
            assert is_theirs


def put(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(ENDED_LOGINS.delete())
        connection.execute(ENDED_LOGINS.insert().values(digest="x", began_at=AT))


def count(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(ENDED_LOGINS)).scalar_one())


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    """SQLite that holds a row."""
    with databases.database(tmp_path / "data") as database:
        put(database)
        yield database


def refused(database: Database) -> str:
    with pytest.raises(StateError) as caught:
        put(database)
    return str(caught.value)


def test_file_and_folder_are_for_this_account_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with databases.database(tmp_path / "a" / "b") as database, database.writing():
            modes = {
                path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a").rglob("*")
            }
    finally:
        os.umask(before)
    assert modes.pop("b") == 0o700
    assert set(modes) == {"state.sqlite", "state.sqlite-wal", "state.sqlite-shm"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("mode", [0o604, 0o620, 0o640, 0o666])
def test_a_file_that_others_may_read_or_change_is_refused(file: Database, mode: int) -> None:
    assert file.path
    file.path.chmod(mode)
    assert f"chmod 600 {file.path}" in refused(file)
    with pytest.raises(StateError, match="chmod 600"):
        count(file)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    for name, make in (
        ("folder", Path.mkdir),
        ("pipe", os.mkfifo),
        ("link", lambda path: path.symlink_to(tmp_path / "other")),
    ):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "state.sqlite")
        with databases.database(tmp_path / name) as database:
            assert "no file" in refused(database)
    assert (tmp_path / "other").read_bytes() == b""


def test_a_file_that_is_made_anew_gets_its_tables_though_it_may_get_the_same_inode(
    file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_identity", lambda _: (1, 2))
    for _ in range(2):
        with file.writing() as connection:
            connection.execute(ENDED_LOGINS.select())
        file.close()
        for each in file.folder.glob("state.sqlite*"):
            each.unlink()


def test_a_file_that_another_one_takes_the_place_of_is_opened_anew(file: Database) -> None:
    assert file.path
    file.path.rename(file.path.with_name("moved"))
    assert count(file) == 0
    put(file)
    assert file.path.exists()
    assert count(file) == 1


@pytest.mark.parametrize("text", [b"no database at all" * 99, b"SQLite format 3\0" + b"x" * 9_000])
def test_a_damaged_file_is_told_and_stays(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "state.sqlite"
    path.write_bytes(text)
    path.chmod(0o600)
    with databases.database(tmp_path) as database:
        assert "damaged" in refused(database)
        with pytest.raises(StateError, match="restore the one of a backup"):
            count(database)
    assert path.read_bytes() == text


def test_a_locked_file_is_told_and_can_be_read(
    file: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_SECONDS", 0.05)
    file.close()
    with closing(sqlite3.connect(str(file.path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "locked" in refused(file)
        assert count(file) == 1
    put(file)


def test_a_full_disk_is_told_and_loses_nothing(file: Database) -> None:
    with file.reading() as connection:
        # As many pages as there are: more is what SQLite calls a full disk.
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
    with pytest.raises(StateError, match="disk is full") as caught, file.writing() as connection:
        connection.execute(
            ENDED_LOGINS.insert(),
            [{"digest": "x" * 999 + str(n), "began_at": AT} for n in range(99)],
        )
    assert "Make room" in str(caught.value)
    assert count(file) == 1


def test_a_read_only_file_is_told_and_can_be_read(file: Database) -> None:
    file.close()

    def forbid(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    sqlalchemy.event.listen(file._engine, "connect", forbid)
    assert "read-only" in refused(file)
    assert count(file) == 1


def test_what_was_deleted_is_in_no_byte(file: Database) -> None:
    assert file.path
    secret = "somebody's name " * 20
    with file.writing() as connection:
        row = {"target": secret, "number": 0, "digest": "", "problem": "", "failing_since": ""}
        connection.execute(FORWARDED.insert().values(row))
    with file.writing() as connection:
        connection.execute(FORWARDED.delete())
    file.scrub()
    for path in file.folder.iterdir():
        assert b"somebody" not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("held", "reason"),
    [("BEGIN", "another process reads it"), ("BEGIN IMMEDIATE", "another process keeps it locked")],
)
def test_what_cannot_leave_the_bytes_of_the_file_is_told(
    file: Database, monkeypatch: pytest.MonkeyPatch, held: str, reason: str
) -> None:
    file.close()
    monkeypatch.setattr(module, "WAITING_SECONDS", 0.05)
    assert file.path
    with closing(sqlite3.connect(file.path, isolation_level=None)) as other:
        other.execute(held)
        other.execute("SELECT * FROM audit_lines").fetchall()
        with pytest.raises(StateError, match=f"cannot be rewritten: {reason}"):
            file.scrub()
    file.scrub()


def test_a_postgres_that_is_away_is_told_once_and_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://ada:{quote(databases.PASSWORD, safe='')}@127.0.0.1:{free_port()}/state"
    with databases.database(tmp_path, url) as database:
        text = refused(database)
        assert "PostgreSQL at 127.0.0.1 cannot be written" in text
        assert "refused" in text
        assert databases.PASSWORD not in text
        monkeypatch.setattr(sqlalchemy.Engine, "connect", None)  # nobody is asked
        assert "did not answer a moment ago" in refused(database)
        database._silent_until = 0
        monkeypatch.undo()
        assert "refused" in refused(database)


def test_threads_that_wait_for_a_postgres_that_is_away_do_not_ask_it_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, both_wait = [], Barrier(2)

    class Waiting:
        """A lock that two take up only once both want it."""

        def __init__(self) -> None:
            self.lock = Lock()

        def __enter__(self) -> None:
            both_wait.wait(60)
            self.lock.acquire()

        def __exit__(self, *_: object) -> None:
            self.lock.release()

    def away(_: object) -> None:
        asked.append(1)
        raise sqlalchemy.exc.OperationalError("", {}, Exception("connection refused"))

    monkeypatch.setattr(sqlalchemy.Engine, "connect", away)
    with databases.database(tmp_path, "postgresql://u@127.0.0.1:1/state") as database:
        monkeypatch.setattr(database, "_preparing", Waiting())
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(refused, [database, database]))
    assert len(asked) == 1
    assert sum("did not answer a moment ago" in answer for answer in answers) == 1


def test_a_wrong_password_is_told_without_it(postgres: databases.Server, tmp_path: Path) -> None:
    with databases.database(tmp_path, postgres.url(password="sesame-open")) as database:
        text = refused(database)
        assert "password authentication failed" in text
        assert "sesame" not in text
        assert "sesame" not in repr(database._engine)


def test_a_slow_or_locked_postgres_is_told(
    postgres: databases.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_SECONDS", 0.2)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    url = postgres.fresh()
    with databases.database(tmp_path, url) as database, databases.database(tmp_path, url) as other:
        put(other)
        with pytest.raises(StateError, match="too slow"), database.reading() as connection:
            connection.execute(text("SELECT pg_sleep(60)"))
        with other.writing():
            assert "locked" in refused(database) or "slow" in refused(database)
        put(database)


def test_a_postgres_that_was_started_anew_is_used_again(
    postgres: databases.Server, tmp_path: Path
) -> None:
    url = postgres.fresh()
    with databases.database(tmp_path, url) as database:
        put(database)
        postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'bridgeboard'"
        )
        assert count(database) == 1


def test_a_postgres_that_may_only_be_read_is_read(
    postgres: databases.Server, tmp_path: Path
) -> None:
    url = postgres.fresh()
    with databases.database(tmp_path, url) as database:
        put(database)
    name = url.rpartition("/state_")[2].partition("?")[0]
    postgres.execute(f"ALTER DATABASE state_{name} SET default_transaction_read_only = on")
    with databases.database(tmp_path, url) as database:
        assert count(database) == 1
        assert "read-only" in refused(database)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///x",
        "mysql://u:sesame@h/d",
        "nonsense:sesame",
        "://",
        "postgresql://u:p@sesame@h/d",
        "postgresql://u:p@s:sesame@h/d",
    ],
)
def test_an_address_of_anything_else_is_refused_without_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(StateError, match="no address of a PostgreSQL") as caught:
        Database(tmp_path, url)
    assert "sesame" not in str(caught.value)


def test_one_empty_database_is_made_for_all_who_read_before_there_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module._empty.cache_clear()
    engines: list[str] = []
    create = module.sqlalchemy.create_engine

    def counted(url: object, **more: object) -> object:
        engines.append(str(url))
        return create(url, **more)

    monkeypatch.setattr(module.sqlalchemy, "create_engine", counted)
    for name in "abc":
        with databases.database(tmp_path / name) as database, database.reading() as connection:
            assert connection.execute(select(AUDIT_LINES)).all() == []
    assert engines.count("sqlite://") == 2  # the template, and what copies it
    module._empty.cache_clear()
