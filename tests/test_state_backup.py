"""A copy of the state holds all of it, and becomes the state again, on either engine."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import databases
import pytest
from log_lines import lines

from bridgeboard.state import Database, StateError, backup
from bridgeboard.state.alert_outbox import AlertOutbox
from bridgeboard.state.audit import Audit, Verdict
from bridgeboard.state.backup import backup_to, holds_nothing_else, left_copies, restore_from
from bridgeboard.state.login_groups import LoginGroups
from bridgeboard.state.logins import Ended, Login, person
from bridgeboard.state.saved_views import Note, SavedViews, View

AT = datetime(2026, 5, 4, 9, 30, 0, 123_456, tzinfo=UTC)


def fill(database: Database) -> None:
    for audience in ("", "ab12"):
        saved = SavedViews(database, "store", audience)
        saved.keep(View("mine", "spend", "period=7d"))
        saved.write("x" * 9_000, Note("A load test.", AT, "ada@example.com"))
    alert = {"digest": "d", "kind": "budgets", "level": 10**15, "text": "85 % of it"}
    AlertOutbox(database, "store").put("Ada", [alert], AT)
    Ended(database).end_all_of("ada", now=AT)
    LoginGroups(database).note("ada", ["ops", "\u00fc"], AT)
    for number in range(3):
        Audit(database).write("ada", "reveal", "why\x00\ud800", str(number), at=AT)


def content(database: Database) -> object:
    every_saved = [
        (saved.views(), saved.notes()) for saved in SavedViews.of_store(database, "store")
    ]
    login = Login("key", AT, frozenset({person("ada")}))
    ended = Ended(database)._look({login.key, *login.people})
    alerts = AlertOutbox(database, "store").alerts()
    return every_saved, ended, lines(Audit(database)), alerts, LoginGroups(database).readings()


@pytest.mark.parametrize("engine", ["SQLite", "PostgreSQL"])
def test_what_was_backed_up_is_restored_to_either_engine(
    database: Database, engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fill(database)
    before, folder = content(database), tmp_path / "backup"
    counts = backup_to(database, folder)
    assert counts["audit_lines"] == 3
    assert {path.name for path in folder.iterdir()} == {"state.sqlite", "audit.key"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))
    held = {path.name: path.read_bytes() for path in folder.iterdir()}
    Audit(database).write("ada", "later", at=AT)
    url = request.getfixturevalue("postgres").fresh() if engine == "PostgreSQL" else ""
    with databases.database(tmp_path / "anew", url) as anew:
        assert holds_nothing_else(anew, folder)
        assert restore_from(anew, folder) == counts
        assert content(anew) == before
        assert Audit(anew).verify() == Verdict(3)
        assert Audit(anew).write("ada", "login", at=AT).number == 4
        with pytest.raises(StateError, match="already: move it away"):
            restore_from(anew, folder)
        assert Audit(anew).verify() == Verdict(4)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == held
    with pytest.raises(StateError, match="there already"):
        backup_to(database, folder)


def test_a_backup_made_while_entries_are_written_is_one_moment(
    database: Database, tmp_path: Path
) -> None:
    audit, stop = Audit(database), Event()
    audit.write("ada", "login", at=AT)

    def write() -> None:
        while not stop.is_set():
            audit.write("ada", "reveal", at=AT)

    writer = Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            backup_to(database, tmp_path / str(number))
    finally:
        stop.set()
        writer.join()
    for number in range(3):
        with databases.database(tmp_path / str(number)) as copy:
            assert Audit(copy).verify().good


def test_files_of_an_earlier_version_that_nobody_asked_for_are_in_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    former = tmp_path / "data" / "other.desk-ab12.json"
    former.write_text('{"views": {"mine": {"page": "spend", "query": ""}}, "notes": {}}')
    former.chmod(0o600)
    with databases.database(tmp_path / "data") as database:
        assert not holds_nothing_else(database, tmp_path / "backup")
        backup_to(database, tmp_path / "backup")
    with databases.database(tmp_path / "anew") as anew:
        restore_from(anew, tmp_path / "backup")
        (saved,) = (saved for saved in SavedViews.of_store(anew, "other") if saved.views())
        assert [view.name for view in saved.views()] == ["mine"]


def test_what_is_no_backup_or_damaged_or_has_another_key_restores_nothing(tmp_path: Path) -> None:
    with databases.database(tmp_path / "data") as database:
        fill(database)
        backup_to(database, tmp_path / "backup")
    with databases.database(tmp_path / "anew") as anew:
        with pytest.raises(StateError, match="holds no backup"):
            restore_from(anew, tmp_path)
        (tmp_path / "anew").mkdir(mode=0o700)
        (tmp_path / "anew" / "audit.key").write_text("another")
        with pytest.raises(StateError, match=r"audit\.key is another one"):
            restore_from(anew, tmp_path / "backup")
        (tmp_path / "anew" / "audit.key").unlink()
        (tmp_path / "backup" / "state.sqlite").write_bytes(b"x" * 5_000)
        with pytest.raises(StateError, match="damaged"):
            restore_from(anew, tmp_path / "backup")
        assert holds_nothing_else(anew, tmp_path)
    assert left_copies(tmp_path / "anew") == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        databases.database(tmp_path / "data") as database,
        pytest.raises(StateError, match="cannot be used"),
    ):
        backup_to(database, tmp_path / "file")


def test_a_restore_that_was_stopped_before_the_rows_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with databases.database(tmp_path / "data") as database:
        fill(database)
        (tmp_path / "data" / "other.desk.json").write_text('{"views": {}, "notes": {}}')
        before = content(database)
        backup_to(database, tmp_path / "backup")
    with databases.database(tmp_path / "anew") as anew:

        def stop(*_: object) -> None:
            assert (tmp_path / "anew" / "audit.key").is_file()
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(backup, "copy_rows", stop)
            with pytest.raises(KeyboardInterrupt):
                restore_from(anew, tmp_path / "backup")
        restore_from(anew, tmp_path / "backup")
        assert content(anew) == before
        assert (tmp_path / "anew" / "other.desk.json").is_file()
