"""The audit log of an earlier version is taken over once, as it stands, and goes on."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import databases
import pytest
from log_lines import lines
from sqlalchemy import select

from bridgeboard.state import Database
from bridgeboard.state.audit import Audit, AuditError, Verdict, progress
from bridgeboard.state.audit.entry import FIRST, Entry, line, signed
from bridgeboard.state.audit.key import Key
from bridgeboard.state.schema import AUDIT_LINES, TAKEN_OVER

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
SECRET = "0" * 64


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A log of five entries, its key and its progress, as an earlier version left them."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    put(folder / "audit.key", SECRET.encode())
    put(folder / "audit.jsonl", b"".join(written()))
    progress = {"target": "/there", "number": 4, "digest": "d", "problem": "", "failing_since": ""}
    put(folder / "audit.sent.json", json.dumps(progress).encode())
    return folder / "audit.jsonl"


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


def written() -> list[bytes]:
    texts, before = [], FIRST
    for number in range(1, 6):
        entry = Entry(number, AT, f"p{number}@example.com", "reveal", "why\x00", before=before)
        entry = signed(entry, Key(SECRET.encode()))
        texts.append(line(entry))
        before = entry.digest
    return texts


def outcomes(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(TAKEN_OVER.c.outcome)).scalars())


def test_it_keeps_its_digests_and_goes_on_and_its_file_is_kept(
    file: Path, database: Database
) -> None:
    audit = Audit(database)
    assert audit.verify() == Verdict(5)
    assert lines(audit) == written()
    assert [entry.number for entry in audit.entries(2)] == [5, 4]
    entry = audit.write("ada", "login", at=AT)
    assert (entry.number, entry.before) == (6, json.loads(written()[-1])["digest"])
    assert audit.verify() == Verdict(6)
    assert not file.exists()
    assert file.with_name("audit.jsonl.migrated").read_bytes() == b"".join(written())
    assert file.with_name("audit.sent.json.migrated").exists()
    assert progress(database, "/there").number == 4
    assert outcomes(database)[0] == "5 entries as they were written"


def test_several_at_once_take_it_over_once(file: Path, state_url: str) -> None:
    def look(_: int) -> Verdict:
        with databases.database(file.parent, state_url) as one:
            return Audit(one).verify()

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(look, range(6))) == {Verdict(5)}
    assert len(list(file.parent.glob("audit.jsonl*"))) == 1


def test_after_a_crash_before_it_was_renamed_nothing_is_there_twice(
    file: Path, database: Database
) -> None:
    audit = Audit(database)
    audit.verify()
    file.with_name("audit.jsonl.migrated").rename(file)
    audit.write("ada", "login", at=AT)
    assert audit.verify() == Verdict(6)
    assert not file.exists()


def test_a_crash_in_the_middle_leaves_all_as_it_was(
    file: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bridgeboard.state.audit.former_log.verdict", die)
        with pytest.raises(KeyboardInterrupt):
            Audit(database).verify()
    assert file.exists()
    with database.reading() as connection:
        assert connection.execute(select(AUDIT_LINES)).all() == []
    assert Audit(database).verify() == Verdict(5)


def test_what_is_wrong_with_it_is_noted_and_found_as_before(file: Path, database: Database) -> None:
    texts = written()
    put(file, b"".join([*texts[:2], texts[2].replace(b"p3@", b"p9@"), *texts[3:]]))
    audit = Audit(database)
    found = audit.verify()
    assert (found.right, found.broken) == (2, 3)
    assert outcomes(database)[0].startswith("2 entries as they were written; broken at line 3")
    audit.write("ada", "login", at=AT)
    assert audit.verify() == found


def test_a_log_cannot_become_one_with_that_of_another_dashboard(
    tmp_path: Path, file: Path, postgres: databases.Server
) -> None:
    url = postgres.fresh()
    with databases.database(tmp_path / "other", url) as other:
        Audit(other, "a key that all dashboards have").write("ada", "login", at=AT)
    with databases.database(file.parent, url) as database:
        with pytest.raises(AuditError, match="two logs cannot become one"):
            Audit(database).write("ada", "login", at=AT)
        assert file.read_bytes() == b"".join(written())
        file.rename(file.with_name("kept.jsonl"))
        Audit(database, "a key that all dashboards have").write("ada", "login", at=AT)


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_link, "link"),
        (_pipe, "is no file"),
        (_folder, "Is a directory"),
        (lambda path: path.chmod(0o604), "chmod 600"),
        (lambda path: path.chmod(0o620), "chmod 600"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_stays(
    file: Path, database: Database, damage: Callable[[Path], None], words: str
) -> None:
    damage(file)
    audit = Audit(database)
    for use in (audit.entries, audit.verify, lambda: audit.write("ada", "login", at=AT)):
        with pytest.raises(AuditError, match=words):
            use()
    file.lstat()


def test_only_its_own_account_takes_it_over(
    file: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(AuditError, match="run this as that account"):
        Audit(database).entries()
    assert file.exists()


def test_progress_that_cannot_be_read_begins_anew(file: Path, database: Database) -> None:
    put(file.with_name("audit.sent.json"), b'{"target": "/there", "number": "x"}')
    assert Audit(database).verify() == Verdict(5)
    assert progress(database, "/there").number == 0
    assert not file.with_name("audit.sent.json").exists()
