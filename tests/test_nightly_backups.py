"""Backups that the dashboard makes every night: when, how many, and what is told of them."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import databases
import demo_sync
import pytest
from pydantic import SecretStr
from slow_cases import one_fast
from stores import contents
from test_background_sync import GIVE_UP_SECONDS

from bridgeboard import settings, store
from bridgeboard.cli import deployment_checks
from bridgeboard.model.store import StoreError
from bridgeboard.runtime import background_sync, nightly_backups, state_files, store_files
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.nightly_backups import NightlyBackups, backup_status, is_due, last_due
from bridgeboard.server import health
from bridgeboard.settings import DemoSettings, Settings, SettingsError
from bridgeboard.state.audit import Audit, Verdict
from bridgeboard.store import Store, StoreLocationError, backups, erasure_list, opening
from bridgeboard.store.schema import MIGRATIONS

HERE = Path(__file__).parent
BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
DAY = timedelta(days=1)
AT = time(2, 30)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synced store, closed; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("synced")
    with demo_sync.opened(folder) as opened:
        demo_sync.run(opened, demo_sync.bridge(demo_sync.latest(60)))
    return folder / "store.duckdb"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def opened(synced: Path, data: Path) -> Any:
    path = data / "store.duckdb"
    path.write_bytes(synced.read_bytes())
    path.chmod(0o600)
    with Store.open(path) as store:
        yield store


def settings_of(data: Path, **more: object) -> Settings:
    return Settings.model_construct(**{"data_folder": str(data), **more})  # type: ignore[arg-type]  # fields of Settings


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def files(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


# When.


@pytest.mark.parametrize(
    ("now", "last", "following"),
    [
        ("2026-11-20T01:29Z", "2026-11-19T01:30Z", "2026-11-20T01:30Z"),
        ("2026-11-20T01:30Z", "2026-11-20T01:30Z", "2026-11-21T01:30Z"),
        ("2026-03-29T12:00Z", "2026-03-29T01:30Z", "2026-03-30T00:30Z"),  # 02:30 is left out
        ("2026-10-25T12:00Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"),  # and is there twice
        ("2026-12-31T23:30Z", "2026-12-31T01:30Z", "2027-01-01T01:30Z"),
    ],
)
def test_a_backup_is_due_once_a_night_by_the_clock_of_the_zone(
    now: str, last: str, following: str
) -> None:
    moment, due, after = map(datetime.fromisoformat, (now, last, following))
    assert last_due(AT, moment, BERLIN) == due
    assert last_due(AT, moment, BERLIN, nights=1) == after


def test_what_is_due_is_what_was_not_made_since_the_last_night() -> None:
    assert is_due(AT, None, NIGHT, UTC)
    assert is_due(AT, NIGHT - DAY, NIGHT, UTC)
    assert not is_due(AT, NIGHT - DAY, NIGHT - timedelta(seconds=1), UTC)
    assert not is_due(AT, NIGHT, NIGHT + DAY - timedelta(seconds=1), UTC)
    assert is_due(AT, NIGHT + 300 * DAY, NIGHT, UTC), "a clock was ahead once"
    assert not is_due(None, None, NIGHT, UTC)


def test_nights_that_were_missed_are_made_up_by_one_backup(opened: Store, data: Path) -> None:
    clock = Clock(NIGHT)
    nightly = NightlyBackups(settings_of(data), clock, UTC)
    assert [nightly.make_if_due(opened), nightly.make_if_due(opened)] == [True, False]
    clock.now = NIGHT + timedelta(hours=23)
    assert not nightly.make_if_due(opened)
    clock.now = NIGHT + 9 * DAY + timedelta(hours=5)
    again = NightlyBackups(settings_of(data), clock, UTC)
    assert [again.make_if_due(opened), again.make_if_due(opened)] == [True, False]
    made = [one.made_at for one in again.status.good]
    assert made == [clock.now, NIGHT]
    assert again.status.next_at == NIGHT + 10 * DAY


def test_a_store_that_was_never_read_to_its_end_has_no_backup(data: Path) -> None:
    with Store.open(data / "store.duckdb") as opened:
        assert not NightlyBackups(settings_of(data), Clock(NIGHT), UTC).make_if_due(opened)
    assert files(data) == {"store.duckdb"}


@pytest.mark.parametrize("more", [{"backup_at": "off"}, {"demo": True}])
def test_none_are_made_where_they_are_off(opened: Store, data: Path, more: dict[str, Any]) -> None:
    chosen = settings_of(data, **more)
    if more.pop("demo", False):
        chosen = DemoSettings.of(chosen, "http://127.0.0.1:9", "token")
    nightly = NightlyBackups(chosen, Clock(NIGHT), UTC)
    assert not nightly.make_if_due(opened)
    assert nightly.status.next_at is None
    assert files(data) == {"store.duckdb"}


@pytest.mark.parametrize("text", ["24:00", "2:30", "02:30:00", "never", "02.30"])
def test_a_time_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("BRIDGEBOARD_BACKUP_AT", text)
    with pytest.raises(SettingsError, match="Write a time of day as 02:30, or off"):
        settings.read()


# What, and how many.


def test_a_backup_holds_the_store_and_what_stands_beside_it_for_this_account_only(
    opened: Store, data: Path
) -> None:
    settings = settings_of(data)
    state_files.audit_log(settings).write("ada", "login", at=NIGHT)
    (data / "bridgeboard.toml").write_text("")
    assert NightlyBackups(settings_of(data), Clock(NIGHT), UTC).make_if_due(opened)
    (made,) = (data / "backups").iterdir()
    assert made.name == "store-2026-11-21T023000Z"
    assert files(made / nightly_backups.STATE) == {"state.sqlite", "audit.key"}
    with databases.database(made / nightly_backups.STATE) as copy:
        assert Audit(copy).verify() == Verdict(1)
    every = [data / "backups", *(data / "backups").rglob("*")]
    assert {each.stat().st_mode & 0o777 for each in every if each.is_dir()} == {0o700}
    assert {each.stat().st_mode & 0o777 for each in every if each.is_file()} == {0o600}
    store.restore(made, data / "again.duckdb", now=NIGHT)
    with Store.open(data / "again.duckdb") as again:
        assert contents(again) == contents(opened)
    (told,) = store.backups_of(data / "backups", opened.path, NIGHT)
    assert told.bytes == sum(each.stat().st_size for each in made.rglob("*") if each.is_file())


def test_only_complete_backups_of_this_store_beyond_the_newest_are_deleted(
    opened: Store, data: Path
) -> None:
    folder = data / "backups"
    others = ("store-2026-01-01T023000Z", "other-2026-01-01T023000Z", "store", "mine")
    for name in others:
        (folder / name).mkdir(parents=True, mode=0o700)
        (folder / name / "note").write_text("no backup")
    folder.chmod(0o700)
    left = ("store-2026-01-02T023000Z.partial", "store-2026-01-02T023000Z.deleting")
    for name in left:
        (folder / name).mkdir()
    for night in range(4):
        store.add_backup(opened, folder, now=NIGHT + night * DAY, kept=2)
    assert files(folder) == {*others, "store-2026-11-23T023000Z", "store-2026-11-24T023000Z"}


def test_a_backup_of_a_clock_that_was_ahead_is_not_kept_in_place_of_later_ones(
    opened: Store, data: Path
) -> None:
    folder = data / "backups"
    store.add_backup(opened, folder, now=NIGHT + 900 * DAY, kept=1)
    for night in (0, 1):
        store.add_backup(opened, folder, now=NIGHT + night * DAY, kept=2)
    assert files(folder) == {"store-2026-11-21T023000Z", "store-2026-11-22T023000Z"}


def test_a_backup_that_fails_deletes_none_and_is_tried_again_an_hour_later(
    opened: Store, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(NIGHT)
    chosen = settings_of(data, backups_kept=1)
    nightly = NightlyBackups(chosen, clock, UTC)
    assert nightly.make_if_due(opened)
    clock.now = NIGHT + DAY
    with monkeypatch.context() as patch:
        patch.setattr(backups, "_digest", lambda _: "another")
        patch.setattr(backups, "check", lambda _: backups._parsed({}))
        assert not nightly.make_if_due(opened)
        assert nightly.status.problem
        assert "KeyError" in nightly.status.problem
    assert files(data / "backups") == {"store-2026-11-21T023000Z"}
    assert backup_status(chosen, opened.path, clock.now, UTC).problem == nightly.status.problem
    assert not nightly.make_if_due(opened)
    clock.now += nightly_backups.RETRY
    assert nightly.make_if_due(opened)
    assert nightly.status.problem is None
    assert files(data / "backups") == {"store-2026-11-22T033000Z"}
    assert files(data) == {"store.duckdb", "backups"}


def test_a_state_database_that_cannot_be_copied_is_no_fault_of_the_program(
    opened: Store, data: Path
) -> None:
    (data / "state.sqlite").mkdir()
    nightly = NightlyBackups(settings_of(data), Clock(NIGHT), UTC)
    assert not nightly.make_if_due(opened)
    assert nightly.status.problem
    assert f"{data / 'state.sqlite'} is no file: move it away." in nightly.status.problem
    assert "fault" not in nightly.status.problem


def test_what_is_wrong_with_the_folder_is_said(opened: Store, data: Path) -> None:
    folder = data / "backups"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(StoreLocationError, match=f"chmod 700 {folder}"):
        store.add_backup(opened, folder, now=NIGHT, kept=1)
    (data / "file").touch()
    with pytest.raises(StoreLocationError, match="backup_folder"):
        store.add_backup(opened, data / "file" / "backups", now=NIGHT, kept=1)


def test_a_backup_that_is_told_to_stop_leaves_nothing(opened: Store, data: Path) -> None:
    answers = iter([False, False, True])
    with pytest.raises(StoreError, match="told to stop"):
        store.add_backup(opened, data / "b", now=NIGHT, kept=1, stops=lambda: next(answers))
    assert files(data / "b") == set()
    nightly = NightlyBackups(settings_of(data), Clock(NIGHT), UTC)
    assert not nightly.make_if_due(opened, lambda: True)
    assert nightly.status.problem is None


def test_a_backup_of_an_earlier_schema_is_restored_by_a_repair(
    opened: Store, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = store.add_backup(opened, data / "backups", now=NIGHT, kept=1)
    opened.close()
    opened.path.write_bytes(b"")
    later = (*MIGRATIONS, "CREATE TABLE extra AS SELECT 7 AS weight")
    monkeypatch.setattr(opening, "MIGRATIONS", later)
    monkeypatch.setattr(backups, "MIGRATIONS", later)
    assert store.repair(opened.path, [made.path], now=NIGHT)
    with Store.open(opened.path) as again:
        assert again.meta("schema") == str(len(later))
        assert again.rows("SELECT weight FROM extra") == [(7,)]


# Beside readers and a writer.


def test_readers_and_a_writer_go_on_beside_a_backup_which_is_one_state(
    opened: Store, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They do their work while the backup is between two of its tables."""
    before = contents(opened)
    written = backups._written

    def beside(reader: Any, name: str, folder: Path) -> Any:
        with opened.write() as batch:
            batch.execute("INSERT INTO anomalies VALUES (now()::TIMESTAMP, 'odd', ?)", [name])
            batch.execute("DELETE FROM prompts")
        assert opened.rows("SELECT count(*) FROM prompts") == [(0,)]
        return written(reader, name, folder)

    monkeypatch.setattr(backups, "_written", beside)
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(store.add_backup, opened, data / "b", now=NIGHT, kept=1).result()
    store.restore(made.path, data / "again.duckdb", now=NIGHT)
    with Store.open(data / "again.duckdb") as again:
        after = contents(again)
    assert {name: after[name] for name in before} == before
    assert opened.rows("SELECT count(*) FROM prompts") == [(0,)]


def test_a_running_dashboard_makes_them_and_stops_when_told(
    synced: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = data / "store.duckdb"
    path.write_bytes(synced.read_bytes())
    path.chmod(0o600)
    made = threading.Event()
    make = NightlyBackups.make_if_due

    def noted(self: NightlyBackups, *arguments: Any) -> bool:
        is_made = make(self, *arguments)
        if is_made:
            made.set()
        return is_made

    monkeypatch.setattr(NightlyBackups, "make_if_due", noted)
    monkeypatch.setattr(background_sync, "BACKUP_POLL_SECONDS", 0.01)
    more = {"url": "http://127.0.0.1:9", "token": SecretStr("token"), "sync_seconds": 0}
    chosen = settings_of(data, **more)
    with BackgroundSync(chosen, clock=lambda: NIGHT, opened=Store.open(path)) as keeper:
        assert made.wait(GIVE_UP_SECONDS)
        status = keeper.backups.status
    assert [one.made_at for one in status.good] == [NIGHT]
    assert health.backed_up(status) == {
        "good": True,
        "last_good_at": NIGHT.isoformat(),
        "bytes": status.good[0].bytes,
    }
    Store.open(path).close()


# Killed, and full.

BACKER = """
import shutil, sys
from datetime import datetime
from pathlib import Path
from bridgeboard import private_files
from bridgeboard.store import Store, add_backup, backups

def announced(inner):
    def announcing(*arguments, **named):
        print(".", end="", flush=True)
        return inner(*arguments, **named)
    return announcing

for owner, names in (
    (backups, ("_written", "_write_manifest", "check", "_swap", "_clear", "_delete")),
    (private_files, ("make_durable",)),
    (shutil, ("rmtree",)),
    (Path, ("rename", "unlink")),
):
    for name in names:
        setattr(owner, name, announced(getattr(owner, name)))
with Store.open(Path(sys.argv[1])) as store:
    print("", flush=True)
    add_backup(store, Path(sys.argv[2]), now=datetime.fromisoformat(sys.argv[3]), kept=1)
    print("!", end="", flush=True)
"""


def _killed_after(path: Path, folder: Path, now: datetime, steps: int) -> bytes:
    command = [sys.executable, "-c", BACKER, str(path), str(folder), now.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:  # noqa: S603  # our own script
        assert child.stdout
        child.stdout.readline()
        heard = child.stdout.read(steps)
        child.kill()
        return heard + child.stdout.read()


@pytest.mark.slow
def test_a_backup_killed_at_any_step_leaves_a_good_one_and_no_half_one(
    synced: Path, tmp_path: Path
) -> None:
    path, folder = tmp_path / "store.duckdb", tmp_path / "backups"
    path.write_bytes(synced.read_bytes())
    path.chmod(0o600)
    every = _killed_after(path, folder, NIGHT, 10_000)
    assert every.endswith(b"!")
    now = NIGHT
    for steps in [*range(1, len(every), 25), *range(len(every) - 3, len(every) + 4)]:
        now += DAY
        _killed_after(path, folder, now, steps)
        good = store.backups_of(folder, path, now)
        assert good, steps
        for one in good:
            backups.check(one.path)
    with Store.open(path) as opened:
        store.add_backup(opened, folder, now=now + DAY, kept=1)
    assert files(folder) == {f"store-{now + DAY:%Y-%m-%dT%H%M%SZ}"}


FULL = """
import json, resource, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from bridgeboard.runtime.nightly_backups import NightlyBackups
from bridgeboard.settings import Settings
from bridgeboard.store import Store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
data, night = Path(sys.argv[1]), datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
now = [night]
nightly = NightlyBackups(Settings.model_construct(data_folder=str(data)), lambda: now[-1], UTC)
told = []
with Store.open(data / "store.duckdb") as store:
    for hours, size in enumerate((int(sys.argv[2]), resource.RLIM_INFINITY)):
        now.append(night + timedelta(hours=hours))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        nightly.make_if_due(store)
        told.append([nightly.status.problem, len(nightly.status.good)])
    left = sorted(each.name for each in (data / "backups").iterdir())
    told.append([store.rows("SELECT count(*) FROM usage")[0][0], left])
print(json.dumps(told))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("room", one_fast([2_000, 6_000]))
def test_a_full_disk_is_told_and_the_next_try_goes_well(
    synced: Path, data: Path, room: int
) -> None:
    path = data / "store.duckdb"
    path.write_bytes(synced.read_bytes())
    path.chmod(0o600)
    command = [sys.executable, "-W", "error", "-c", FULL, str(data), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own script
    (problem, none), (later, one), (rows, left) = json.loads(done.stdout)
    assert "room" in problem
    assert (none, later, one, rows) == (0, None, 1, 60)
    assert left == ["store-2026-11-21T033000Z"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_written_is_told(opened: Store, data: Path) -> None:
    folder = data / "backups"
    folder.mkdir(mode=0o500)
    nightly = NightlyBackups(settings_of(data), Clock(NIGHT), UTC)
    assert not nightly.make_if_due(opened)
    assert "cannot be" in str(nightly.status.problem)


# What is told.


def _findings(chosen: Settings, path: Path, now: datetime) -> list[tuple[bool, str]]:
    found = deployment_checks._backups(chosen, path, now)
    return [(one.good, one.text) for one in found]


def test_the_check_says_when_the_last_one_was_made_and_why_no_later_one(
    opened: Store, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, clock = settings_of(data), Clock(NIGHT)
    nightly = NightlyBackups(chosen, clock, UTC)
    assert _findings(chosen, opened.path, NIGHT) == [
        (True, f"There is no backup in {data / 'backups'} yet")
    ]
    assert nightly.make_if_due(opened)
    ((good, text),) = _findings(chosen, opened.path, NIGHT)
    assert good
    assert text.startswith("The last backup was made at 2026-11-21 02:30 UTC (")
    assert text.endswith(". Kept are 1")
    (_, (late_is_good, late)) = _findings(chosen, opened.path, NIGHT + 2 * DAY)
    assert not late_is_good
    assert "let `bridgeboard serve` run" in late
    clock.now = NIGHT + DAY
    with monkeypatch.context() as patch:
        patch.setattr(store, "add_backup", _no_room)
        nightly.make_if_due(opened)
    (_, (failed_is_good, failed)) = _findings(chosen, opened.path, clock.now)
    assert not failed_is_good
    assert failed == "The backup of 2026-11-22 02:30 UTC failed. There is no room."
    off = settings_of(data, backup_at="off")
    assert _findings(off, opened.path, clock.now)[1:] == []


def _no_room(*_: object, **__: object) -> None:
    raise StoreError("There is no room.")


def test_files_of_erased_people_stand_in_the_data_folder_and_with_the_backups(
    opened: Store, data: Path
) -> None:
    chosen = settings_of(data, backup_folder=str(data.parent / "elsewhere"))
    assert [each.parent for each in store_files.erasure_files(chosen, opened.path)] == [data]
    assert NightlyBackups(chosen, Clock(NIGHT), UTC).make_if_due(opened)
    folders = [each.parent for each in store_files.erasure_files(chosen, opened.path)]
    assert folders == [data, data.parent / "elsewhere"]


def test_a_list_of_erased_people_that_cannot_be_written_is_no_backup_that_failed(
    opened: Store, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, clock = settings_of(data), Clock(NIGHT)
    nightly = NightlyBackups(chosen, clock, UTC)
    assert nightly.make_if_due(opened)
    with opened.write() as batch:
        batch.execute("INSERT INTO erased VALUES ('d1', uuid(), 'erased-1', true, now(), 'ab')")
    clock.now += DAY

    def fail(*_: object) -> None:
        raise StoreLocationError("store.erased.json cannot be written.")

    with monkeypatch.context() as patch:
        patch.setattr(erasure_list, "write", fail)
        assert not nightly.make_if_due(opened)
    assert len(nightly.status.good) == 2
    assert nightly.status.problem == (
        "The backup of 2026-11-22 02:30 UTC was made, but not all that belongs beside it."
        " store.erased.json cannot be written."
    )
    assert backup_status(chosen, opened.path, clock.now, UTC).problem == nightly.status.problem


def test_the_folder_of_backups_is_read_only_when_one_is_due(
    opened: Store, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(NIGHT)
    nightly = NightlyBackups(settings_of(data), clock, UTC)
    assert nightly.make_if_due(opened)
    looks: list[Path] = []
    monkeypatch.setattr(nightly, "look", looks.append)
    clock.now += timedelta(hours=1)
    assert not nightly.make_if_due(opened)
    assert not looks
    clock.now += DAY
    nightly.make_if_due(opened)
    assert looks
