"""``bridgeboard audit``: who looked at what, listed and verified."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import databases
import pytest
from commands import run
from dashboard_process import free_port
from log_lines import lines, put_lines
from typer.testing import Result

from bridgeboard import settings
from bridgeboard.runtime import state_files
from bridgeboard.server import web_app
from bridgeboard.settings import SettingsError
from bridgeboard.state.audit import Audit, AuditError, digest_of_words

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _data(no_settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_settings.setenv("BRIDGEBOARD_DATA", str(tmp_path / "data"))


@pytest.fixture
def log() -> Audit:
    made = state_files.audit_log(settings.read())
    for number in range(3):
        at = AT + timedelta(minutes=number)
        made.write(f"p{number}@example.com", "reveal", "[red]a\x1b[2J\nb", f"s{number}", at=at)
    return made


def audit(*options: str) -> Result:
    return run("audit", *options)


def test_the_log_lies_beside_the_stores(log: Audit, tmp_path: Path) -> None:
    assert log.database.path == tmp_path / "data" / "state.sqlite"


def test_the_last_entries_are_listed_and_nothing_in_them_acts(log: Audit) -> None:
    assert len(log.entries()) == 3
    said = audit("--last", "2")
    assert said.exit_code == 0
    assert said.output.splitlines() == [
        "2026-05-04 09:31:00 UTC  p1@example.com  reveal  s1  [red]a\u241b[2J b",
        "2026-05-04 09:32:00 UTC  p2@example.com  reveal  s2  [red]a\u241b[2J b",
    ]


def test_entries_can_be_read_by_machines(log: Audit) -> None:
    said = audit("--json")
    told = [json.loads(line) for line in said.output.splitlines()]
    assert [one["number"] for one in told] == [1, 2, 3]
    assert told[0] == {
        "number": 1,
        "at": "2026-05-04T09:30:00+00:00",
        "who": "p0@example.com",
        "what": "reveal",
        "why": log.entries()[0].why,
        "about": "s0",
    }


def test_an_empty_log_says_so_and_is_right() -> None:
    said = audit()
    assert (said.exit_code, said.stdout) == (0, "")
    assert "Nothing was noted yet." in said.stderr
    assert audit("--verify").exit_code == 0


@pytest.mark.usefixtures("log")
def test_a_right_log_is_verified() -> None:
    said = audit("--verify")
    assert said.exit_code == 0
    assert said.output.startswith("3 entries, all as they were written.")


def test_a_broken_log_ends_with_status_1_and_names_the_line(log: Audit) -> None:
    put_lines(log, [text.replace(b"p1@", b"p9@") for text in lines(log)])
    said = audit("--verify")
    assert said.exit_code == 1
    assert "Line 2 is broken" in said.output
    told = audit("--verify", "--json")
    assert told.exit_code == 1
    assert json.loads(told.output)["broken"] == 2


def test_a_torn_line_is_named_and_right(log: Audit) -> None:
    put_lines(log, [*lines(log), b'{"number":4'])
    said = audit("--verify")
    assert said.exit_code == 0
    assert "Line 4 was begun only" in said.output


def test_a_log_that_cannot_be_read_is_explained(log: Audit) -> None:
    assert log.database.path
    log.database.path.chmod(0o666)
    said = audit()
    assert said.exit_code == 2
    assert "chmod 600" in said.output


def test_searches_for_some_words_can_be_picked_out(log: Audit) -> None:
    digest = digest_of_words(log.words_key(), "Salary of Ada")
    log.write("q@example.com", "search", "why", f"words {digest}; person grace", at=AT)
    for number in range(30):
        log.write("q@example.com", "reveal", "why", f"s{number}", at=AT)
    said = audit("--words", "ada  OF salary")
    assert said.output.splitlines() == [
        f"2026-05-04 09:30:00 UTC  q@example.com  search  words {digest}; person grace  why"
    ]
    assert "Nothing" in audit("--words", "salary").stderr


def test_the_key_of_the_log_is_made_once_and_for_this_account_only(log: Audit) -> None:
    key = log.words_key()
    path = log.database.folder / "audit.key"
    assert len(key) >= 32
    assert log.words_key() == key
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    with pytest.raises(AuditError, match="chmod 600"):
        log.words_key()
    path.chmod(0o600)
    path.write_text("of somebody's own")
    with pytest.raises(AuditError, match="no key"):
        log.words_key()
    assert path.read_text() == "of somebody's own"


def test_parts_without_a_key_and_with_another_are_told_apart(
    log: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_KEY", "another key of theirs")
    state_files.audit_log(settings.read()).write("ada", "login", at=AT)
    said = audit("--verify")
    assert said.exit_code == 0
    assert "3 entries cannot be checked: the key that they were signed with" in said.output
    assert log.verify().broken == 4
    monkeypatch.delenv("BRIDGEBOARD_AUDIT_KEY")
    said = audit("--verify")
    assert said.exit_code == 1
    assert "From line 4 on nothing can be checked" in said.output
    assert "broken" not in said.output


def test_a_key_stands_in_a_file_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_text("short")
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_KEY_FILE", str(file))
    assert "fewer than 16 characters" in audit().output
    file.write_text("a key of the operator")
    state_files.audit_log(settings.read()).write("ada", "login", at=AT)
    assert audit("--verify").exit_code == 0
    assert not (tmp_path / "data" / "audit.key").exists()


def test_entries_are_handed_on_and_found_again_by_their_digest(
    log: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No audit_target is set" in audit("--send").output
    target = tmp_path / "there" / "audit.jsonl"
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_TARGET", str(target))
    said = audit("--send")
    assert said.exit_code == 2
    assert "took entries up to 0" in said.output
    looked = run("check")
    assert "has not taken entries of the audit log since" in looked.output
    target.parent.mkdir()
    assert "has all entries up to 3" in audit("--send").output
    assert "has the audit log up to entry 3" in run("check").output
    digest = json.loads(target.read_text().splitlines()[-1])["digest"]
    assert audit("--holds", digest).output == "Entry 3 has this digest.\n"
    put_lines(log, lines(log)[:-1])
    assert audit("--verify").exit_code == 0
    assert audit("--holds", digest).exit_code == 1


def test_a_target_that_is_none_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_TARGET", "somewhere")
    assert "no absolute path of a file" in audit("--send").output
    assert "no absolute path of a file" in run("check").output


def test_a_log_is_put_into_a_file_and_a_new_one_begins(log: Audit, tmp_path: Path) -> None:
    before, file = lines(log), tmp_path / "log of 2026.jsonl"
    said = audit("--move-to", str(file))
    assert said.output == f"{file} holds the log's 3 lines. A new one began.\n"
    assert file.read_bytes() == b"".join(before)
    assert [entry.what for entry in log.entries()] == ["move audit log"]
    again = audit("--move-to", str(file))
    assert (again.exit_code, "File exists" in again.output) == (2, True)


def test_dashboards_share_a_log_and_none_needs_the_folder_of_another(
    postgres: databases.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "address"
    file.write_text(postgres.fresh())
    monkeypatch.setenv("BRIDGEBOARD_STATE_URL_FILE", str(file))
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_KEY", "a key that all dashboards have")
    for name in ("one", "other"):
        monkeypatch.setenv("BRIDGEBOARD_DATA", str(tmp_path / name))
        state_files.audit_log(settings.read()).write(name, "login", at=AT)
    assert [line.split("  ")[1] for line in audit().output.splitlines()] == ["one", "other"]
    assert audit("--verify").exit_code == 0
    assert "audit log are in PostgreSQL at this machine" in run("check").output
    assert not list(tmp_path.glob("*/state.sqlite"))


def test_a_dashboard_with_another_key_than_the_others_does_not_start_until_that_is_accepted(
    postgres: databases.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBOARD_STATE_URL", postgres.fresh())
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_KEY", "a key that all dashboards have")
    web_app.note_settings(settings.read())
    monkeypatch.setenv("BRIDGEBOARD_DATA", str(tmp_path / "other"))
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_KEY", "another key of theirs")
    said = run("serve", "--port", str(free_port()))
    assert said.exit_code == 2
    assert "need the same audit_key" in said.output
    assert [one.what for one in state_files.audit_log(settings.read()).entries()] == ["settings"]
    said = audit("--new-key")
    assert re.fullmatch(
        r"Entry 3 is signed with the key [0-9a-f]{16}, as is what follows it\.\n", said.output
    )
    web_app.note_settings(settings.read())
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_KEY", "a key that all dashboards have")
    with pytest.raises(SettingsError, match="need the same audit_key"):
        web_app.note_settings(settings.read())


def test_a_postgres_that_is_away_is_told_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = f"postgresql://ada:s3same@127.0.0.1:{free_port()}/state"
    monkeypatch.setenv("BRIDGEBOARD_STATE_URL", url)
    (tmp_path / "data").mkdir(mode=0o700)
    for said in (audit(), run("check"), run("logout", "ada")):
        assert said.exit_code in {1, 2}
        assert "PostgreSQL at 127.0.0.1 cannot be" in said.output
        assert "s3same" not in said.output


def test_the_target_gets_the_rest_of_a_log_before_it_is_put_into_a_file(
    log: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_TARGET", str(tmp_path / "target"))
    said = audit("--move-to", str(tmp_path / "first"))
    assert "A new one began." in said.output
    assert len((tmp_path / "target").read_bytes().splitlines()) == 3
    monkeypatch.setenv("BRIDGEBOARD_AUDIT_TARGET", str(tmp_path / "no folder" / "target"))
    said = audit("--move-to", str(tmp_path / "second"))
    assert said.exit_code == 0
    assert "What the target has not got is in that file only." in said.output
    assert [entry.what for entry in log.entries()] == ["move audit log"]
