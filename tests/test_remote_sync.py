"""A dashboard that only reads: its pages show the sync of another process, and wish of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import dashboard_store
import databases
import pytest
import session_stores
import streamlit as st
import test_page_session
from audit_entries import last, noted
from sqlalchemy import update
from test_background_sync_node import ABLE, Seconds
from test_page_settings import AT, page, said, tables, write

from bridgeboard import settings
from bridgeboard.model.deployment import DeploymentError
from bridgeboard.model.store_status import Backup, BackupStatus, Event, Status
from bridgeboard.model.sync_report import SyncReport, report_text
from bridgeboard.runtime import process, state_files
from bridgeboard.runtime.remote_sync import ELSEWHERE, RemoteSync
from bridgeboard.server import web_app
from bridgeboard.server.health import backed_up, synced
from bridgeboard.settings import Settings
from bridgeboard.state import Database, StateError
from bridgeboard.state.schema import SYNC_NODES, WISHES
from bridgeboard.state.sync_nodes import Lease, SyncNodes
from bridgeboard.state.wishes import Wishes
from bridgeboard.store import Store

__all__ = ["write"]
KEY = "facts"
WAITING = SyncReport(
    Status("waiting", None, AT, AT + timedelta(minutes=1), AT + timedelta(minutes=1)),
    "1", 90, 17, ABLE, BackupStatus((Backup(Path("/b"), AT, 12_345),)),
)  # fmt: skip


class Node:
    """The sync node as it is seen in the state database; a test says what it does."""

    def __init__(self, database: Database) -> None:
        self.nodes = SyncNodes(database, KEY)
        self.wishes = Wishes(database, KEY)
        lease = self.nodes.take("node", "machine 7")
        assert lease
        self.lease: Lease = lease
        self.report = WAITING
        self.tell()

    def tell(self, **news: Any) -> None:
        self.report = replace(self.report, **news)
        self.nodes.renew(self.lease, report_text(self.report))

    def die(self) -> None:
        with self.nodes.database.writing() as connection:
            connection.execute(update(SYNC_NODES).values(expires_at=AT))


@pytest.fixture
def chosen(tmp_path: Path, state_url: str) -> Settings:
    plain = Settings.model_construct(data_folder=str(tmp_path / "data"))
    return plain.model_copy(update={"state_url": type(plain.state_url)(state_url)})


@pytest.fixture
def node(chosen: Settings) -> Iterator[Node]:
    database = state_files.state_database(chosen)
    yield Node(database)
    database.close()


@pytest.fixture
def passed() -> Seconds:
    return Seconds()


@pytest.fixture
def remote(chosen: Settings, passed: Seconds) -> RemoteSync:
    return RemoteSync(chosen, lambda: KEY, lambda: None, clock=passed)


def test_what_the_node_tells_is_known_a_second_later(
    remote: RemoteSync, node: Node, passed: Seconds
) -> None:
    assert remote.status == WAITING.status
    assert remote.backup_status == WAITING.backups
    assert (remote.sync_seconds, remote.alert_problem, remote.is_remote) == (90, None, True)
    assert remote.deployment.capabilities() == ABLE
    moving = Status("syncing", Event("sessions", 3, 7), AT)
    node.tell(status=moving, alert_problem="no address")
    passed.passed += 0.9
    assert remote.status == WAITING.status
    passed.passed += 0.1
    assert remote.status == moving
    assert remote.alert_problem == "no address"


def test_that_nobody_syncs_is_said_and_what_was_known_stays(
    remote: RemoteSync, node: Node, passed: Seconds
) -> None:
    node.die()
    assert "The process that syncs (machine 7) was heard last at" in str(remote.status.problem)
    assert (remote.status.state, remote.status.good_at) == ("silent", WAITING.status.good_at)
    assert remote.sync_seconds == 0
    assert remote.deployment.capabilities() == ABLE
    node.tell()
    passed.passed += 1
    assert remote.status == WAITING.status


def test_without_a_node_it_is_said_what_to_start(chosen: Settings) -> None:
    for key in ("", KEY):
        remote = RemoteSync(chosen, lambda key=key: key, lambda: None)
        assert "bridgeboard sync --watch" in str(remote.status.problem)
        assert (remote.status.state, remote.sync_seconds) == ("silent", 0)
        with pytest.raises(DeploymentError) as caught:
            remote.deployment.capabilities()
        assert caught.value.trouble == "silent"
        assert remote.wish() is None
    with pytest.raises(StateError, match="sync --watch"):
        RemoteSync(chosen, lambda: "", lambda: None).wake()


def test_a_report_of_a_version_that_cannot_be_read_is_told_as_such(
    remote: RemoteSync, node: Node, passed: Seconds
) -> None:
    assert remote.status.problem is None
    node.nodes.renew(node.lease, '{"status": 7}')
    passed.passed += 1
    assert "bring both to the same version" in str(remote.status.problem)
    assert remote.status.good_at == WAITING.status.good_at


@pytest.mark.usefixtures("node")
def test_while_the_state_is_away_what_was_known_stays(
    remote: RemoteSync, passed: Seconds, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert remote.status.problem is None
    broken = databases.broken(tmp_path / "broken")
    monkeypatch.setattr(state_files, "state_database", lambda _: broken)
    passed.passed += 1
    assert "How the sync goes is not known." in str(remote.status.problem)
    assert remote.status.good_at == WAITING.status.good_at
    for wish in (remote.wake, lambda: remote.want(7), remote.wish):
        with pytest.raises(StateError):
            wish()


def test_what_pages_want_is_wished(remote: RemoteSync, node: Node) -> None:
    assert remote.wish() is None
    remote.wake()
    remote.wake()
    remote.want(-7)
    remote.want(-7)
    assert [(one.kind, one.target) for one in node.wishes.take(node.lease)] == [
        ("sync", ""),
        ("session", "-7"),
    ]
    for wish in (remote.wish(), remote.wish(-7)):
        assert wish
        assert wish.state == "doing"


def test_raw_data_is_left_to_who_has_a_token(remote: RemoteSync) -> None:
    with pytest.raises(DeploymentError, match="no token") as caught:
        remote.deployment.request(UUID(int=1), UUID(int=2), AT)
    assert (caught.value.trouble, str(caught.value)) == ("elsewhere", ELSEWHERE)


def test_health_is_that_of_the_node(write: Callable[[str], None]) -> None:
    write('backup_at = "off"')
    with reading(None) as node:
        body = web_app._health()
        assert body["sync"] == synced(WAITING.status)
        assert body["backup"] == backed_up(WAITING.backups)
        node.die()
        told = web_app._health()["sync"]
        assert told == synced(WAITING.status) | {"state": "silent", "good": False}
        assert "machine 7" not in str(told)


# Pages of such a dashboard.


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with dashboard_store.filled(tmp_path / "store.duckdb") as opened:
        yield opened


@contextmanager
def reading(store: Store | None) -> Iterator[Node]:
    """The dashboard of this process as one that only reads, and its node."""
    chosen = settings.read()
    st.cache_resource.clear()
    settings.install(chosen)
    remote = RemoteSync(chosen, lambda: KEY, lambda: store, clock=Ticking())
    process.install(remote)
    database = state_files.state_database(chosen)
    try:
        yield Node(database)
    finally:
        remote.close()
        process.install(None)
        settings._installed = None
        st.cache_resource.clear()
        database.close()


class Ticking:
    """A clock that goes on by a second each time: everything is asked anew."""

    def __init__(self) -> None:
        self.passed = 0.0

    def __call__(self) -> float:
        self.passed += 1
        return self.passed


def test_sync_now_is_noted_and_wished_and_shown_until_it_is_done(
    store: Store, write: Callable[[str], None]
) -> None:
    write("")
    with reading(store) as node:
        before = last()
        test = page()
        facts = tables(test)["facts"]
        assert facts["State"] == ["waiting: a sync begins 90 s after the end of the last one"]
        assert facts["Last successful sync"] == ["4 May 2026, 09:31:00 UTC"]
        assert facts["Next sync"] == ["4 May 2026, 09:32:30 UTC"]
        assert facts["Last good backup"] == ["4 May 2026, 09:30:00 UTC"]
        test.button(key="sync-now").click().run()
        assert not test.exception
        assert [one.who for one in noted("sync", before)] == ["operator"]
        (wish,) = node.wishes.take(node.lease)
        shown = tables(page())["facts"]["State"]  # another reader sees it, too
        assert shown == ["asked for: the process that syncs begins within seconds"]
        assert test.run().button(key="sync-now").disabled
        node.tell(status=Status("syncing", Event("sessions", 3, 7), AT + timedelta(hours=1)))
        assert "3 of 7" in tables(test.run())["facts"]["State"][0]
        node.tell(status=replace(WAITING.status, began_at=AT + timedelta(hours=1)))
        node.wishes.settle(node.lease, [wish.number])
        assert tables(test.run())["facts"]["State"][0].startswith("waiting")
        assert not test.button(key="sync-now").disabled


def test_a_wish_that_fails_or_that_nobody_takes_is_told(
    store: Store, write: Callable[[str], None]
) -> None:
    write("")
    with reading(store) as node:
        test = page()
        test.button(key="sync-now").click().run()
        (wish,) = node.wishes.take(node.lease)
        node.wishes.settle(node.lease, [wish.number], "It does not answer.")
        node.tell(status=replace(WAITING.status, problem="It does not answer."))
        test.run()
        assert "The last sync failed." in said(test)
        assert "It does not answer." in said(test)
        assert not test.button(key="sync-now").disabled
        node.tell(status=WAITING.status)
        test.run().button(key="sync-now").click().run()
        assert test.button(key="sync-now").disabled
        later = {"wished_at": AT, "expires_at": AT}
        with node.nodes.database.writing() as connection:
            connection.execute(update(WISHES).values(**later))
        assert "did not take it up in time" in said(test.run())
        assert "did not take it up" not in said(test.run())
        assert not test.button(key="sync-now").disabled


def test_without_a_node_that_lives_nothing_can_be_begun_and_pages_are_shown(
    store: Store, write: Callable[[str], None]
) -> None:
    write("")
    with reading(store) as node:
        node.die()
        test = page()
        assert tables(test)["facts"]["State"] == ["off: no process syncs now"]
        assert test.button(key="sync-now").disabled
        assert "No sync is known to run." in said(test)
        assert "The process that syncs (machine 7) was heard last at" in said(test)
        assert "last sync failed" not in said(test)
        test = page(name="tools")
        assert not test.exception
        assert "The process that syncs (machine 7) was heard last at" in said(test)
        assert "last sync failed" not in said(test)


def test_the_state_that_is_away_is_told_where_a_sync_was_wanted(
    store: Store, write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("")
    with reading(store):
        test = page()

        def fail(*_: object) -> None:
            raise StateError("The state cannot be written.")

        monkeypatch.setattr(Wishes, "add", fail)
        test.button(key="sync-now").click().run()
        assert "No sync was begun. The state cannot be written." in said(test)
        assert not test.button(key="sync-now").disabled


def test_details_of_a_session_are_wished_once_and_it_is_said_why_they_do_not_come(
    write: Callable[[str], None], tmp_path: Path
) -> None:
    with session_stores.synced(tmp_path, "exact") as made:
        who, key = next(iter(session_stores.keys(made).items()))
        with made.write() as batch:
            batch.execute("UPDATE sessions SET detailed_at = NULL WHERE session = $1", [key])
        write("")
        with reading(made) as node:
            test = test_page_session.opened(who)
            assert not test.exception
            assert "Reading its details" in said(test)
            (wish,) = node.wishes.take(node.lease)
            assert (wish.kind, wish.target) == ("session", str(key))
            assert "Reading its details" in said(test.run())
            assert node.wishes.take(node.lease) == []
            node.wishes.settle(node.lease, [wish.number], "It does not answer.")
            test.run()
            assert "Reading its details" not in said(test)
            assert "It does not answer." in said(test)
            assert "It does not answer." not in said(test_page_session.opened(who))  # wished anew
            assert len(node.wishes.take(node.lease)) == 1
