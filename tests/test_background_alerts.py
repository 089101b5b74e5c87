"""Alerts while the dashboard runs: what is asked when, failing syncs, and what goes wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import demo_store
import pytest
from dashboard_store import filled
from facts import facts
from test_alerts import Sender

from bridgeboard.alerts import conditions
from bridgeboard.model.store_status import Status
from bridgeboard.runtime import background_alerts
from bridgeboard.runtime.background_alerts import LOOKED_EVERY, BackgroundAlerts
from bridgeboard.settings import DemoSettings, Settings
from bridgeboard.store import Store

END: datetime = max(row["started_at"] for row in facts().usage).replace(tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RECIPIENT = '[[recipient]]\nname = "Ada"\nurl = "json://127.0.0.1/s3cret"\n'
BUDGET = '[[budget]]\nname = "All"\nscope = "organization"\namount = "{}"\nperiod = "month"\n'


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with filled(tmp_path_factory.mktemp("store") / "store.duckdb") as opened:
        yield opened


class Clock:
    def __init__(self) -> None:
        self.now = END

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chosen(tmp_path: Path) -> Settings:
    (tmp_path / "data").mkdir(mode=0o700)
    put(tmp_path / "alerts.toml", RECIPIENT)
    put(tmp_path / "budgets.toml", BUDGET.format("0.01"))
    return Settings(
        data_folder=str(tmp_path / "data"),
        alerts_file=str(tmp_path / "alerts.toml"),
        budgets_file=str(tmp_path / "budgets.toml"),
    )


def put(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    path.chmod(0o600)


def test_who_is_told_is_told_once_over_rounds_and_restarts(
    store: Store, chosen: Settings, clock: Clock
) -> None:
    send = Sender()
    for _ in range(3):
        BackgroundAlerts(chosen, clock, send).tell(store, Status(good_at=clock.now))
    (message,) = send.sent
    assert "Budget All" in message.body


def test_the_store_is_asked_now_and_then_and_what_waits_is_sent_meanwhile(
    store: Store, chosen: Settings, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[bool] = []
    asks = background_alerts.found

    def found(*args: object, looks: bool) -> object:
        looked.append(looks)
        return asks(*args, looks=looks)  # type: ignore[arg-type] # as they were given

    monkeypatch.setattr(background_alerts, "found", found)
    alerts = BackgroundAlerts(chosen, clock, Sender())
    for step in (timedelta(), MINUTE, LOOKED_EVERY, MINUTE, -timedelta(days=2)):
        clock.now += step
        alerts.tell(store, Status())
    assert looked == [True, False, True, False, True]


def test_syncs_that_fail_are_told_once_and_only_after_a_while(
    store: Store, chosen: Settings, clock: Clock
) -> None:
    put(Path(chosen.alerts_file), f'{RECIPIENT}role = "admin"\nkinds = ["sync"]\n')
    send, failing = Sender(), Status(good_at=END, problem="the token was revoked")
    alerts = BackgroundAlerts(chosen, clock, send)
    for _ in range(20):
        clock.now += MINUTE
        alerts.tell(store, failing)
    (message,) = send.sent
    assert "Syncs have failed since" in message.body
    assert "the token was revoked" in message.body


def test_after_a_time_in_which_nothing_ran_the_first_sync_is_waited_for(
    store: Store, chosen: Settings, clock: Clock
) -> None:
    put(Path(chosen.alerts_file), f'{RECIPIENT}kinds = ["sync"]\n')
    send = Sender()
    clock.now += timedelta(days=2)
    alerts = BackgroundAlerts(chosen, clock, send)
    alerts.tell(store, Status(state="syncing", good_at=END))
    assert not send.sent
    clock.now += timedelta(hours=2)
    alerts.tell(store, Status(state="syncing", good_at=END))
    assert "No sync went well since" in send.sent[0].body


def test_only_an_admin_is_told_why(store: Store, chosen: Settings, clock: Clock) -> None:
    put(Path(chosen.alerts_file), f'{RECIPIENT}kinds = ["sync"]\n')
    send = Sender()
    clock.now += timedelta(hours=1)
    status = Status(good_at=END, problem="the token was revoked")
    BackgroundAlerts(chosen, clock, send).tell(store, status)
    assert "revoked" not in send.sent[0].body
    assert "The operator of this dashboard can see why." in send.sent[0].body


def test_a_file_that_is_wrong_is_a_problem_until_it_is_mended(
    store: Store, chosen: Settings, clock: Clock
) -> None:
    send = Sender()
    alerts = BackgroundAlerts(chosen, clock, send)
    put(Path(chosen.alerts_file), RECIPIENT + "colour = 1\n")
    alerts.tell(store, Status())
    assert alerts.problem
    assert "line 4: 'colour' is unknown" in alerts.problem
    assert "s3cret" not in alerts.problem
    put(Path(chosen.alerts_file), RECIPIENT)
    clock.now += MINUTE
    alerts.tell(store, Status())
    assert alerts.problem is None
    assert len(send.sent) == 1


def test_budgets_that_cannot_be_read_keep_nobody_from_what_else_there_is(
    store: Store, chosen: Settings, clock: Clock
) -> None:
    put(Path(chosen.budgets_file), "[[budget]]\n")
    send = Sender()
    alerts = BackgroundAlerts(chosen, clock, send)
    clock.now += timedelta(days=1)
    for _ in range(2):
        alerts.tell(store, Status(good_at=END, ended_at=END))
        assert "budgets.toml, line 1" in (alerts.problem or "")
    assert "No sync went well since" in send.sent[0].body
    put(Path(chosen.budgets_file), BUDGET.format("0.01"))
    clock.now += LOOKED_EVERY
    alerts.tell(store, Status(good_at=END))
    assert alerts.problem is None
    assert "Budget All" in send.sent[-1].body


def test_under_pseudonyms_nobody_is_named(store: Store, chosen: Settings, clock: Clock) -> None:
    people = store.rows("SELECT username, name FROM initiators")
    person = next(name for name, _ in people if name)
    own = BUDGET.format("0.000001").replace("organization", "person")
    put(Path(chosen.budgets_file), f'{own}value = "{person}"\n')
    put(Path(chosen.alerts_file), f'{RECIPIENT}role = "analyst"\nkinds = ["budgets"]\n')
    bodies: list[str] = []
    for names in ("real", "pseudonyms"):
        given: dict[str, object] = {"names": names, "pseudonym_key": "k" * 32}
        told = Settings(**{**chosen.model_dump(), **given})  # type: ignore[arg-type] # its own
        send = Sender()
        told = told.model_copy(update={"data_folder": f"{chosen.data_folder}/{names}"})
        BackgroundAlerts(told, clock, send).tell(store, Status())
        bodies.append(send.sent[0].body if send.sent else "")
    real, renamed = bodies
    assert person in real
    assert renamed
    words = {word for row in people for word in row if word}
    assert not [word for word in words if word in renamed]


def test_whoever_is_called_otherwise_is_told_of_once(
    chosen: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted, _ = demo_store.planted(tmp_path / "planted.duckdb")
    clock, send, bodies = Clock(), Sender(), list[str]()
    clock.now = demo_store.PLANTED_END
    monkeypatch.setattr(conditions, "FINDING_DAYS", 60)
    with planted:
        ((person, key),) = planted.rows(
            "SELECT i.username, initiator FROM initiators i JOIN usage u USING (initiator)"
            " GROUP BY ALL ORDER BY sum(u.cost) DESC LIMIT 1"
        )
        own = BUDGET.format("0.000001").replace("organization", "person")
        put(Path(chosen.budgets_file), f'{own}value = "{person}"\n')
        put(Path(chosen.alerts_file), f'{RECIPIENT}role = "analyst"\n')
        for names in ("real", "pseudonyms", "renamed"):
            if names == "renamed":
                with planted.write() as batch:
                    batch.execute(
                        "UPDATE initiators SET username = ? WHERE initiator = ?", [f"zq-{key}", key]
                    )
                put(Path(chosen.budgets_file), f'{own}value = "zq-{key}"\n')
            update = {"names": "pseudonyms" if names == "pseudonyms" else "real"}
            told = Settings(**{**chosen.model_dump(), **update, "pseudonym_key": "k" * 32})  # type: ignore[arg-type] # its own
            BackgroundAlerts(told, clock, send).tell(planted, Status(good_at=clock.now))
            bodies.append(send.sent.pop().body if send.sent else "")
    assert "Budget All" in bodies[0]
    assert any(kind in bodies[0] for kind in ("Runaway session", "Spend anomaly"))
    assert bodies[1:] == ["", ""]


def test_a_demo_tells_nobody(chosen: Settings) -> None:
    assert chosen.alerts_path
    assert DemoSettings.of(chosen, "http://127.0.0.1", "token").alerts_path is None
