"""Logins: how long each holds, and that ended ones stay so, whatever becomes of their file."""

import logging
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bridgeboard.state.logins import ClosedError, Ended, Login, ended

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


def end(kept: Ended, one: Login, at: datetime = AT) -> bool:
    return kept.end(one, hours=HOURS, now=at)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "logouts.json"


def test_a_login_holds_from_its_beginning_for_its_hours(path: Path) -> None:
    kept, one = Ended(path), login(ago=timedelta(0))
    for hours, expected in ((0, True), (9.99, True), (10, False), (-0.08, True), (-0.09, False)):
        assert holds(kept, one, at=AT + timedelta(hours=hours)) == expected, hours
    for told in (None, "never", float("nan"), 1e300):
        with pytest.raises(ClosedError, match="does not say when it began"):
            login(iat=told)


def test_an_ended_login_stays_so_after_a_restart_and_no_other_is(path: Path) -> None:
    kept = Ended(path)
    assert [end(kept, login()), end(kept, login())] == [True, False]
    for after in (kept, Ended(path)):
        assert not holds(after, login())
        assert not end(after, login())
        for other in (login("bob"), login(ago=timedelta(hours=2)), login(nonce="another")):
            assert holds(after, other)
    assert ended(path) is ended(path)


@pytest.mark.parametrize("name", ["ada", "ADA@Example.com", " ada@example.com "])
def test_all_logins_of_somebody_end_in_every_process_and_later_ones_hold(
    path: Path, name: str
) -> None:
    serves, command = Ended(path), Ended(path)
    assert holds(serves, login())
    command.end_all_of(name, now=AT)
    for after in (command, serves, Ended(path)):
        assert not holds(after, login())
        assert not holds(after, login(nonce="another"))
        assert not holds(after, login(ago=timedelta(0)))
        assert holds(after, login("bob"))
        assert holds(after, login(ago=timedelta(seconds=-1)))
    assert "ada" not in path.read_text()


def test_what_several_processes_end_stays_ended_in_all(path: Path) -> None:
    one, other = Ended(path), Ended(path)
    end(one, login("a"))
    other.end_all_of("b", now=AT)
    end(one, login("c"))
    assert not holds(other, login("c"))
    path.unlink()
    end(other, login("d"))
    for after in (one, other):
        assert [holds(after, login(name)) for name in "abcde"] == [False] * 4 + [True]


def test_that_nothing_could_be_written_is_said_to_who_ends_the_logins_of_others(
    path: Path,
) -> None:
    path.mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        Ended(path).end_all_of("ada", now=AT)


def test_the_file_is_private_and_tells_nobodys_name(path: Path) -> None:
    end(Ended(path), login("ada@example.com"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "ada" not in path.read_text()
    assert list(path.parent.iterdir()) == [path]


def test_what_would_be_over_anyway_is_let_go_of(path: Path) -> None:
    kept = Ended(path)
    end(kept, login("old", timedelta(hours=8)))
    end(kept, login("new"), AT + timedelta(hours=3))
    told = path.read_text()
    assert login("new").key in told
    assert login("old").key not in told
    assert not holds(Ended(path), login("old", timedelta(hours=8)), at=AT + timedelta(hours=3))


def test_only_one_of_many_ends_a_login(path: Path) -> None:
    kept = Ended(path)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: end(kept, login()), range(64))) == 1


def _written(text: bytes, path: Path) -> None:
    path.write_bytes(text)


def _linked(path: Path) -> None:
    path.with_name("elsewhere").write_text("{}")
    path.symlink_to(path.with_name("elsewhere"))


DAMAGES: list[Callable[[Path], None]] = [
    *(
        partial(_written, text)
        for text in (
            *(b"", b"nonsense", b"\xff", b"[]", b'["a"]', b'{"a": 1}', b"[" * 100_000),
            *(b'{"%s": "never"}' % (b"f" * 64), b'{"%s": 1e300}' % (b"f" * 64)),
        )
    ),
    _linked,
    Path.mkdir,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_cannot_be_read_is_an_empty_one_and_told_of(
    path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None]
) -> None:
    with caplog.at_level(logging.WARNING):
        assert holds(Ended(path), login())
        assert caplog.records == []
        path.parent.mkdir()
        damage(path)
        kept = Ended(path)
        assert "cannot be read" in caplog.text
        assert holds(kept, login())
        assert end(kept, login())
        assert not holds(kept, login())
    if path.is_dir():
        assert "cannot be written" in caplog.text
    else:
        assert not path.is_symlink()
        assert not holds(Ended(path), login())
