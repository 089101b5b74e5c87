"""Any time at all, and the watch beside the dashboard: it tells what is wrong, and gets over it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import demo_sync
import httpx
import pytest
from aibridge_wire import Wire, answer, detail, interception_row, session_row, thread_row, uuid
from hostile_servers import TROUBLES, Dated, Trouble, Turning, good, owner, synced
from slow_cases import one_fast

from aibridge import Client
from bridgeboard import sync
from bridgeboard.analysis import sync_history
from bridgeboard.runtime import background_sync, clients
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.settings import DemoSettings, Settings
from bridgeboard.store import Store, sync_state
from bridgeboard.sync import Options

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a store holds after one undisturbed sync."""
    with demo_sync.opened(tmp_path_factory.mktemp("calm")) as calm:
        synced(calm, good())
        return demo_sync.contents(calm)


def listed(held: Store, *times: str, now: datetime = NOON) -> None:
    """Sync from a server with one request, in a session of its own, at each of these times."""
    rows = [interception_row(n, started_at=at, ended_at=at) for n, at in enumerate(times, 1)]
    told = [
        session_row(f"s{n}", started_at=at, ended_at=at, last_active_at=at)
        for n, at in enumerate(times, 1)
    ]
    wire = Wire(
        interceptions=lambda asked: answer(page("results", rows, asked)),
        sessions=lambda asked: answer(page("sessions", told, asked)),
    )
    for n, at in enumerate(times, 1):
        wire.says(f"/sessions/s{n}", detail([thread_row(n, started_at=at, ended_at=at)], f"s{n}"))
    around = {
        "/api/v2/users/me": {
            "id": uuid(9), "username": "owner", "roles": [{"name": "owner"}],
        },
        "/api/v2/entitlements": {
            "features": {"aibridge": {"entitlement": "entitled", "enabled": True}}
        },
    }  # fmt: skip

    def server(request: httpx.Request) -> httpx.Response:
        said = around.get(request.url.path)
        return answer(said) if said else wire(request)

    with Client(
        demo_sync.ADDRESS, demo_sync.TOKEN, transport=httpx.MockTransport(server)
    ) as client:
        list(sync.run(client, held, Options(), now))


def page(name: str, rows: list[dict[str, Any]], request: httpx.Request) -> dict[str, Any]:
    """The rows that a window asks for, newest first."""
    query = request.url.params.get("q", "")
    bounds = dict(part.split(":", 1) for part in query.split() if ":" in part)
    since = bounds.get("started_after", "").strip('"')
    until = bounds.get("started_before", "9999-12-31T23:59:60Z").strip('"')
    found = [row for row in rows if since <= row["started_at"] <= until]
    found.sort(key=lambda row: row["started_at"], reverse=True)
    return {"count": len(found), name: found}


@pytest.mark.parametrize(
    "times",
    one_fast(
        [
            ["0001-01-01T00:00:00Z", "2026-05-01T10:00:00Z", "9999-12-31T23:59:59Z"],
            ["0001-01-01T00:00:00Z"],
            ["9999-12-31T23:59:59Z"],
            ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z"],
        ]
    ),
)
def test_rows_from_any_time_are_kept_and_hide_none_of_the_present(
    held: Store, times: list[str]
) -> None:
    for later in range(3):
        listed(held, *times, now=NOON + timedelta(minutes=later))
    listed(held, *times, "2026-05-01T12:05:00Z", now=NOON + timedelta(minutes=10))
    found = held.rows("SELECT id::VARCHAR FROM usage ORDER BY 1")
    assert found == [(uuid(number),) for number in range(1, len(times) + 2)]
    assert held.rows("SELECT count(*) FROM sessions") == [(len(times) + 1,)]
    assert sync_state.quarantined(held) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "date",
    one_fast(
        [
            "Mon, 01 Jan 0001 00:00:00 GMT",
            "Thu, 01 Jan 1970 00:00:09 GMT",
            "Thu, 01 Jan 2099 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "half past nine",
        ]
    ),
)
def test_a_server_of_another_time_is_read_whole_before_and_after_its_clock_is_set(
    held: Store, truth: dict[str, str], date: str
) -> None:
    synced(held, Dated(date), since=None)
    assert demo_sync.contents(held) == truth
    synced(held, good())
    assert demo_sync.contents(held) == truth


@pytest.mark.slow
@pytest.mark.parametrize("leap", one_fast([timedelta(days=-400), timedelta(days=400)]))
def test_our_clock_may_leap_and_come_back(
    held: Store, truth: dict[str, str], leap: timedelta
) -> None:
    with Client(demo_sync.ADDRESS, owner(), transport=good()) as client:
        list(sync.run(client, held, Options(), demo_sync.NOW + leap))
        list(sync.run(client, held, Options(), demo_sync.NOW))
    assert demo_sync.contents(held) == truth


# The watch, which must outlive all of this.


class Deployment:
    """What a watch speaks to: its server and our clock may be exchanged while it watches."""

    def __init__(self) -> None:
        self.transport = good()
        self.now = demo_sync.NOW

    def clock(self) -> datetime:
        return self.now

    def wall(self) -> float:
        return self.now.timestamp()

    def client(self, _settings: Settings) -> Client:
        return Client(
            demo_sync.ADDRESS,
            owner(),
            transport=self.transport,
            retry=demo_sync.at_once(0),
            clock=self.wall,
        )


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    made = Deployment()
    monkeypatch.setattr(clients, "patient_client", made.client)
    return made


def watching(deployment: Deployment, folder: Path, **more: Any) -> BackgroundSync:
    plain: dict[str, Any] = {"data_folder": str(folder), "store_memory_mb": 256}
    made = Settings.model_construct(**plain | more)
    return BackgroundSync(
        DemoSettings.of(made, demo_sync.ADDRESS, demo_sync.TOKEN), clock=deployment.clock
    )


@pytest.mark.parametrize("trouble", one_fast(TROUBLES.values()), ids=TROUBLES)
def test_one_watch_tells_of_trouble_and_gets_over_it(
    deployment: Deployment, tmp_path: Path, truth: dict[str, str], trouble: Trouble
) -> None:
    keeper = watching(deployment, tmp_path)
    deployment.transport = trouble.server()
    keeper._round()
    assert trouble.told in str(keeper.status.problem)
    # Five of the nine other sessions fail in a row, in whatever order the answers arrive.
    deployment.transport = Turning(good(), trouble.server(), "details", 1)
    keeper._round()
    assert trouble.told in str(keeper.status.problem)
    assert (keeper.status.state, keeper.status.good_at) == ("waiting", None)
    deployment.transport = good()
    keeper._round()
    assert (keeper.status.problem, keeper.status.good_at) == (None, demo_sync.NOW)
    assert keeper.store is not None
    assert demo_sync.contents(keeper.store) == truth
    keeper.stop()


def test_what_nobody_foresaw_does_not_end_the_watch_and_is_not_quoted(
    deployment: Deployment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorded = "the secret of the bakery"

    def broken(*_asked: object) -> Any:
        raise ZeroDivisionError(recorded)

    keeper = watching(deployment, tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(background_sync.sync, "run", broken)
        keeper._round()
    assert "ZeroDivisionError" in str(keeper.status.problem)
    assert "tried again" in str(keeper.status.problem)
    assert "in broken" in caplog.text
    assert recorded not in caplog.text + str(keeper.status)
    keeper._round()
    assert keeper.status.problem is None
    keeper.stop()


@pytest.mark.slow
@pytest.mark.parametrize("is_ours", one_fast([True, False]), ids=["ours", "the server's"])
def test_a_clock_that_runs_ahead_is_told_and_deletes_nothing(
    deployment: Deployment, tmp_path: Path, *, is_ours: bool
) -> None:
    keeper = watching(deployment, tmp_path, text_days=60, rows_days=90)
    deployment.transport = Dated(demo_sync.NOW)
    keeper._round()
    assert keeper.store is not None
    before = demo_sync.contents(keeper.store)
    assert sync_history.anomalies(keeper.store, 9) == []
    ahead = demo_sync.NOW + timedelta(days=400)
    if is_ours:
        deployment.now = ahead
    else:
        deployment.transport = Dated(ahead)
    keeper._round()
    assert demo_sync.contents(keeper.store) == before
    assert {odd.kind for odd in sync_history.anomalies(keeper.store, 9)} == {"clock_skew"}
    deployment.now, deployment.transport = demo_sync.NOW, Dated(demo_sync.NOW)
    keeper._round()
    assert keeper.status.problem is None
    assert demo_sync.contents(keeper.store) == before
    keeper.stop()
