"""Logins: how long each holds, and that ended ones stay so, whatever becomes of their file."""

import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select, text

from bridgeboard.state import Database, StateError
from bridgeboard.state.logins import ClosedError, Ended, Login, ended
from bridgeboard.state.schema import ENDED_LOGINS

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
HOURS = 10.0


def login(name: str = "ada", ago: timedelta = timedelta(hours=1), **more: Any) -> Login:
    names = (name, f"{name}@example.com")
    return Login.of({"iss": "x", "sub": name, "iat": (AT - ago).timestamp(), **more}, names)


def holds(kept: Ended, one: Login, hours: float = HOURS, at: datetime = AT) -> bool:
    try:
        kept.check(one, hours=hours, now=at)
    except ClosedError:
        return False
    return True


class Seconds:
    """A clock that stands still until it is set forward."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        return self.passed


def looking(database: Database) -> Ended:
    """Another process, which asks the database each time."""
    return Ended(database, count().__next__)


def end(kept: Ended, one: Login, at: datetime = AT) -> bool:
    return kept.end(one, hours=HOURS, now=at)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where earlier versions kept ended logins."""
    (tmp_path / "data").mkdir(mode=0o700)
    return tmp_path / "data" / "logouts.json"


def stored(database: Database) -> set[str]:
    with database.reading() as connection:
        return set(connection.execute(select(ENDED_LOGINS.c.digest)).scalars())


def test_a_login_holds_from_its_beginning_for_its_hours(database: Database) -> None:
    kept, one = Ended(database), login(ago=timedelta(0))
    for hours, expected in ((0, True), (9.99, True), (10, False), (-0.08, True), (-0.09, False)):
        assert holds(kept, one, at=AT + timedelta(hours=hours)) == expected, hours
    for told in (None, "never", float("nan"), 1e300):
        with pytest.raises(ClosedError, match="does not say when it began"):
            login(iat=told)


def test_an_ended_login_stays_so_after_a_restart_and_no_other_is(database: Database) -> None:
    kept = Ended(database)
    assert [end(kept, login()), end(kept, login())] == [True, False]
    for after in (kept, Ended(database)):
        assert not holds(after, login())
        assert not end(after, login())
        for other in (login("bob"), login(ago=timedelta(hours=2)), login(nonce="another")):
            assert holds(after, other)
    assert ended(database) is ended(database)


@pytest.mark.parametrize("name", ["ada", "ADA@Example.com", " ada@example.com "])
def test_all_logins_of_somebody_end_in_every_process_and_later_ones_hold(
    database: Database, name: str
) -> None:
    serves, command = looking(database), Ended(database)
    assert holds(serves, login())
    command.end_all_of(name, now=AT)
    for after in (command, serves, Ended(database)):
        assert not holds(after, login())
        assert not holds(after, login(nonce="another"))
        assert not holds(after, login(ago=timedelta(0)))
        assert holds(after, login("bob"))
        assert holds(after, login(ago=timedelta(seconds=-1)))


def test_what_several_processes_end_stays_ended_in_all(database: Database) -> None:
    one, other = looking(database), looking(database)
    end(one, login("a"))
    other.end_all_of("b", now=AT)
    end(one, login("c"))
    assert not holds(other, login("c"))
    with database.writing() as connection:
        connection.execute(ENDED_LOGINS.delete())
    end(other, login("d"))
    assert [holds(other, login(name)) for name in "abcde"] == [True, False, False, False, True]


def test_what_another_process_ends_counts_a_second_later_and_is_asked_for_once_until_then(
    database: Database,
) -> None:
    passed = Seconds()
    serves, command = Ended(database, passed), Ended(database)
    with asked() as questions:
        for _ in range(20):
            assert holds(serves, login())
        assert len(questions) == 1
        assert holds(serves, login("bob"))
        assert len(questions) == 2
    end(command, login())
    passed.passed = 0.999
    assert holds(serves, login())
    passed.passed = 1.0
    with asked() as questions:
        assert not holds(serves, login())
        assert not holds(serves, login())
        assert len(questions) == 1
    assert holds(serves, login("bob"))


def test_what_a_process_ends_itself_counts_for_it_at_once(database: Database) -> None:
    kept = Ended(database, Seconds())
    assert holds(kept, login())
    assert holds(kept, login("bob"))
    assert end(kept, login())
    assert not holds(kept, login())
    kept.end_all_of("bob", now=AT)
    assert not holds(kept, login("bob"))


def test_a_login_that_another_process_ended_a_moment_ago_is_not_ended_twice(
    database: Database,
) -> None:
    one, other = Ended(database, Seconds()), Ended(database, Seconds())
    assert holds(one, login())
    assert end(other, login())
    assert not end(one, login())


@contextmanager
def asked() -> Iterator[list[str]]:
    """The questions about ended logins that the database gets in the block."""
    questions: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if "FROM ended_logins" in statement:
            questions.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield questions
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def break_off(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(text("ALTER TABLE ended_logins RENAME TO elsewhere"))


def test_while_the_database_cannot_be_used_what_is_known_counts_and_it_is_said(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Ended(database)
    end(kept, login("a"))
    break_off(database)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert not holds(kept, login("a"))
            assert holds(kept, login("b"))
        assert len(caplog.records) == 1
        assert "may come in again" in caplog.text
        assert end(kept, login("b"))
        assert not end(kept, login("b"))
        assert "forgotten at the next start" in caplog.text
    assert not holds(kept, login("b"))


def test_that_nothing_could_be_written_is_said_to_who_ends_the_logins_of_others(
    database: Database,
) -> None:
    break_off(database)
    with pytest.raises(StateError, match="cannot be written"):
        Ended(database).end_all_of("ada", now=AT)


def test_nobodys_name_is_told(database: Database) -> None:
    end(Ended(database), login("ada@example.com"))
    Ended(database).end_all_of("ada", now=AT)
    assert all(len(digest) == 64 for digest in stored(database))


def test_what_would_be_over_anyway_is_let_go_of(database: Database) -> None:
    kept = Ended(database)
    end(kept, login("old", timedelta(hours=8)))
    end(kept, login("new"), AT + timedelta(hours=3))
    assert stored(database) == {login("new").key}
    at = AT + timedelta(hours=3)
    assert not holds(Ended(database), login("old", timedelta(hours=8)), at=at)


def test_only_one_of_many_ends_a_login(database: Database) -> None:
    each = [Ended(database) for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda turn: end(each[turn % 4], login()), range(32))) == 1


def test_a_file_of_an_earlier_version_is_taken_over(path: Path, database: Database) -> None:
    name = login("ada").people
    path.write_text(json.dumps({login("a").key: AT.timestamp(), min(name): AT.timestamp()}))
    path.chmod(0o600)
    kept = Ended(database)
    assert [holds(kept, login(one)) for one in ("a", "ada", "b")] == [False, False, True]
    assert not path.exists()
    assert path.with_name("logouts.json.migrated").exists()
    assert not holds(Ended(database), login("a"))


def _written(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


def _linked(path: Path) -> None:
    path.with_name("elsewhere").write_text("{}")
    path.symlink_to(path.with_name("elsewhere"))


DAMAGES: list[Callable[[Path], None]] = [
    *(
        partial(_written, content)
        for content in (
            *(b"", b"nonsense", b"\xff", b"[]", b'["a"]', b'{"a": 1}', b"[" * 100_000),
            *(b'{"%s": "never"}' % (b"f" * 64), b'{"%s": 1e300}' % (b"f" * 64)),
        )
    ),
    _linked,
    Path.mkdir,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_cannot_be_read_is_told_of_and_stays_and_logouts_go_on(
    path: Path,
    database: Database,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
) -> None:
    damage(path)
    path.lstat()
    with caplog.at_level(logging.WARNING):
        kept = Ended(database)
        assert holds(kept, login())
        assert "cannot be taken over" in caplog.text
        assert end(kept, login())
    assert not holds(Ended(database), login())
    path.lstat()
