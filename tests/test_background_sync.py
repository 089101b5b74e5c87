"""The sync beside the dashboard: it fills the store, says what is wrong, and stops when told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import mirror_worlds
import pytest
import truth
from clickhouse_servers import ClickHouse
from conftest import END, SMALLEST

from bridgeboard.access import EVERYTHING, RowAccess
from bridgeboard.clickhouse.live import Live
from bridgeboard.model.store_status import MirrorStatus, Status
from bridgeboard.runtime import background_sync, clients, demo_company, store_files, sync_steps
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.demo_company import Running
from bridgeboard.settings import DemoSettings, Proxy, Settings
from bridgeboard.store import Reader, Store, text_index

LONG = 3_600
GIVE_UP_SECONDS = 120


class Listener:
    """Lets a test wait for a status instead of for time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._news = threading.Condition()
        tell = BackgroundSync._tell

        def told(keeper: BackgroundSync, **news: object) -> None:
            tell(keeper, **news)
            with self._news:
                self._news.notify_all()

        monkeypatch.setattr(BackgroundSync, "_tell", told)

    def until(self, keeper: BackgroundSync, wanted: Callable[[Status], bool]) -> Status:
        with self._news:
            assert self._news.wait_for(lambda: wanted(keeper.status), GIVE_UP_SECONDS)
            return keeper.status


@pytest.fixture(scope="module")
def running(smallest: Running) -> Running:
    return smallest


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    return Listener(monkeypatch)


def settings_of(url: str, token: str, folder: Path, **more: object) -> Settings:
    plain: dict[str, object] = {
        "timeout_seconds": 20.0,
        "data_folder": str(folder),
        "store_memory_mb": 256,
        "sync_seconds": LONG,
    }
    return DemoSettings.of(Settings.model_construct(**plain | more), url, token)  # type: ignore[arg-type]  # fields of Settings


def now() -> datetime:
    return END


@pytest.fixture
def kept(running: Running, tmp_path: Path) -> Iterator[BackgroundSync]:
    with BackgroundSync(
        settings_of(running.url, running.tokens["owner"], tmp_path), clock=now
    ) as keeper:
        yield keeper


def test_it_brings_all_there_is_into_the_store(kept: BackgroundSync, listener: Listener) -> None:
    status = listener.until(kept, lambda status: status.good_at is not None)
    assert status.problem is None
    assert status.event is not None
    assert status.event.phase == "done"
    served, _ = demo_company.bridge(SMALLEST, END)
    rows = truth.finished(served.tables)
    assert kept.store is not None
    assert kept.store.rows("SELECT count(*) FROM usage WHERE grain = 'interception'") == [
        (len(rows),)
    ]
    assert kept.store.rows("SELECT count(*) FROM sessions") == [(len(truth.sessions(rows)),)]


@pytest.mark.slow
def test_a_session_that_somebody_opens_is_read_at_once(
    running: Running, tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    done = threading.Event()

    def noted(_client: object, _store: object, _options: object, session: int, _at: object) -> None:
        read.append(session)
        done.set()

    monkeypatch.setattr(background_sync.sync, "read_session", noted)
    monkeypatch.setattr(background_sync, "DETAILS_A_ROUND", timedelta(0))
    with BackgroundSync(
        settings_of(running.url, running.tokens["owner"], tmp_path), clock=now
    ) as keeper:
        listener.until(keeper, lambda status: status.good_at is not None)
        keeper.want(7)
        assert done.wait(GIVE_UP_SECONDS)
    assert read == [7]


@pytest.mark.slow
def test_details_that_a_round_had_no_time_for_are_read_by_the_next_ones_at_once(
    running: Running, tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_sync, "DETAILS_A_ROUND", timedelta(0))
    rounds: list[datetime] = []
    with BackgroundSync(
        settings_of(running.url, running.tokens["owner"], tmp_path), clock=now
    ) as keeper:

        def is_read_again(status: Status) -> bool:
            if status.event and status.event.phase == "done" and status.state == "syncing":
                rounds.append(END)
                monkeypatch.setattr(
                    background_sync, "DETAILS_A_ROUND", None
                )  # the next may read all
            return status.state == "waiting" and len(rounds) > 1

        status = listener.until(keeper, is_read_again)
        assert keeper.store
        ((detailed,),) = keeper.store.rows("SELECT count(detailed_at) FROM sessions")
    assert status.problem is None
    assert detailed > 1


def test_a_dead_deployment_is_told_and_tried_again(tmp_path: Path, listener: Listener) -> None:
    asked = settings_of("http://127.0.0.1:9", "abcdefghij-0123456789012345678901", tmp_path)
    with BackgroundSync(asked, clock=now) as keeper:
        status = listener.until(keeper, lambda status: status.problem is not None)
        assert status.state == "waiting"
        assert status.good_at is None
        assert "127.0.0.1:9" in str(status.problem)
        assert "0123456789012345678901" not in str(status)
        listener.until(keeper, lambda status: status.state == "waiting")
        keeper.wake()
        listener.until(keeper, lambda later: later.ended_at is not None)


def test_a_store_that_another_process_has_is_told_with_its_owner(
    running: Running, tmp_path: Path, listener: Listener
) -> None:
    asked = settings_of(running.url, running.tokens["owner"], tmp_path)
    with (
        clients.client(asked) as client,
        store_files.stored(asked, client),
        BackgroundSync(asked, clock=now) as keeper,
    ):
        status = listener.until(keeper, lambda status: status.problem is not None)
    assert "already open by pid" in str(status.problem)


def test_a_wrong_price_file_is_told_and_nothing_is_lost(
    running: Running, tmp_path: Path, listener: Listener
) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text("[[price]]\nmodel = 'x'\nmultiplier = -1\n", "utf-8")
    owner = running.tokens["owner"]
    asked = settings_of(running.url, owner, tmp_path, prices_file=str(prices))
    with BackgroundSync(asked, clock=now) as keeper:
        status = listener.until(keeper, lambda status: status.problem is not None)
        assert "line 3" in str(status.problem)


@pytest.mark.parametrize("more", [{"sync_seconds": 0}, {"token": ""}])
def test_it_does_nothing_where_it_is_switched_off(more: dict[str, object], tmp_path: Path) -> None:
    asked = settings_of("http://127.0.0.1:9", str(more.pop("token", "token")), tmp_path, **more)
    with BackgroundSync(asked, clock=now) as keeper:
        assert keeper.status == Status()
    assert list(tmp_path.iterdir()) == []


def test_after_it_has_stopped_the_store_can_be_opened_by_others(
    running: Running, tmp_path: Path, listener: Listener
) -> None:
    asked = settings_of(running.url, running.tokens["owner"], tmp_path)
    with BackgroundSync(asked, clock=now) as keeper:
        listener.until(keeper, lambda status: status.event is not None)
    with Store.open(store_files.store_file(asked), memory_mb=256) as opened:
        assert opened.meta("deployment_id") == opened.path.stem


@pytest.mark.slow
def test_what_was_synced_can_be_read_while_the_deployment_is_down(
    tmp_path: Path, listener: Listener
) -> None:
    with demo_company.demo_server(SMALLEST, END) as up:
        asked = settings_of(up.url, up.tokens["owner"], tmp_path)
        with clients.client(asked) as client, store_files.stored(asked, client) as opened:
            path = opened.path
    with BackgroundSync(asked, clock=now) as keeper:
        listener.until(keeper, lambda status: status.problem is not None)
        assert keeper.store is not None
        assert keeper.store.path == path


@pytest.mark.parametrize("permitted", [True, False])
def test_words_are_gathered_only_where_readers_may_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, permitted: bool
) -> None:
    asked: list[Store] = []
    monkeypatch.setattr(text_index, "gather", lambda store, **_: asked.append(store))
    with Store.open(tmp_path / "store.duckdb") as opened:
        sync_steps.gather(opened, Settings.model_construct(search_text=permitted))
    assert asked == [opened] * permitted


def test_sums_of_groups_are_made_after_a_sync_where_readers_are_told_apart(tmp_path: Path) -> None:
    made: list[RowAccess] = []

    class Spied(Store):
        def snapshot(self, row_access: RowAccess = EVERYTHING) -> AbstractContextManager[Reader]:
            made.append(row_access)
            return super().snapshot(row_access)

    with Spied.open(tmp_path / "store.duckdb") as opened:
        open_to_all = Settings.model_construct()
        sync_steps.gather(opened, open_to_all)
        assert made == []
        proxy = Proxy.model_validate({"addresses": ["10.0.0.5"]})
        guarded = open_to_all.model_copy(update={"proxy": proxy, "floor": 7})
        sync_steps.gather(opened, guarded)
    assert made == [RowAccess.of_groups(7)]


def test_what_a_sync_has_read_is_mirrored_by_a_thread_of_its_own(
    running: Running,
    tmp_path: Path,
    listener: Listener,
    clickhouse: ClickHouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = clickhouse.fresh()
    monkeypatch.setattr(background_sync, "server", lambda _: mirror_worlds.server(url))
    ended = threading.Event()
    publish = Live.publish

    def published(*args: Any) -> int:
        try:
            return publish(*args)
        finally:
            ended.set()

    monkeypatch.setattr(Live, "publish", published)
    with BackgroundSync(
        settings_of(running.url, running.tokens["owner"], tmp_path), clock=now
    ) as keeper:
        assert keeper.mirror_status == MirrorStatus()
        listener.until(keeper, lambda status: status.good_at is not None)
        assert ended.wait(GIVE_UP_SECONDS)
        assert keeper.store
        wanted = mirror_worlds.stored(keeper.store)
    assert keeper.report().mirror == keeper.mirror_status
    for reader in mirror_worlds.reading(url):
        assert reader.rows() == wanted
