"""One person is found, exported and erased, and nothing of them is left or comes back."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest
from conftest import END
from file_bytes import readable
from slow_cases import one_fast
from test_cli_store_commands import run, store_in

from bridgeboard import state
from bridgeboard.demo.api import Profile
from bridgeboard.model.store import StoreError
from bridgeboard.runtime import demo_company
from bridgeboard.runtime.demo_company import Running
from bridgeboard.state import Database, StateError
from bridgeboard.state.alert_outbox import AlertOutbox
from bridgeboard.state.audit import Audit
from bridgeboard.state.login_groups import LoginGroups
from bridgeboard.state.saved_views import Note, SavedViews, View
from bridgeboard.store import Store, erasure, person_lookup

pytestmark = pytest.mark.usefixtures("no_settings")
MOST = """
    SELECT i.id::VARCHAR, i.username, i.name, i.initiator FROM initiators i JOIN usage u
    USING (initiator) JOIN prompts p USING (usage) WHERE i.name <> ''
    GROUP BY ALL ORDER BY count(*) DESC LIMIT 1
"""
TEXTS = """
    SELECT DISTINCT p.text FROM prompts p JOIN usage u USING (usage) WHERE u.initiator = $1
    AND length(p.text) > 40 AND NOT EXISTS (
        SELECT 1 FROM prompts o JOIN usage v USING (usage)
        WHERE v.initiator <> $1 AND contains(o.text, left(p.text, 40)))
"""
SUMS = "SELECT count(*), sum(input), sum(output), sum(cost) FROM usage"
PROFILES: tuple[Profile, ...] = ("v2.34", "newer")


class Person(NamedTuple):
    id: str
    username: str
    name: str
    key: int
    texts: list[str]


@pytest.fixture(scope="module", params=one_fast(PROFILES))
def served(request: pytest.FixtureRequest) -> Iterator[Running]:
    demo = demo_company.Demo(profile=request.param, seed=7, days=10, scale=0.07, end=END)
    with demo_company.demo_server(demo, END) as server:
        yield server


@pytest.fixture(scope="module")
def filled(served: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after one sync; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("filled")
    said = run("sync", running=served, folder=folder)
    assert said.exit_code == 0, said.output
    return folder


@pytest.fixture
def data(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "data"))


def somebody(folder: Path) -> Person:
    with store_in(folder) as opened:
        ((id_, username, name, key),) = opened.rows(MOST)
        return Person(id_, username, name, key, [text for (text,) in opened.rows(TEXTS, [key])])


def traces(folder: Path, who: Person) -> set[str]:
    """What can be read of somebody in the bytes of a folder."""
    held = readable(folder)
    stored = (UUID(who.id).int ^ (1 << 127)).to_bytes(16, "little")
    found = {text for text in who.texts if text[:40].encode() in held}
    if who.id.encode() in held or stored in held or UUID(who.id).bytes in held:
        found.add("id")
    if who.username.encode() in held:
        found.add("username")
    if who.name.encode() in held:
        found.add("name")
    return found


def read_again(folder: Path) -> None:
    """Let the next sync read everything again and take nothing for known."""
    with store_in(folder) as opened, opened.write() as batch:
        batch.execute("DELETE FROM windows")
        batch.execute("UPDATE usage SET digest = 0")
        batch.execute("UPDATE sessions SET digest = 0, detailed_digest = NULL")


def sums(folder: Path) -> list[tuple[object, ...]]:
    with store_in(folder) as opened:
        return opened.rows(SUMS)


def test_an_erased_person_is_in_no_published_copy(
    served: Running, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = data / "copies"
    monkeypatch.setenv("BRIDGEBOARD_PUBLISH_FOLDER", str(copies))
    for _ in range(2):
        said = run("sync", running=served, folder=data)
        assert said.exit_code == 0, said.output
    who = somebody(data)
    assert traces(copies, who) >= {"id", "username"}
    said = run("person", "erase", who.username, "--reason", "x", running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert "2 published copies of the store deleted" in said.output
    assert list(copies.iterdir()) == []
    said = run("sync", running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert list(copies.glob("*.duckdb"))
    assert traces(data, who) == set()


@pytest.mark.parametrize("numbers", one_fast(["keep", "delete"]))
def test_an_erased_person_is_in_no_byte_and_no_sync_brings_them_back(
    served: Running, data: Path, numbers: str
) -> None:
    who, before = somebody(data), sums(data)
    assert who.texts
    assert traces(data, who) >= {"id", "username", *who.texts[:1]}
    said = run(
        "person", "erase", who.username, "--reason", "they asked", "--numbers", numbers,
        running=served, folder=data,
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert traces(data, who) == set()
    after = sums(data)
    assert (after == before) == (numbers == "keep")
    read_again(data)
    said = run("sync", running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert traces(data, who) == set()
    assert sums(data) == after
    with store_in(data) as opened:
        left = opened.rows("SELECT username, name FROM initiators WHERE username LIKE 'erased-%'")
        assert [name for _, name in left] == [""] * (numbers == "keep")
        assert opened.rows("SELECT count(*) FROM prompts")[0][0] > 0


def test_whoever_only_coder_named_is_exported_and_erased_by_their_name(
    served: Running, data: Path, tmp_path: Path
) -> None:
    who = Person("8d0c2a54-63f1-4a8e-9b57-1f2e3d4c5b6a", "zq-idle", "", 0, [])
    with store_in(data) as opened, opened.write() as batch:
        batch.execute(
            "INSERT INTO coder_members VALUES ($1, $1, '1900-01-01', '3000-01-01')", [who.id]
        )
        batch.execute(
            "INSERT INTO coder_member_spend BY NAME SELECT DATE '2026-11-01' AS month,"
            " $1 AS person, $1 AS coder_group, $2 AS username, 0 AS spend_micros,"
            " TIMESTAMP '2026-11-02' AS read_at",
            [who.id, who.username],
        )
    other = shutil.copytree(data, tmp_path / "other")  # the audit log keeps whom one exported
    said = run(
        "person", "export", who.username, "--out", str(tmp_path / "out"),
        running=served, folder=other,
    )  # fmt: skip
    assert (said.exit_code, "Wrote 3 rows about zq-idle" in said.output) == (0, True)
    said = run("person", "erase", who.username, "--reason", "left", running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert "used nothing so far" in said.output
    assert traces(data, who) == {"name"}  # the empty one is everywhere


def test_what_is_exported_is_all_and_only_theirs(
    served: Running, data: Path, tmp_path: Path
) -> None:
    who, folder = somebody(data), tmp_path / "out"
    with store_in(data) as opened:
        saved = SavedViews(state.opened(data), opened.path.stem)
        saved.keep(View("mine", "people", f"users={who.username}"))
        saved.keep(View("all", "people", "users=somebody-else"))
        groups = LoginGroups(state.opened(data))
        for name in (who.username, "somebody-else"):
            groups.note(name, ["ops"], datetime(2026, 11, 20, tzinfo=UTC))
        expected = dict(
            opened.rows(
                "SELECT 'usage', count(*) FROM usage WHERE initiator = $1 UNION ALL"
                " SELECT 'prompts', count(*) FROM prompts JOIN usage USING (usage)"
                " WHERE initiator = $1",
                [who.key],
            )
        )
    said = run("person", "export", who.id, "--out", str(folder), running=served, folder=data)
    assert said.exit_code == 0, said.output

    def rows(name: str) -> list[dict[str, object]]:
        # Not by other separators of lines: people may have written some.
        lines = (folder / f"{name}.jsonl").read_text("utf-8").split("\n")
        return [json.loads(line) for line in lines if line]

    assert {name: len(rows(name)) for name in expected} == expected
    assert {row["initiator"] for row in rows("usage")} == {who.key}
    assert set(who.texts) <= {row["text"] for row in rows("prompts")}
    assert [row["name"] for row in rows("views")] == ["mine"]
    assert [(row["username"], row["groups"]) for row in rows("login_groups")] == [
        (who.username, ["ops"])
    ]
    assert [row["id"] for row in rows("initiators")] == [who.id]
    again = run("person", "export", who.id, "--out", str(folder), running=served, folder=data)
    assert again.exit_code == 2
    assert "name a new folder" in again.output


def test_what_logins_told_goes_with_a_person_and_of_whom_the_store_does_not_know(
    served: Running, data: Path
) -> None:
    who, groups = somebody(data), LoginGroups(state.opened(data))
    for name in (who.username, "only-logs-in", "another"):
        groups.note(name, ["crew-of-nobody"], datetime(2026, 11, 20, tzinfo=UTC))
    given = {"BRIDGEBOARD_TEAMS_FROM": "login"}
    said = run("check", running=served, folder=data, **given)
    assert "1 team from the groups that logins told of 1 person" in " ".join(said.output.split())
    for name in (who.username.upper(), "Only-Logs-In"):
        said = run("person", "erase", name, "--reason", "asked", running=served, folder=data)
        assert said.exit_code == 0, said.output
    assert "The store knows nobody of this name" in said.output
    assert [one.username for one in groups.readings()] == ["another"]
    assert b"only-logs-in" not in readable(data)
    assert traces(data, who) == set()
    assert run("sync", running=served, folder=data, **given).exit_code == 0
    assert traces(data, who) == set()
    with store_in(data) as opened:
        assert opened.rows("FROM memberships") == []
    said = run("person", "erase", "nobody", "--reason", "asked", running=served, folder=data)
    assert said.exit_code != 0
    assert [one.username for one in groups.readings()] == ["another"]


def test_views_notes_and_backups_that_name_them_are_found(
    served: Running, data: Path, tmp_path: Path
) -> None:
    who = somebody(data)
    backups = tmp_path / "backups"
    assert run("backup", str(backups / "old"), running=served, folder=data).exit_code == 0
    with store_in(data) as opened:
        path = opened.path
    every_saved = [SavedViews(state.opened(data), path.stem, audience) for audience in ("", "ab12")]
    former = path.with_suffix(".desk-cd34.json.migrated")
    former.write_text(json.dumps({"views": {"x": {"page": "a", "query": f"u={who.username}"}}}))
    path.with_suffix(".desk.json.migrated").write_text('{"views": {}, "notes": {}}')
    for saved in every_saved:
        saved.keep(View(f"of {who.username}", "people", ""))
        saved.keep(View("everybody", "people", "period=7d"))
        seen = Note("seen", datetime(2026, 11, 20, tzinfo=UTC))
        saved.write(f"spend:{who.id}", seen)
        saved.write(f"spend_spike/initiator/{who.key}/2026-11-12", seen)
        saved.write(f"spend_spike/initiator/{who.key}0/2026-11-12", seen)
    outbox = AlertOutbox(state.opened(data), path.stem)
    row = {"kind": "findings", "level": 0}
    texts = {"d": f"Runaway session of {who.username}", "e": "Gap in the data"}
    rows = [{**row, "digest": digest, "text": text} for digest, text in texts.items()]
    outbox.put("Ada", rows, datetime(2026, 11, 20, tzinfo=UTC))
    kept = path.with_name(f"{path.name}.damaged-20261120-170000")
    kept.write_bytes(b"")
    said = run(
        "person", "erase", who.id, "--reason", "they asked", "--backups", str(backups),
        running=served, folder=data,
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    assert f"{backups / 'old'} still holds them" in said.output
    assert f"{kept} still holds them" in said.output
    assert "6 views and notes went with them" in said.output
    assert f"{former} still holds them" in said.output
    assert ".desk.json.migrated" not in said.output
    former.unlink()
    assert [one.text for one in outbox.alerts()] == ["Gap in the data"]
    for saved in every_saved:
        assert [view.name for view in saved.views()] == ["everybody"]
        assert [*saved.notes()] == [f"spend_spike/initiator/{who.key}0/2026-11-12"]
    assert traces(data, who) == set()
    log = Audit(state.opened(data))
    assert log.verify().good
    (entry,) = log.entries()
    assert (entry.who, entry.what, entry.why) == ("operator", "erase person", "they asked")
    assert entry.about.startswith("erased-")


def test_threads_in_quarantine_are_exported_with_whose_requests_they_are(
    served: Running, data: Path, tmp_path: Path
) -> None:
    who, folder = somebody(data), tmp_path / "out"
    one_of = "SELECT id::VARCHAR FROM usage WHERE id IS NOT NULL AND initiator {} $1 LIMIT 1"
    put = "INSERT INTO quarantine VALUES (now(), 'thread', ?, 'odd', ?, 1)"
    with store_in(data) as opened, opened.write() as batch:
        ((own,),) = opened.rows(one_of.format("="), [who.key])
        ((other,),) = opened.rows(one_of.format("<>"), [who.key])
        batch.execute(put, [own, "{}"])
        batch.execute(put, ["by an action", json.dumps({"agentic_actions": [{"id": own.upper()}]})])
        batch.execute(put, [other, json.dumps({"id": other})])
        batch.execute(put, ["named", json.dumps({"user": who.username.upper()})])
    said = run("person", "export", who.id, "--out", str(folder), running=served, folder=data)
    assert said.exit_code == 0, said.output
    lines = (folder / "quarantine.jsonl").read_text("utf-8").splitlines()
    assert {json.loads(line)["identity"] for line in lines} == {own, "by an action", "named"}


def test_restoring_a_backup_names_who_was_erased_since(
    served: Running, data: Path, tmp_path: Path
) -> None:
    who, kept = somebody(data), str(tmp_path / "kept")
    assert run("backup", kept, running=served, folder=data).exit_code == 0
    said = run("person", "erase", who.id, "--reason", "x", running=served, folder=data)
    assert said.exit_code == 0, said.output
    (alias,) = re.findall(r"erased-[0-9a-f]{8}", said.output)
    with store_in(data) as opened:
        path = opened.path
    path.rename(tmp_path / "away")
    said = run("restore", kept, running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert "1 person was erased after that backup was made, and now" in said.output
    assert alias not in said.output
    with store_in(data) as opened:
        assert not person_lookup.people_called(opened, who.id)
    for file in data.glob("*.erased.json"):
        file.unlink()
    path.rename(tmp_path / "away")
    said = run("restore", kept, running=served, folder=data)
    assert "1 person was erased (" in said.output
    assert alias in said.output
    erased = run("person", "erase", who.id, "--reason", "x", running=served, folder=data)
    assert erased.exit_code == 0, erased.output
    later = tmp_path / "later"
    assert run("backup", str(later), running=served, folder=data).exit_code == 0
    path.rename(tmp_path / "away")
    said = run("restore", str(later), running=served, folder=data)
    assert "names nobody else who was erased after" in said.output


def test_views_and_notes_of_a_backup_that_name_who_was_erased_since_do_not_come_back(
    served: Running, data: Path, tmp_path: Path
) -> None:
    who, kept = somebody(data), str(tmp_path / "kept")
    with store_in(data) as opened:
        path = opened.path
    every_saved = [SavedViews(state.opened(data), path.stem, audience) for audience in ("", "ab12")]
    for saved in every_saved:
        saved.keep(View(f"of {who.username}", "people", ""))
        saved.keep(View("everybody", "people", "period=7d"))
        saved.write(f"spend:{who.id}", Note("seen", datetime(2026, 11, 20, tzinfo=UTC)))
    groups = LoginGroups(state.opened(data))
    for name in (who.username, "another"):
        groups.note(name, ["ops"], datetime(2026, 11, 20, tzinfo=UTC))
    assert run("backup", kept, running=served, folder=data).exit_code == 0
    said = run("person", "erase", who.id, "--reason", "x", running=served, folder=data)
    assert said.exit_code == 0, said.output
    path.rename(tmp_path / "away")
    state.opened(data).close()
    for file in data.glob("state.sqlite*"):
        file.unlink()
    said = run("restore", kept, running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert "but for 4 views and notes in which somebody is named" in said.output
    for saved in every_saved:
        assert [view.name for view in saved.views()] == ["everybody"]
        assert not saved.notes()
    assert [one.username for one in groups.readings()] == ["another"]
    assert traces(data, who) == set()


def test_a_name_that_several_had_is_refused_with_their_ids(served: Running, data: Path) -> None:
    who = somebody(data)
    with store_in(data) as opened, opened.write() as batch:
        batch.execute("UPDATE initiators SET username = ?", [who.username])
    for command in (["erase", "--reason", "x"], ["export", "--out", "somewhere"]):
        said = run("person", command[0], who.username, *command[1:], running=served, folder=data)
        assert said.exit_code == 2
        assert "people have had the user name" in said.output
        assert who.id in said.output
    said = run("person", "erase", "nobody-at-all", "--reason", "x", running=served, folder=data)
    assert "knows nobody" in said.output
    assert run("person", "erase", who.id, "--reason", " ", running=served, folder=data).exit_code


def test_somebody_who_was_renamed_is_found_by_any_name_and_none_is_left(
    served: Running, data: Path, tmp_path: Path
) -> None:
    who = somebody(data)
    with store_in(data) as opened, opened.write() as batch:
        batch.execute("INSERT INTO former_names VALUES (?, 'maiden-name')", [who.key])
        batch.execute(
            "INSERT INTO memberships VALUES ('maiden-name', 'Search', '2026-01-01', '2027-01-01')"
        )
    out = tmp_path / "out"
    said = run("person", "export", "Maiden-Name", "--out", str(out), running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert "maiden-name" in (out / "former_names.jsonl").read_text()
    assert "Search" in (out / "memberships.jsonl").read_text()
    said = run("person", "erase", "maiden-name", "--reason", "x", running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert b"maiden-name" not in readable(data)
    # The audit log keeps that they were exported, and cannot be changed.
    (data / "state.sqlite").unlink()
    assert traces(data, who) == set()


def test_nothing_is_erased_that_cannot_be_noted(served: Running, data: Path) -> None:
    who = somebody(data)
    (data / "state.sqlite").mkdir()
    said = run("person", "erase", who.id, "--reason", "x", running=served, folder=data)
    assert said.exit_code == 2
    with store_in(data) as opened:
        assert person_lookup.people_called(opened, who.id)
        assert opened.rows(TEXTS, [who.key])


def test_whoever_is_killed_before_the_file_is_rewritten_leaves_that_to_the_next_sync(
    served: Running, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = somebody(data)

    class KilledError(Exception):
        pass

    def die(_: Store) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Store, "rewrite", die)
        said = run("person", "erase", who.id, "--reason", "x", running=served, folder=data)
        assert isinstance(said.exception, KilledError)
    assert traces(data, who)
    assert run("sync", running=served, folder=data).exit_code == 0
    assert traces(data, who) == set()


@pytest.mark.parametrize("file", ["store", "state"])
def test_an_erasure_that_leaves_bytes_says_all_the_same_who_it_was_and_is_finished_by_another_run(
    served: Running, data: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    who = somebody(data)
    with store_in(data) as opened:
        SavedViews(state.opened(data), opened.path.stem).keep(View(f"of {who.name}", "people", ""))
    state.opened(data).close()

    def fail(_: object) -> None:
        raise StoreError("There is no room.") if file == "store" else StateError("It is locked.")

    erase = ("person", "erase", who.id, "--reason", "x")
    with monkeypatch.context() as patch:
        patch.setattr(*((Store, "rewrite") if file == "store" else (Database, "scrub")), fail)
        said = run(*erase, running=served, folder=data)
    assert said.exit_code == 2
    assert "Their numbers stay under the name erased-" in said.output
    assert "Backups elsewhere may still hold them" in said.output
    assert "can still be read in the bytes of files. " in said.output
    if file == "store":
        assert traces(data, who)
    said = run(*erase, running=served, folder=data)
    assert said.exit_code == 2
    assert "knows nobody" in said.output
    assert traces(data, who) == set()


def test_a_record_in_quarantine_that_names_them_loses_its_words_and_stays_without(
    served: Running, data: Path
) -> None:
    who = somebody(data)
    raw = json.dumps({"initiator": {"id": who.id, "username": who.username}, "prompt": "PRIVATE"})
    put = "INSERT INTO quarantine VALUES (now(), 'interception', 'x', 'odd', ?, 1)"
    with store_in(data) as opened, opened.write() as batch:
        batch.execute(put, [raw])
        # A thread does not say whose it is.
        batch.execute(put.replace("'interception'", "'thread'"), ['{"prompt": "PRIVATE thread"}'])
    said = run("person", "erase", who.id, "--reason", "x", running=served, folder=data)
    assert said.exit_code == 0, said.output
    assert b"PRIVATE" not in readable(data)
    with store_in(data) as opened:
        assert opened.rows("SELECT raw FROM quarantine WHERE identity = 'x'") == [("",), ("",)]
        with opened.snapshot() as reader:
            other = raw.replace(who.id[:8], "00000000")
            assert erasure.is_about_erased(reader, "interception", raw)
            assert not erasure.is_about_erased(reader, "interception", other)
            assert erasure.is_about_erased(reader, "thread", other)
