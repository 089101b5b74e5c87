"""The commands that keep the store: sync, reprice, backup, restore."""

import os
import re
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import commands
import pytest
import truth
from conftest import END, SMALLEST
from file_bytes import readable
from typer.testing import Result

from bridgeboard import formats, state
from bridgeboard.analysis.sync_history import Run
from bridgeboard.cli import store_commands
from bridgeboard.model.store_status import Counts, DayCount
from bridgeboard.runtime import demo_company
from bridgeboard.runtime.demo_company import Running
from bridgeboard.state import Database, StateError, audit
from bridgeboard.state import backup as of_state
from bridgeboard.state.audit import Audit
from bridgeboard.store import Store, sync_state
from bridgeboard.store.sync_state import Suspect

pytestmark = pytest.mark.usefixtures("no_settings")
ROWS_READ = "7 rows of the session list and details of 3 sessions read."
REQUESTS_READ = "1,200 requests read, 40 new or changed;"
STOPPED = " Stopped; the next sync goes on from here."


@pytest.fixture(scope="module")
def running(smallest: Running) -> Running:
    return smallest


@pytest.fixture(scope="module")
def synced(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after one ``bridgeboard sync``; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("synced")
    said = run("sync", running=running, folder=folder)
    assert said.exit_code == 0, said.output
    Path(folder, "said.txt").write_text(said.output, "utf-8")
    return folder


@pytest.fixture
def folder(synced: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(synced, tmp_path / "data"))


def environment(running: Running | None, folder: Path) -> dict[str, str]:
    named = {"BRIDGEBOARD_DATA": str(folder), "BRIDGEBOARD_STORE_MEMORY_MB": "256"}
    if running:
        named |= {"CODER_URL": running.url, "CODER_SESSION_TOKEN": running.tokens["owner"]}
    return named


def run(*arguments: str, running: Running | None, folder: Path, **more: str) -> Result:
    return commands.run(*arguments, **environment(running, folder) | more)


def store_in(folder: Path) -> Store:
    (path,) = folder.glob("*.duckdb")
    return Store.open(path, memory_mb=256)


def test_sync_copies_everything_and_says_how_much(synced: Path) -> None:
    served, _ = demo_company.bridge(SMALLEST, END)
    requests = len(truth.finished(served.tables))
    sessions = len(truth.sessions(truth.finished(served.tables)))
    with store_in(synced) as opened:
        assert opened.rows("SELECT count(*) FROM usage") == [(requests,)]
    said = Path(synced, "said.txt").read_text("utf-8")
    assert f"{requests:,} requests read, {requests:,} new or changed; " in said
    told = re.search(r"; (\d+) rows of the session list and details of (\d+) sessions read", said)
    assert told
    # One that goes over midnight is listed on both days; several people may share one id.
    assert int(told[1]) >= sessions >= int(told[2]) > 0
    assert "could not be read" not in said


def test_a_second_sync_reads_the_last_day_again_and_finds_nothing_new(
    running: Running, folder: Path
) -> None:
    said = run("sync", running=running, folder=folder)
    assert said.exit_code == 0
    assert re.search(r"^[1-9]\d* requests? read, 0 new or changed; ", said.output, re.MULTILINE)
    assert running.tokens["owner"] not in said.output


def test_a_sync_and_the_check_tell_how_many_records_wait_in_quarantine(
    running: Running, folder: Path
) -> None:
    broken = Suspect("x", "it is no request", "{}")
    with store_in(folder) as opened, opened.write() as batch:
        sync_state.quarantine(batch, "interception", [broken], END)
    said = run("sync", running=running, folder=folder)
    assert "1 record could not be read: `bridgeboard check` says what to do." in said.output
    checked = run("check", running=running, folder=folder)
    assert checked.exit_code == 1
    assert "✗ 1 record could not be read and wait in quarantine. " in checked.output


@pytest.mark.parametrize(
    ("generation", "outcome", "told"),
    [
        ("sessions", "done", ROWS_READ),
        (
            "interceptions",
            "stopped",
            f"1,200 requests read, 40 new or changed; {ROWS_READ}{STOPPED}",
        ),
    ],
)
def test_the_summary_of_a_sync_is_its_line_in_the_journal(
    generation: str, outcome: str, told: str
) -> None:
    counts = Counts(read_rows=1200, changed_rows=40, sessions=7, details=3)
    assert store_commands.summary(Run(END, END, generation, outcome, counts, ""), 0) == told


def test_sync_needs_a_deployment(folder: Path) -> None:
    said = run("sync", running=None, folder=folder)
    assert said.exit_code == 2
    assert "CODER_URL" in said.output


@pytest.mark.parametrize("span", ["30", "d", "0d", "-3d", "30y"])
def test_a_span_that_is_none_is_refused(span: str, running: Running, folder: Path) -> None:
    said = run("sync", "--since", span, running=running, folder=folder)
    assert said.exit_code == 2
    assert "30d" in said.output


def test_since_reads_no_further_back(running: Running, tmp_path: Path) -> None:
    # The demo company stands still, so the span reaches from its end to this day.
    days = (store_commands.now() - END).days + 3
    said = run("sync", "--since", f"{days}d", running=running, folder=tmp_path / "data")
    assert said.exit_code == 0, said.output
    with store_in(tmp_path / "data") as opened:
        ((first, count),) = opened.rows("SELECT min(started_at), count(*) FROM usage")
    assert count
    assert (END.replace(tzinfo=None) - first).days <= 4


def test_nothing_in_quarantine_is_nothing_to_requeue(running: Running, folder: Path) -> None:
    said = run("sync", "--requeue", running=running, folder=folder)
    assert said.exit_code == 0
    assert "0 records could be read now; 0 stay" in said.output


def test_reprice_asks_no_server_and_takes_the_file_into_account(
    running: Running, folder: Path, tmp_path: Path
) -> None:
    named = {"CODER_URL": running.url}
    before = spent(folder)
    prices = tmp_path / "prices.toml"
    prices.write_text('[[price]]\nprovider_name = "anthropic"\nmultiplier = 0.5\n', "utf-8")
    said = run("reprice", running=None, folder=folder, BRIDGEBOARD_PRICES=str(prices), **named)
    assert said.exit_code == 0, said.output
    assert 0 < spent(folder) < before
    again = run("reprice", running=None, folder=folder, **named)
    assert again.exit_code == 0
    assert spent(folder) == before


def spent(folder: Path) -> int:
    with store_in(folder) as opened:
        return int(opened.rows("SELECT sum(cost) FROM usage")[0][0])


def test_a_backup_restored_elsewhere_is_the_same_store(
    running: Running, folder: Path, tmp_path: Path
) -> None:
    named = {"CODER_URL": running.url}
    Audit(state.opened(folder)).write("ada", "login", at=END)
    said = run("backup", str(tmp_path / "kept"), running=None, folder=folder, **named)
    assert said.exit_code == 0, said.output
    elsewhere = tmp_path / "elsewhere"
    said = run("restore", str(tmp_path / "kept"), running=None, folder=elsewhere, **named)
    assert said.exit_code == 0, said.output
    assert spent(elsewhere) == spent(folder)
    assert "audit log are in" in said.output
    log = Audit(state.opened(elsewhere))
    assert (log.entries()[0].who, log.verify().good) == ("ada", True)
    for store in elsewhere.glob("*.duckdb"):
        store.unlink()
    said = run("restore", str(tmp_path / "kept"), running=None, folder=elsewhere, **named)
    assert "stays as it is" in said.output
    again = run("restore", str(tmp_path / "kept"), running=None, folder=elsewhere, **named)
    assert again.exit_code == 2
    assert "already" in again.output


def test_without_a_store_its_commands_say_how_to_make_one(running: Running, tmp_path: Path) -> None:
    for command in (["reprice"], ["backup", str(tmp_path / "kept")]):
        said = run(*command, running=running, folder=tmp_path / "none")
        assert said.exit_code == 2
        assert "bridgeboard sync" in said.output


def test_a_store_in_use_is_told_with_its_owner(running: Running, folder: Path) -> None:
    with store_in(folder):
        said = run("sync", running=running, folder=folder)
        checked = run("check", running=running, folder=folder)
    assert said.exit_code == 2
    assert "already open by pid" in said.output
    assert checked.exit_code == 0
    assert "in use" in checked.output


def test_check_tells_what_the_store_holds(running: Running, folder: Path) -> None:
    said = run("check", running=running, folder=folder)
    assert said.exit_code == 0, said.output
    assert "rows of usage" in said.output
    assert "details for 9" in said.output


def test_check_tells_of_a_first_sync_that_did_not_come_to_its_end(
    running: Running, folder: Path
) -> None:
    with store_in(folder) as opened, opened.write() as batch:
        batch.execute("UPDATE runs SET outcome = 'stopped'")
    said = run("check", running=running, folder=folder)
    assert said.exit_code == 1
    assert "The first sync has not come to its end" in said.output


def test_check_tells_what_the_deployment_counts_and_the_store_lacks(
    running: Running, folder: Path
) -> None:
    said = run("check", running=running, folder=folder)
    assert said.exit_code == 0, said.output
    assert re.search(r"On \d+ closed days the deployment counts [\d,]+ requests", said.output)
    lacking = DayCount("interceptions", END.date(), 12, 11, 0, END)
    with store_in(folder) as opened, opened.write() as batch:
        sync_state.put_counts(batch, [lacking])
    said = run("check", running=running, folder=folder)
    assert said.exit_code == 1
    assert "1 of 12 are missing" in said.output


def test_check_tells_what_is_wrong_with_the_files(running: Running, folder: Path) -> None:
    teams = folder / "teams.csv"
    teams.write_text("username,team\nada\n", "utf-8")
    said = run("check", running=running, folder=folder, BRIDGEBOARD_TEAMS=str(teams))
    assert said.exit_code == 1
    assert "line 2" in said.output


@pytest.mark.slow
def test_a_sync_that_is_stopped_politely_ends_well_and_goes_on(
    running: Running, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    with subprocess.Popen(
        [sys.executable, "-m", "bridgeboard", "sync", "--watch"],
        env=os.environ | environment(running, folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        seen = [line for line in iter(process.stdout.readline, "") if stop_at(line, process)]
        process.wait(60)
    assert process.returncode == 0, seen
    assert not any("Traceback" in line for line in seen)
    said = run("sync", running=running, folder=folder)
    assert said.exit_code == 0, said.output


def stop_at(line: str, process: subprocess.Popen[str]) -> bool:
    if "read," in line:
        process.send_signal(signal.SIGTERM)
    return True


@pytest.mark.slow
def test_a_sync_a_day_later_writes_the_file_anew_without_what_was_deleted(
    running: Running, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = END.replace(tzinfo=None) - timedelta(days=4)
    with store_in(folder) as opened:
        rows = opened.rows(
            "SELECT text[:60] FROM prompts GROUP BY 1 HAVING max(started_at) < ?", [limit]
        )
    old = [text.encode() for (text,) in rows]

    def left() -> int:
        held = readable(folder)
        return sum(text in held for text in old)

    monkeypatch.setattr(store_commands, "now", lambda: END)
    assert run("sync", running=running, folder=folder, BRIDGEBOARD_TEXT_DAYS="3").exit_code == 0
    # A few lie across the end of a compressed block.
    assert left() > len(old) * 0.9 > 20
    said = run("check", running=running, folder=folder)
    assert "can still be read in the store's file" in said.output
    monkeypatch.setattr(store_commands, "now", lambda: END + timedelta(days=1))
    assert run("sync", running=running, folder=folder, BRIDGEBOARD_TEXT_DAYS="3").exit_code == 0
    assert left() == 0
    assert "can still be read" not in run("check", running=running, folder=folder).output


def test_check_names_damaged_files_that_a_repair_kept(running: Running, folder: Path) -> None:
    (path,) = folder.glob("*.duckdb")
    kept = path.with_name(f"{path.name}.damaged-20261120-170000")
    shutil.copy(path, kept)
    said = run("check", running=running, folder=folder)
    assert said.exit_code == 1
    assert f"{kept} was kept when the store was repaired" in said.output


@pytest.mark.parametrize(
    "name",
    ["restored.duckdb", "restored.duckdb.wal", ".restored.duckdb.restoring",
     ".restored.duckdb.restoring.wal"],
)  # fmt: skip
def test_check_names_what_a_restore_left_that_was_killed(
    running: Running, folder: Path, name: str
) -> None:
    (folder / name).write_text("what people typed")
    said = run("check", running=running, folder=folder)
    assert said.exit_code == 1
    assert f"{folder / name} was kept when the store was repaired, or left by" in said.output


def test_a_copy_of_the_state_that_a_killed_restore_left_is_named(
    running: Running, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Audit(state.opened(folder)).write("ada", "login", at=END)
    kept, other = tmp_path / "kept", tmp_path / "other"
    assert run("backup", str(kept), running=running, folder=folder).exit_code == 0
    left: list[Path] = []

    def leave(copy: Database, _: Database) -> None:
        left.append(copy.folder.with_name(f"{copy.folder.name}x"))
        shutil.copytree(copy.folder, left[0])

    monkeypatch.setattr(of_state, "copy_rows", leave)
    run("restore", str(kept), running=running, folder=other)
    said = run("check", running=running, folder=other)
    assert said.exit_code == 1
    assert f"{left[0]} was left by a restore that was stopped." in said.output


def test_nothing_is_restored_beside_the_log_of_a_store_that_is_gone(
    running: Running, folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    assert run("backup", str(kept), running=running, folder=folder).exit_code == 0
    (path,) = folder.glob("*.duckdb")
    path.unlink()
    path.with_name(f"{path.name}.wal").write_bytes(b"x" * 5_000)
    said = run("restore", str(kept), running=running, folder=folder)
    assert said.exit_code == 2
    assert f"{path}.wal is there already: move it away first." in " ".join(said.output.split())
    assert not path.exists()
    assert not list(folder.glob("restored.duckdb*"))


def test_a_state_that_cannot_be_restored_is_told_before_the_store_is(
    running: Running, folder: Path, tmp_path: Path
) -> None:
    Audit(state.opened(folder)).write("ada", "login", at=END)
    kept = tmp_path / "kept"
    assert run("backup", str(kept), running=running, folder=folder).exit_code == 0
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    (other / "audit.key").write_text("another")
    said = run("restore", str(kept), running=running, folder=other)
    assert said.exit_code == 2
    assert "audit.key is another one than the backup's" in " ".join(said.output.split())
    assert not list(other.glob("*.duckdb"))
    (other / "audit.key").unlink()
    assert run("restore", str(kept), running=running, folder=other).exit_code == 0


def test_check_goes_on_where_it_cannot_be_told_how_far_the_audit_log_was_handed_on(
    running: Running, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StateError("It is locked.")

    monkeypatch.setattr(audit, "progress", fail)
    target = str(tmp_path / "target")
    said = run("check", running=running, folder=folder, BRIDGEBOARD_AUDIT_TARGET=target)
    assert said.exit_code == 1
    assert "✗ It is locked." in said.output
    assert "✓ The deployment answers at" in said.output


def test_check_names_instances_for_which_nobody_is_known_who_bills(
    running: Running, folder: Path, tmp_path: Path
) -> None:
    def unbilled(**more: str) -> list[str]:
        said = run("check", running=running, folder=folder, **more)
        return [line for line in said.output.splitlines() if "It is not known who bills" in line]

    with store_in(folder) as opened:
        where = "FILTER (provider_name = 'vllm-internal')"
        tokens = "sum(input + output + cache_read + cache_write)"
        ((requests, share),) = opened.rows(
            f"SELECT sum(requests) {where}, ({tokens} {where}) / {tokens} FROM usage"
        )
    (line,) = unbilled()
    assert f"for {requests:,} requests of the provider instance vllm-internal (type openai)" in line
    assert f"{formats.rate(share)} of all tokens and no known part of spend" in line
    assert 'below [vendors]: "vllm-internal" = "?"' in line
    prices = tmp_path / "prices.toml"
    prices.write_text('[vendors]\n"vllm-internal" = "none"\n')
    assert not unbilled(BRIDGEBOARD_PRICES=str(prices))
