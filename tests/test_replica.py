"""Replicas: what is published and when, who follows it, and that they show what the writer does."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
import row_access_worlds as worlds
import streamlit as st
from dashboard_process import dashboard
from demo_store import filled
from demo_worlds import small
from test_page_settings import page, sent, tables
from test_pages_stored import said
from test_published_copies import COUNT, remove_a_day
from test_row_access import ALL, ROW_ACCESS
from typer.testing import CliRunner
from wire import session

from bridgeboard import settings
from bridgeboard.access import RowAccess
from bridgeboard.cli import app
from bridgeboard.model.store_status import Status
from bridgeboard.model.sync_report import SyncReport
from bridgeboard.runtime import process, publishing, state_files, sync_steps
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.publishing import EVERY_SECONDS, OLDEST, SAY_SECONDS, Publishing
from bridgeboard.runtime.replica import RETRY, STALE, Replica
from bridgeboard.runtime.sync_node import SyncNode
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.state.sync_nodes import LeaseLostError
from bridgeboard.store import Store, published_copies, sync_state

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SYNCED = Status(state="waiting", good_at=NOW)
LATER = Status(state="waiting", good_at=NOW + timedelta(minutes=5))
WRITER = Path(__file__).with_name("publishing_writer.py")
GIVE_UP_SECONDS = 60.0
WEEKS = timedelta(weeks=8)
"""More than the small company has lived."""


class Time:
    """A clock and a count of seconds that a test sets."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.passed)

    def seconds(self) -> float:
        return self.passed


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "copies"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "company.duckdb", small()) as opened:
        yield opened


def writer(folder: Path, **more: Any) -> Settings:
    return Settings.model_construct(publish_folder=str(folder), **more)


def reader(folder: Path, data: Path, **more: Any) -> Settings:
    return Settings.model_construct(replica_folder=str(folder), data_folder=str(data), **more)


@pytest.fixture
def published(folder: Path, time: Time) -> Publishing:
    """What publishes, at a time that a test sets."""
    return Publishing(writer(folder), time.now, time.seconds)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def replica(folder: Path, data: Path, time: Time) -> Iterator[Replica]:
    """What follows, whenever a test says so."""
    following = Replica(reader(folder, data), clock=time.now)
    yield following
    following.stop()


def number(folder: Path) -> int:
    newest = published_copies.named(folder)
    assert newest
    return newest.number


def test_a_copy_is_made_at_most_once_a_minute_and_only_of_what_is_new(
    store: Store, folder: Path, published: Publishing, time: Time
) -> None:
    published.look(store, SYNCED)
    first = number(folder)
    time.passed = 10 * EVERY_SECONDS
    published.look(store, SYNCED)
    assert number(folder) == first
    remove_a_day(store)
    published.look(store, SYNCED)
    second = number(folder)
    assert second > first
    remove_a_day(store)
    time.passed += EVERY_SECONDS - 1
    published.look(store, SYNCED)
    assert number(folder) == second
    time.passed += 1
    published.look(store, SYNCED)
    assert number(folder) > second
    assert published.status.problem is None


def test_who_lost_the_lease_while_a_copy_was_made_does_not_name_it_the_newest(
    folder: Path, store: Store, time: Time, published: Publishing
) -> None:
    published.look(store, SYNCED)
    first = published_copies.named(folder)

    def lost() -> None:
        raise LeaseLostError("Another machine syncs this store now.")

    paused = Publishing(writer(folder), time.now, time.seconds, confirm=lost)
    time.passed = EVERY_SECONDS
    remove_a_day(store)
    paused.look(store, LATER)
    assert published_copies.named(folder) == first
    assert "Another machine syncs this store now." in str(paused.status.problem)
    published.look(store, SYNCED)
    newest = published_copies.named(folder)
    assert newest
    assert first
    assert newest.number > first.number


def test_who_lost_the_lease_says_no_more_of_its_copy(
    folder: Path, store: Store, time: Time
) -> None:
    leases = [True]

    def confirm() -> None:
        if not leases:
            raise LeaseLostError("Another machine syncs this store now.")

    published = Publishing(writer(folder), time.now, time.seconds, confirm=confirm)
    published.look(store, SYNCED)
    first = published_copies.named(folder)
    leases.clear()
    time.passed = SAY_SECONDS
    published.look(store, LATER)
    assert published_copies.named(folder) == first
    leases.append(True)
    time.passed += SAY_SECONDS
    published.look(store, LATER)
    assert published_copies.named(folder) != first


def test_what_is_said_of_a_copy_is_true_when_a_later_sync_is_not_in_it(
    store: Store, folder: Path, published: Publishing, time: Time
) -> None:
    published.look(store, SYNCED)
    time.passed = SAY_SECONDS
    later = Status(state="waiting", good_at=time.now())
    published.look(store, later)
    newest = published_copies.named(folder)
    assert newest
    # Nothing was new: the copy is as good as the later sync.
    assert (newest.synced_at, newest.current_at) == (time.now(), time.now())
    remove_a_day(store)
    time.passed = 2 * SAY_SECONDS
    published.look(store, Status(state="waiting", good_at=time.now(), problem="no answer"))
    newest = published_copies.named(folder)
    assert newest
    assert newest.seen_at == time.now()
    assert newest.synced_at == newest.current_at == later.good_at
    assert newest.problem == "no answer"


def test_former_copies_do_not_stay_where_nothing_new_comes(
    store: Store, folder: Path, published: Publishing, time: Time
) -> None:
    for turn in range(published_copies.KEPT):
        time.passed = turn * EVERY_SECONDS
        published.look(store, SYNCED)
        remove_a_day(store)
    published.look(store, SYNCED)
    assert len(published_copies.numbers_in(folder, "company")) == published_copies.KEPT
    time.passed += EVERY_SECONDS
    published.look(store, SYNCED)
    time.passed += OLDEST.total_seconds()
    published.look(store, SYNCED)
    time.passed += OLDEST.total_seconds()
    published.look(store, SYNCED)
    assert published_copies.numbers_in(folder, "company") == [number(folder)]


def test_a_folder_that_cannot_be_written_is_said_until_it_can(
    store: Store, folder: Path, published: Publishing, time: Time
) -> None:
    folder.write_text("in the way", "utf-8")
    published.look(store, SYNCED)
    assert "publish_folder" in str(published.status.problem)
    remove_a_day(store)
    folder.unlink()
    time.passed = EVERY_SECONDS
    published.look(store, SYNCED)
    assert published.status.problem is None
    assert number(folder)


def test_a_replica_follows_without_breaking_who_reads(
    store: Store, published: Publishing, replica: Replica, time: Time
) -> None:
    replica.look()
    assert replica.store is None
    assert "--publish" in str(replica.copy_status.problem)
    published.look(store, SYNCED)
    replica.look()
    assert replica.store
    assert replica.copy_status.problem is None
    assert replica.status.good_at == NOW
    first = replica.store
    before = first.rows(COUNT)
    with first.snapshot() as reading, replica.one_state():
        remove_a_day(store)
        time.passed = EVERY_SECONDS
        published.look(store, SYNCED)
        replica.look()
        assert reading.rows(COUNT) == before
        assert first.rows(COUNT) == before
    assert replica.store is first
    assert first.rows(COUNT) == store.rows(COUNT) != before
    assert replica.copy_status.made_at == time.now()


def test_a_replica_goes_on_with_its_copy_where_there_is_no_good_one(
    store: Store, folder: Path, published: Publishing, replica: Replica, time: Time
) -> None:
    published.look(store, SYNCED)
    replica.look()
    assert replica.store
    before = replica.store.rows(COUNT)
    remove_a_day(store)
    time.passed = EVERY_SECONDS
    published.look(store, SYNCED)
    newest = folder / f"company-{number(folder)}.duckdb"
    whole = newest.read_bytes()
    newest.write_bytes(whole[: len(whole) // 2])
    replica.look()
    assert "cannot be read" in str(replica.copy_status.problem)
    assert replica.store.rows(COUNT) == before
    newest.unlink()
    time.passed += RETRY.total_seconds()
    replica.look()
    assert "cannot be read" in str(replica.copy_status.problem)
    newest.write_bytes(whole)
    newest.chmod(0o600)
    replica.look()
    assert replica.copy_status.problem
    time.passed += RETRY.total_seconds()
    replica.look()
    assert replica.copy_status.problem is None
    assert replica.store.rows(COUNT) == store.rows(COUNT) != before
    (folder / published_copies.NEWEST).write_text("{", "utf-8")
    replica.look()
    assert "does not name a copy" in str(replica.copy_status.problem)
    (folder / published_copies.NEWEST).unlink()
    newest.unlink()
    replica.look()
    assert "No copy of a store is published" in str(replica.copy_status.problem)
    assert replica.store.rows(COUNT) == store.rows(COUNT)


def test_a_replica_says_when_nobody_publishes_any_more(
    store: Store, published: Publishing, replica: Replica, time: Time
) -> None:
    published.look(store, SYNCED)
    time.passed = STALE.total_seconds()
    replica.look()
    assert replica.copy_status.problem is None
    time.passed += 1
    replica.look()
    assert "has said nothing since 2026-11-20 12:00 UTC" in str(replica.copy_status.problem)
    assert replica.store


def test_a_replica_of_another_schema_says_whom_to_upgrade(
    store: Store, published: Publishing, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    published.look(store, SYNCED)
    schemas = "bridgeboard.store.replica_store.MIGRATIONS"
    monkeypatch.setattr(schemas, published_copies.MIGRATIONS[:-1])
    replica.look()
    assert replica.store is None
    assert "upgrade this dashboard" in str(replica.copy_status.problem)
    monkeypatch.setattr(schemas, (*published_copies.MIGRATIONS, ""))
    replica._failed = None
    replica.look()
    assert "upgrade the process that syncs" in str(replica.copy_status.problem)


def test_a_process_either_publishes_or_reads(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBOARD_PUBLISH_FOLDER", str(folder))
    monkeypatch.setenv("BRIDGEBOARD_REPLICA_FOLDER", str(tmp_path))
    monkeypatch.delenv("CODER_URL", raising=False)
    with pytest.raises(SettingsError, match="name two folders"):
        settings.read()
    # The same file for all of them, and one folder in it.
    monkeypatch.setenv("BRIDGEBOARD_REPLICA_FOLDER", f"{folder}/.")
    chosen = settings.read()
    assert chosen.configured
    assert chosen.reads_only
    assert chosen.publish_path is None
    assert chosen.backup_time is None
    monkeypatch.delenv("BRIDGEBOARD_REPLICA_FOLDER")
    assert settings.read().publish_path == folder
    assert not settings.read().configured


@pytest.mark.parametrize(
    "command", [["sync"], ["reprice"], ["backup", "x"], ["person", "export", "bob", "--out", "x"]]
)
def test_commands_on_the_store_say_that_it_is_elsewhere(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"BRIDGEBOARD_REPLICA_FOLDER": str(folder), "BRIDGEBOARD_DATA": str(tmp_path / "data")}
    done = CliRunner().invoke(app, command, env=given)
    assert done.exit_code == 2, done.output
    assert "those of a replica" in " ".join(done.output.split())


def check(folder: Path, data: Path, **more: str) -> tuple[int, str]:
    given = {"BRIDGEBOARD_REPLICA_FOLDER": str(folder), "BRIDGEBOARD_DATA": str(data), **more}
    done = CliRunner().invoke(app, ["check"], env=given)
    return done.exit_code, " ".join(done.output.split())


def test_the_check_of_a_replica(store: Store, folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    status, text = check(folder, data)
    assert status == 1
    assert "✗ No copy of a store is published" in text
    assert publishing.publish(writer(folder), store, lambda: datetime.now(UTC)) is None
    status, text = check(folder, data)
    assert status == 0, text
    ((rows,),) = store.rows("SELECT count(*) FROM usage")
    assert f"holds {rows:,} rows of usage" in text
    status, text = check(folder, data, BRIDGEBOARD_FLOOR="9")
    assert status == 1
    assert "✗ floor is 9 here, and 5 where sums of groups are made" in text
    newest = folder / f"company-{number(folder)}.duckdb"
    newest.unlink()
    status, text = check(folder, data)
    assert status == 1
    assert f"✗ The copy {newest} cannot be read" in text


def test_an_old_copy_fails_the_check(store: Store, folder: Path, tmp_path: Path) -> None:
    publishing.publish(writer(folder), store, lambda: NOW - timedelta(days=400))
    status, text = check(folder, tmp_path / "data")
    assert status == 1
    assert "✗ The process that syncs has said nothing since" in text


@pytest.mark.parametrize("name", ROW_ACCESS)
def test_a_row_access_shows_the_same_as_on_the_writer(
    tmp_path: Path, folder: Path, name: str, replica: Replica
) -> None:
    row_access = ROW_ACCESS[name]
    with worlds.filled(tmp_path / "rows.duckdb") as whole:
        publishing.publish(writer(folder), whole, lambda: NOW)
        replica.look()
        assert replica.store
        with whole.snapshot(row_access) as own, replica.store.snapshot(row_access) as seen:
            assert seen.version == own.version
            assert dict(worlds.asked(seen, ALL, worlds.NOW)) == dict(
                worlds.asked(own, ALL, worlds.NOW)
            )


def test_who_writes_makes_the_sums_of_groups_for_replicas(
    tmp_path: Path, folder: Path, replica: Replica
) -> None:
    chosen, groups = writer(folder), RowAccess.of_groups(5)
    with filled(tmp_path / "rows.duckdb", small()) as whole:
        sync_steps.gather(whole, Settings.model_construct(sync_seconds=60))
        assert whole.rows("SELECT count(*) FROM group_blocks") == [(0,)]
        sync_steps.gather(whole, chosen)
        publishing.publish(chosen, whole, lambda: NOW)
        replica.look()
        assert replica.store
        with whole.snapshot(groups) as own, replica.store.snapshot(groups) as seen:
            assert seen.rows("SELECT count(*), sum(requests) FROM usage")[0][0] > 0
            assert dict(worlds.asked(seen, ALL, worlds.NOW)) == dict(
                worlds.asked(own, ALL, worlds.NOW)
            )


@contextmanager
def showing(chosen: Settings, replica: Replica) -> Iterator[None]:
    """The dashboard of this process as a replica that a test moves on."""
    st.cache_resource.clear()
    settings.install(chosen)
    process.install(replica)
    try:
        yield
    finally:
        process.install(None)
        settings._installed = None
        st.cache_resource.clear()


@pytest.fixture
def shown(folder: Path, data: Path, replica: Replica) -> Iterator[Settings]:
    chosen = reader(folder, data)
    with showing(chosen, replica):
        yield chosen


@pytest.mark.usefixtures("shown")
def test_pages_of_a_replica_say_what_it_is(
    store: Store, folder: Path, published: Publishing, replica: Replica
) -> None:
    replica.look()
    assert "No copy of a store is published" in said(page(name="spend"))
    published.look(store, SYNCED)
    replica.look()
    assert "replica, copy made" in said(page(name="spend"))
    test = page()
    assert not test.exception
    # Nobody takes wishes here: the writer and this one have no state database in common.
    assert next(one for one in test.button if one.label == "Sync now").disabled
    facts = tables(test)["facts"]
    assert facts["State"] == ["off: no process syncs now"]
    assert facts["Last successful sync"][0].startswith("20 Nov 2026, 12:00")
    assert facts["Folder of copies"] == [str(folder)]
    assert "The process that syncs makes backups" in sent(test)


@pytest.mark.usefixtures("shown")
def test_a_copy_of_a_first_sync_that_still_runs_says_that_newer_ones_come(
    store: Store, published: Publishing, replica: Replica
) -> None:
    with store.write() as batch:
        sync_state.begin_run(batch, "interceptions", NOW)
    published.look(store, SYNCED)
    replica.look()
    text = said(page(name="spend"))
    assert "Partial numbers" in text
    assert "This dashboard is a replica" in text
    assert "sync_seconds" not in text


@pytest.mark.usefixtures("shown")
def test_a_replica_passes_wishes_on_where_both_have_one_state_database(
    store: Store, published: Publishing, replica: Replica, shown: Settings
) -> None:
    published.look(store, SYNCED)
    replica.look()
    database = state_files.state_database(shown)
    node = SyncNode(database, lambda: SyncReport(status=LATER, sync_seconds=60), clock=lambda: 0.0)
    node.of_store(store.path.stem)
    assert node.beat() == []
    assert replica.sync_seconds == 60
    assert replica.status.state == "waiting"
    # What is shown is what the copy holds, and that is older than the last sync.
    assert replica.status.good_at == NOW
    replica.wake()
    assert [each.kind for each in node.beat()] == ["sync"]


def test_the_writer_shows_what_it_publishes(
    store: Store, folder: Path, tmp_path: Path, published: Publishing
) -> None:
    chosen = writer(folder, data_folder=str(tmp_path), url="https://x.example", sync_seconds=60)
    keeper = BackgroundSync(chosen, clock=lambda: NOW, opened=store)
    keeper.publishing = published
    published.look(store, SYNCED)
    st.cache_resource.clear()
    settings.install(chosen)
    process.install(keeper)
    try:
        facts = tables(page())["facts"]
        assert facts["Folder of copies"] == [str(folder)]
        assert "bytes" in facts["Size of the copy"][0]
        folder.rename(tmp_path / "elsewhere")
        folder.write_text("", "utf-8")
        remove_a_day(store)
        published._tried_at = None
        published.look(store, SYNCED)
        assert "No newer copy is published" in said(page())
    finally:
        keeper.deployment.close()
        process.install(None)
        settings._installed = None
        st.cache_resource.clear()


def health(address: str) -> tuple[int, dict[str, Any]]:
    answer = httpx.get(f"{address}healthz", timeout=GIVE_UP_SECONDS)
    return answer.status_code, answer.json()


def moved(address: str, made_at: datetime) -> dict[str, Any]:
    """What a replica's health check says once it shows the copy of that time."""
    until = monotonic() + GIVE_UP_SECONDS
    while monotonic() < until:
        body = health(address)[1]
        if body["replica"]["made_at"] == made_at.isoformat():
            return body
    raise AssertionError(body)


@contextmanager
def writing(path: Path, folder: Path) -> Iterator[Callable[[str], str]]:
    """A process that has the store: told to ``publish``, ``remove`` a day or be killed."""
    with subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, str(WRITER), str(path), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:

        def tell(what: str) -> str:
            assert running.stdin
            assert running.stdout
            running.stdin.write(f"{what}\n")
            running.stdin.flush()
            return running.stdout.readline().strip()

        try:
            yield tell
        finally:
            running.kill()


async def prompts_shown(address: str) -> str:
    today = datetime.now(UTC).date()
    days = [f"{today - timedelta(days=back)}" for back in (WEEKS.days, 1)]
    dates: dict[str, Any] = {"range": "Custom days", "dates": days}
    async with session(address, "", keeps=False, tz="UTC", **dates) as visitor:
        assert not visitor.screen.exceptions
        assert any("replica, copy made" in each for each in visitor.screen.texts)
        return visitor.screen.metrics["Prompts"]


@pytest.mark.slow
def test_one_writer_and_two_replicas(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "company.duckdb"
    with filled(path, small()) as made, made.write() as batch:
        # The replicas go by the clock of this machine.
        ended = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=2)
        batch.execute(
            "UPDATE usage SET started_at = started_at + ($1 - (SELECT max(started_at) FROM usage))",
            [ended],
        )
    data = tmp_path / "data"
    given = {"BRIDGEBOARD_DATA": str(data)}
    with ExitStack() as stack:
        both = [
            stack.enter_context(dashboard("serve", "--replica", str(folder), **given))
            for _ in range(2)
        ]
        for address in both:
            status, body = health(address)
            assert (status, body["status"]) == (503, "no copy of the store")
        tell = stack.enter_context(writing(path, folder))
        seen = []
        for _ in range(published_copies.KEPT + 2):
            counted = tell("publish")
            newest = published_copies.named(folder)
            assert newest
            for address in both:
                body = moved(address, newest.made_at)
                assert body["status"] == "ok"
                assert body["replica"]["good"]
                assert body["replica"]["age_seconds"] < GIVE_UP_SECONDS
            told = {asyncio.run(prompts_shown(address)) for address in both}
            assert told == {f"{int(counted):,}"}
            seen.append(counted)
            tell("remove")
        assert len(set(seen)) == len(seen)
        tell("kill")
        # Who wrote is gone, and both go on with what they have.
        for address in both:
            assert health(address)[0] == 200
            assert asyncio.run(prompts_shown(address)) == f"{int(seen[-1]):,}"
    assert not list(data.glob(".replica-*"))
