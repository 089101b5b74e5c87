"""A dashboard that reads from ClickHouse: pages, health, commands, and a server that is away."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mirror_worlds
import pytest
import streamlit as st
from clickhouse_servers import ClickHouse
from clickhouse_servers import clickhouse as serving
from demo_store import filled
from demo_worlds import small
from pydantic import SecretStr
from test_page_settings import page, sent, tables
from test_pages_stored import said
from typer.testing import CliRunner

from bridgeboard import settings
from bridgeboard.cli import app
from bridgeboard.runtime import clickhouse_reading, process
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.clickhouse_reading import ClickHouseReading, refuse_an_unfit_server
from bridgeboard.server import web_app
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.store import Store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAGES = ("overview", "spend", "models", "tools", "people", "sessions", "interceptions", "trust")
WINDOW = {"from": "2026-11-01", "to": "2026-11-16"}


def address(url: str) -> str:
    """The address of a database as the setting ``store`` has it."""
    server = mirror_worlds.server(url)
    hosts = ",".join(f"{host}:{port}" for host, port in server.hosts)
    return f"clickhouse://{server.user}@{hosts}/{server.database}?secure=false"


@contextmanager
def showing(chosen: Settings, keeper: Any) -> Iterator[None]:
    """The dashboard of this process."""
    st.cache_resource.clear()
    settings.install(chosen)
    process.install(keeper)
    try:
        yield
    finally:
        process.install(None)
        settings._installed = None
        st.cache_resource.clear()


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with filled(tmp_path_factory.mktemp("company") / "company.duckdb", small()) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(company: Store, clickhouse: ClickHouse) -> str:
    made = clickhouse.fresh()
    with closing(mirror_worlds.mirror(made)) as mirror:
        mirror_worlds.run(company, mirror)
    return made


def reader(url: str, folder: Path) -> Settings:
    return Settings.model_construct(store=address(url), data_folder=str(folder))


@contextmanager
def reading(chosen: Settings) -> Iterator[ClickHouseReading]:
    keeper = ClickHouseReading(chosen, clock=lambda: NOW)
    keeper.look()
    with showing(chosen, keeper):
        yield keeper
    keeper.stop()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_what_it_shows_on_the_store(
    company: Store, url: str, tmp_path: Path, name: str
) -> None:
    own = Settings.model_construct(
        data_folder=str(tmp_path), url="https://x.example", token=SecretStr("t")
    )
    with ExitStack() as stack:
        keeper = BackgroundSync(own, clock=lambda: NOW, opened=company)
        stack.callback(keeper.deployment.close)
        stack.enter_context(showing(own, keeper))
        expected = page(name=name, **WINDOW)
    with reading(reader(url, tmp_path)):
        seen = page(name=name, **WINDOW)
    assert not seen.exception
    assert not expected.exception
    # The strip at the head tells where the numbers come from, and Trust that nobody was asked.
    lines = [
        line
        for line in said(seen).splitlines()
        if not set(line.split()) & {"ClickHouse,", "Asking"}
    ]
    others = [line for line in said(expected).splitlines() if line not in lines]
    assert len(lines) > 5
    assert [line for line in lines if line not in said(expected).splitlines()] == []
    assert [line for line in others if "synced" not in line and "ync" not in line] == []


def test_pages_say_where_numbers_come_from(url: str, tmp_path: Path) -> None:
    with reading(reader(url, tmp_path)):
        assert "ClickHouse, mirrored" in said(page(name="spend"))
        test = page()
        assert not test.exception
        facts = tables(test)["facts"]
        assert facts["Server"] == [address(url)]
        assert "The process that syncs makes backups" in sent(test)
        assert next(one for one in test.button if one.label == "Sync now").disabled


def test_a_server_that_is_away_is_said(
    company: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgeboard.clickhouse.store.KEPT_SECONDS", 0.0)
    with ExitStack() as stack:
        with serving(tmp_path / "one") as server:
            made = server.fresh()
            with closing(mirror_worlds.mirror(made)) as mirror:
                mirror_worlds.run(company, mirror)
            chosen = reader(made, tmp_path)
            keeper = stack.enter_context(reading(chosen))
            assert "ClickHouse, mirrored" in said(page(name="spend"))
        keeper.look()
        assert "does not answer" in str(keeper.copy_status.problem)
        test = page(name="models", **WINDOW)
        assert not test.exception
        assert "does not answer" in said(test)
        assert keeper.store is None


def test_nothing_is_shown_before_the_server_has_answered(tmp_path: Path) -> None:
    chosen = Settings.model_construct(
        store="clickhouse://me@127.0.0.1:9/db?secure=false", data_folder=str(tmp_path)
    )
    refuse_an_unfit_server(chosen)  # it may come later
    with reading(chosen) as keeper:
        assert keeper.store is None
        assert "does not answer" in said(page(name="spend"))
        status, body = health()
    assert (status, body["status"]) == (503, "no answer of ClickHouse")
    assert body["clickhouse"]["good"] is False


def test_health_says_how_old_the_mirror_is(url: str, tmp_path: Path) -> None:
    chosen = reader(url, tmp_path)
    with reading(chosen):
        status, body = health()
    assert status == 200
    assert body["clickhouse"]["good"] is True
    assert body["clickhouse"]["age_seconds"] is not None


def health() -> tuple[int, dict[str, Any]]:
    """The answer of /healthz with the process that is installed."""
    # In a thread of its own: here it would end the event loop of the pages, which is not closed.
    with ThreadPoolExecutor(1) as pool:
        asked = web_app._healthz(None)  # type: ignore[arg-type]  # it is not looked at
        answer = pool.submit(asyncio.run, asked).result()
    return answer.status_code, json.loads(answer.body)


@pytest.mark.usefixtures("no_settings")
def test_the_settings_name_one_source(tmp_path: Path) -> None:
    where = "clickhouse://me@one,two/db"
    chosen = settings.read(store=where)
    assert (chosen.reads_only, chosen.configured, chosen.backup_time) == (True, True, None)
    with pytest.raises(SettingsError, match="store and replica_folder are both set"):
        settings.read(store=where, replica_folder=str(tmp_path))
    with pytest.raises(SettingsError, match="store_password_file") as error:
        settings.read(store="clickhouse://me:hidden-word@one/db")
    assert "hidden-word" not in str(error.value)


@pytest.mark.usefixtures("no_settings")
def test_commands_on_the_store_say_that_it_is_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBOARD_STORE", "clickhouse://me@one/db")
    monkeypatch.setenv("BRIDGEBOARD_DATA_FOLDER", str(tmp_path))
    for command in (
        ["sync"],
        ["backup", str(tmp_path / "b")],
        ["repair"],
        ["reprice"],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code != 0
        assert "only reads" in " ".join(result.output.split()), command


@pytest.mark.usefixtures("no_settings")
def test_the_check_says_what_is_read(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBOARD_STORE", address(url))
    monkeypatch.setenv("BRIDGEBOARD_DATA_FOLDER", str(tmp_path))
    result = CliRunner().invoke(app, ["check"])
    assert "answers as it has to" in " ".join(result.output.split())
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("no_settings")
def test_an_unfit_server_is_refused_at_the_start(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgeboard.clickhouse.start_check.OLDEST", (99, 1))
    with pytest.raises(SettingsError, match="the oldest that works"):
        refuse_an_unfit_server(reader(url, tmp_path))
    assert clickhouse_reading.LOOK_SECONDS > 0
