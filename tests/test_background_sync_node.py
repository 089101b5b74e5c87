"""A sync that other dashboards wait for: its lease, its report, and what they wish of it."""

from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import databases
import demo_sync
import pytest
from sqlalchemy import Connection
from test_hostile_background_sync import Deployment, deployment

from bridgeboard.model.deployment import Capabilities
from bridgeboard.model.store_status import Backup, BackupStatus, Counts, Event, Status
from bridgeboard.model.sync_report import SyncReport, report_of_text, report_text
from bridgeboard.runtime import background_sync, state_files
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.sync_node import RENEWED_SECONDS, WAITING, SyncNode
from bridgeboard.settings import DemoSettings, Settings
from bridgeboard.state import Database
from bridgeboard.state.schema import database_clock
from bridgeboard.state.sync_nodes import LASTS, LeaseLostError, SyncNodes
from bridgeboard.state.wishes import Wishes
from bridgeboard.store import sync_state

__all__ = ["deployment"]
KEY = "store"
ABLE = Capabilities(
    enabled=True, problem=None, version="v2.34", username="owner", roles=frozenset({"owner"}),
    can_read=True, can_filter_provider_name=False,
)  # fmt: skip
AT = demo_sync.NOW


class Seconds:
    """A clock that stands still until it is set forward."""

    def __init__(self) -> None:
        self.passed = 100.0

    def __call__(self) -> float:
        return self.passed


class Process:
    """A process that may sync: its clock, what it tells, and its side of the lease."""

    def __init__(self, database: Database, holder: str) -> None:
        self.seconds = Seconds()
        self.told = SyncReport(version="1")
        self.node = SyncNode(database, lambda: self.told, clock=self.seconds, holder=holder)
        self.node.of_store(KEY)


@pytest.fixture
def one(database: Database) -> Process:
    return Process(database, "one")


@pytest.fixture
def other(database: Database) -> Process:
    return Process(database, "other")


@pytest.fixture
def expired(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the clock of the database go on until every lease has expired."""

    def later(connection: Connection) -> Any:
        return database_clock(connection) + LASTS

    def pass_by() -> None:
        monkeypatch.setattr(SyncNodes.__init__, "__defaults__", (later,))
        monkeypatch.setattr(Wishes.__init__, "__defaults__", (later,))

    return pass_by


def report(database: Database) -> SyncReport | None:
    node = SyncNodes(database, KEY).node()
    return report_of_text(node.report) if node else None


def test_without_a_store_there_is_no_lease(database: Database) -> None:
    node = SyncNode(database, SyncReport)
    assert node.beat() == []
    assert not node.holds
    with pytest.raises(LeaseLostError):
        node.confirm()
    node.release()
    assert SyncNodes(database, KEY).node() is None


def test_one_process_has_the_lease_and_tells_how_it_goes(
    one: Process, other: Process, database: Database
) -> None:
    one.node.beat()
    other.node.beat()
    assert (one.node.holds, other.node.holds) == (True, False)
    assert (one.node.number, other.node.number) == (1, None)
    one.node.confirm(ask=True)
    with pytest.raises(LeaseLostError, match=WAITING):
        other.node.confirm()
    one.told = SyncReport(Status("syncing", Event("sessions", 3, 7)), "1")
    one.node.beat()
    assert report(database) == one.told
    one.told = SyncReport(Status("off"), "1")
    one.node.release()
    assert report(database) == one.told
    other.node.beat()
    assert (one.node.holds, other.node.holds, other.node.number) == (False, True, 2)


def test_that_one_waits_or_has_lost_the_lease_is_logged_once(
    one: Process, other: Process, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        one.node.beat()
        for _ in range(3):
            other.node.beat()
        one.node.release()
        other.node.beat()
    assert [one.getMessage() for one in caplog.records] == [
        "This process syncs now, with the lease 1.",
        WAITING,
        "This process syncs now, with the lease 2.",
    ]


def test_a_lease_is_renewed_now_and_then_where_there_is_nothing_new(
    one: Process, database: Database
) -> None:
    def heard() -> Any:
        node = SyncNodes(database, KEY).node()
        assert node
        return node.heartbeat_at

    one.node.beat()
    before = heard()
    one.seconds.passed += RENEWED_SECONDS - 0.1
    one.node.beat()
    assert heard() == before
    one.seconds.passed += 0.1
    one.node.beat()
    assert heard() > before
    one.seconds.passed += LASTS.total_seconds() - 0.1
    assert one.node.holds
    one.seconds.passed += 0.1
    assert not one.node.holds
    one.node.confirm()
    assert one.node.holds


def test_a_process_that_was_paused_for_too_long_notices_and_waits(
    one: Process, database: Database, expired: Callable[[], None]
) -> None:
    one.node.beat()
    expired()
    other = Process(database, "other")
    other.node.beat()
    assert other.node.holds
    one.seconds.passed += LASTS.total_seconds()
    with pytest.raises(LeaseLostError, match="syncs this store now"):
        one.node.confirm()
    one.told = SyncReport(version="of the one that was paused")
    assert one.node.beat() == []
    assert (one.node.holds, one.node.number) == (False, None)
    assert report(database) == other.told
    one.node.release()
    other.node.confirm(ask=True)


def test_a_process_that_was_paused_for_less_than_it_believes_is_told_before_it_publishes(
    one: Process, database: Database, expired: Callable[[], None]
) -> None:
    one.node.beat()
    expired()
    Process(database, "other").node.beat()
    one.node.confirm()  # by a clock that stood still with it
    with pytest.raises(LeaseLostError):
        one.node.confirm(ask=True)
    assert not one.node.holds


def test_while_the_database_is_away_the_lease_is_good_until_it_expires(
    one: Process, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one.node.beat()
    broken = databases.broken(database.folder / "broken")
    monkeypatch.setattr(one.node, "_nodes", SyncNodes(broken, KEY))
    one.seconds.passed += RENEWED_SECONDS
    assert one.node.beat() == []
    assert "no file" in one.node.problem
    assert one.node.holds
    one.seconds.passed += LASTS.total_seconds()
    assert not one.node.holds
    monkeypatch.setattr(one.node, "_nodes", SyncNodes(database, KEY))
    one.node.beat()
    assert (one.node.holds, one.node.problem, one.node.number) == (True, "", 1)


def test_what_the_deployment_can_do_is_known_from_the_process_before(
    one: Process, other: Process, database: Database
) -> None:
    one.told = SyncReport(version="1", capabilities=ABLE)
    one.node.beat()
    one.node.release()
    other.node.beat()
    assert report(database) == SyncReport(version="1", capabilities=ABLE)


def test_a_report_comes_back_as_it_was_and_that_of_another_version_as_far_as_it_goes() -> None:
    whole = SyncReport(
        Status(
            "syncing",
            Event("details", 3, 7, 1, 2, 3, 4, 5, 6, timedelta(seconds=90.5), "…"),
            AT, AT + timedelta(microseconds=1), AT, "It's \x00 broken.",
        ),
        "1.2", 60, 17, ABLE,
        BackupStatus((Backup(Path("/b"), AT, 12),), "The disk is full.", AT), "Nobody was told.",
    )  # fmt: skip
    back = report_of_text(report_text(whole))
    assert back
    assert report_text(back) == report_text(whole)
    assert (back.status, back.capabilities) == (whole.status, whole.capabilities)
    assert back == whole
    later = report_text(whole).replace('"version"', '"news":[1],"version"')
    assert report_of_text(later) == back
    assert report_of_text('{"version":"0"}') == SyncReport(version="0")
    for text in ("", "{", "[]", "null", '{"status":3}', '{"status":{"began_at":"yesterday"}}'):
        assert report_of_text(text) is None, text


# The whole of it, with a store and a deployment.


def syncing(deployment: Deployment, folder: Path, url: str, **more: Any) -> BackgroundSync:
    plain = {"data_folder": str(folder), "store_memory_mb": 256, "sync_seconds": 3_600}
    made = DemoSettings.of(
        Settings.model_construct(**plain),  # type: ignore[arg-type]  # fields of Settings
        demo_sync.ADDRESS,
        demo_sync.TOKEN,
    )
    made = made.model_copy(update={"state_url": background_sync_secret(url)})
    keeper = BackgroundSync(made, clock=deployment.clock, is_node=True, **more)
    keeper.deployment.close()
    return keeper


def background_sync_secret(url: str) -> Any:
    return type(Settings.model_construct().state_url)(url)


@pytest.fixture
def keeper(
    deployment: Deployment, tmp_path: Path, state_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BackgroundSync]:
    """A node that is not started: a test makes its steps."""
    monkeypatch.setattr(background_sync.clients, "client", deployment.client)
    made = syncing(deployment, tmp_path / "node", state_url)
    yield made
    made.stop()
    state_files.state_database(made._settings).close()


def beat(keeper: BackgroundSync) -> None:
    assert keeper.node
    keeper.node._answer(keeper.wake, keeper._want_for_others)


def state_of(keeper: BackgroundSync) -> tuple[SyncNodes, Wishes]:
    assert keeper.store
    database = state_files.state_database(keeper._settings)
    key = keeper.store.path.stem
    return SyncNodes(database, key), Wishes(database, key)


def test_a_sync_that_is_wished_is_made_once_and_said_to_be_done(keeper: BackgroundSync) -> None:
    assert not keeper._may_sync()
    assert keeper.status.state == "standby"
    beat(keeper)
    assert keeper._woken.is_set()
    assert keeper._may_sync()
    nodes, wishes = state_of(keeper)
    wishes.add("sync")
    keeper._woken.clear()
    beat(keeper)
    assert keeper._woken.is_set()
    wish = wishes.get("sync")
    assert wish
    assert wish.state == "doing"
    keeper._round()
    assert keeper.status.problem is None
    wish = wishes.get("sync")
    assert wish
    assert wish.state == "done"
    beat(keeper)
    node = nodes.node()
    assert node
    told = report_of_text(node.report)
    assert told
    assert told.status == keeper.status
    assert told.store_version == keeper.store.version if keeper.store else None
    assert keeper.totals.good == 1
    assert keeper.totals.read_rows > 0
    assert keeper.node
    assert keeper.node.wished_syncs() == []


def test_when_it_was_synced_last_is_known_from_the_store_after_a_restart(
    keeper: BackgroundSync,
) -> None:
    assert keeper.report().status.good_at is None
    keeper._may_sync()
    beat(keeper)
    assert keeper.report().status.good_at is None
    keeper._round()
    good_at = keeper.report().status.good_at
    assert good_at
    keeper.status = Status()
    restarted = keeper.report().status.good_at
    assert restarted
    assert abs(restarted - good_at) < timedelta(minutes=1)
    assert keeper.store
    with keeper.store.write() as batch:
        run = sync_state.begin_run(batch, "sessions", AT + timedelta(hours=1))
        late = AT + timedelta(hours=2)
        sync_state.finish_run(batch, run, "failed", Counts(), "It does not answer.", late)
    assert keeper.report().status.good_at == restarted


def test_a_sync_that_is_wished_and_fails_says_why_without_a_secret(
    keeper: BackgroundSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper._may_sync()
    beat(keeper)
    _, wishes = state_of(keeper)
    wishes.add("sync")
    beat(keeper)

    def fail(*_: object) -> Any:
        raise background_sync.StateError(f"It refuses {demo_sync.TOKEN}.")

    monkeypatch.setattr(background_sync.sync, "run", fail)
    keeper._round()
    wish = wishes.get("sync")
    assert wish
    assert (wish.state, wish.problem) == ("failed", "It refuses ….")
    assert demo_sync.TOKEN not in report_text(keeper.report())
    assert (keeper.totals.good, keeper.totals.failed) == (0, 1)


def test_a_sync_stops_once_another_process_has_the_lease_and_its_wishes_are_for_that_one(
    keeper: BackgroundSync, expired: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper._may_sync()
    beat(keeper)
    nodes, wishes = state_of(keeper)
    wishes.add("sync")
    beat(keeper)
    expired()
    run, seconds = background_sync.sync.run, Seconds()
    monkeypatch.setattr(keeper.node, "_clock", seconds)

    def paused(*asked: Any) -> Generator[Event, None, None]:
        for number, event in enumerate(run(*asked)):
            if number == 1:
                other = SyncNodes(nodes.database, nodes.store).take("other", "another machine")
                assert other
                seconds.passed += 10_000_000
            yield event

    monkeypatch.setattr(background_sync.sync, "run", paused)
    keeper._round()
    assert keeper.status.state == "standby"
    assert "another machine syncs this store now" in str(keeper.status.problem)
    assert not keeper._may_sync()
    again = SyncNodes(nodes.database, nodes.store)
    lease = again.take("other", "another machine")
    assert lease
    assert [one.kind for one in Wishes(again.database, again.store).take(lease)] == ["sync"]


def test_the_details_of_a_session_that_are_wished_are_read(keeper: BackgroundSync) -> None:
    keeper._may_sync()
    beat(keeper)
    keeper._round()
    assert keeper.store
    ((session,),) = keeper.store.rows("SELECT session FROM sessions ORDER BY session LIMIT 1")
    with keeper.store.write() as batch:
        batch.execute("UPDATE sessions SET detailed_at = NULL")
    _, wishes = state_of(keeper)
    wishes.add("session", str(session))
    beat(keeper)
    wanted = keeper._wanted.get()
    assert wanted
    keeper._settle([wanted.wish or 0], keeper._read(keeper.store, wanted.session))
    wish = wishes.get("session", str(session))
    assert wish
    assert (wish.state, wish.problem) == ("done", "")
    read = "SELECT detailed_at IS NOT NULL FROM sessions WHERE session = ?"
    assert keeper.store.rows(read, [session]) == [(True,)]


def test_a_node_that_ends_gives_the_lease_back(keeper: BackgroundSync) -> None:
    keeper._may_sync()
    beat(keeper)
    nodes, _ = state_of(keeper)
    keeper.stop()
    node = nodes.node()
    assert node
    told = report_of_text(node.report)
    assert told
    assert (node.is_alive, told.status.state) == (False, "off")
