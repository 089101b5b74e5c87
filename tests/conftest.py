"""What many tests share: a small demo company, its server, and the dashboard pointed at it."""

import asyncio
import atexit
import logging
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import costly_laws  # noqa: F401  # registers the profiles, before hypothesis' plugin loads one
import databases
import demo_sync
import pytest
import stores_of_the_run
import streamlit as st
from browsers import ARGUMENTS, PATIENCE
from playwright.sync_api import BrowserContext, Page
from streamlit.components.v2 import manifest_scanner

from bridgeboard import settings
from bridgeboard.runtime import demo_company, process
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.demo_company import Demo, Running
from bridgeboard.settings import DemoSettings
from bridgeboard.state import Database

END = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
SMALL = Demo(seed=7, days=30, scale=0.12, end=END)
SMALLEST = Demo(seed=7, days=8, scale=0.1, end=END)
"""For tests that sync all of it."""

# Some machines switch this off; then each process that a test starts would compile all modules.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@atexit.register
def _end_with_the_summary() -> None:
    """Let pytest's summary be the last word.

    After everything else, when Python is gone already, the binding beneath DuckDB would list the
    objects that hypothesis' pytest plugin still held.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


@pytest.fixture(scope="session", autouse=True)
def _nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever is kept without a folder of its own, as the audit log of an operator, goes here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _stores_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    stores_of_the_run.keep_in(tmp_path_factory)


@pytest.fixture(scope="session", autouse=True)
def _components_looked_for_once() -> Iterator[None]:
    """Keep every AppTest from reading the metadata of all installed packages anew."""
    with pytest.MonkeyPatch.context() as patch:
        once = cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", once)
        yield


@pytest.fixture(autouse=True)
def _log_of_the_sdk() -> Iterator[None]:
    """Undo what a command that is run in this process does to it: ``check`` makes it quiet."""
    yield
    logging.getLogger("aibridge").setLevel(logging.NOTSET)


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A patch after which commands of this process find no settings, and nothing that was kept."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    for variable in [*settings.variables(), *settings.table_variables()]:
        monkeypatch.delenv(variable, raising=False)
    return monkeypatch


@pytest.fixture(scope="session")
def synced_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with all of the small company; to be copied or read, not changed."""
    with demo_sync.whole(tmp_path_factory.mktemp("synced")) as store:
        return store.path


@pytest.fixture
def store_options(synced_file: Path, tmp_path: Path) -> Sequence[str]:
    """Options by which a command reads a copy of it."""
    return "--store", str(shutil.copy(synced_file, tmp_path / "copy.duckdb"))


@pytest.fixture(scope="session")
def company() -> demo_company.Demo:
    """A demo company that stands still."""
    return SMALL


@pytest.fixture(scope="session")
def running(company: demo_company.Demo) -> Iterator[Running]:
    """Its server on a real port."""
    with demo_company.demo_server(company, END) as server:
        yield server


@pytest.fixture(scope="session")
def smallest() -> Iterator[Running]:
    """The server of the smallest company on a real port."""
    with demo_company.demo_server(SMALLEST, END) as server:
        yield server


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Point the dashboard of this process at an address and a token, with empty caches."""
    monkeypatch.setattr(settings, "_installed", None)
    st.cache_resource.clear()

    def point(url: str, token: str) -> None:
        plain = settings.Settings.model_construct(timeout_seconds=20.0)
        pointed = DemoSettings.of(plain, url, token)
        settings.install(pointed)
        watch = BackgroundSync(pointed, clock=lambda: END)
        ends.callback(watch.stop)
        monkeypatch.setattr(process, "_installed", watch)

    with ExitStack() as ends:
        yield point
    st.cache_resource.clear()


@pytest.fixture(scope="session")
def postgres() -> Iterator[databases.Server]:
    """A PostgreSQL that runs; its absence is a failure in CI and a reason to skip elsewhere."""
    with databases.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A ClickHouse that runs; its absence is a failure in CI and a reason to skip elsewhere."""
    import clickhouse_servers  # noqa: PLC0415 - only its own tests wait for its client

    with clickhouse_servers.clickhouse(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def state_url(request: pytest.FixtureRequest) -> str:
    """The setting state_url of each engine: empty is SQLite in the data folder."""
    if request.param == "SQLite":
        return ""
    server: databases.Server = request.getfixturevalue("postgres")
    return server.fresh()


@pytest.fixture
def database(state_url: str, tmp_path: Path) -> Iterator[Database]:
    """A state database of each engine that holds nothing yet."""
    with databases.database(tmp_path / "data", state_url) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Debian's Chromium; its absence is a failure in CI and a reason to skip elsewhere."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if path is None and os.environ.get("CI"):
        pytest.fail("CI needs a browser: apt-get install chromium")
    if path is None:
        pytest.skip("no Chromium found: apt-get install chromium")
    return {"executable_path": path, "args": ARGUMENTS}


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    """A fresh browser, whose pages wait as long as ``expect`` does."""
    context.set_default_timeout(PATIENCE)
    return context


@pytest.fixture
def foreign(page: Page, address: str) -> Iterator[list[str]]:
    """Requests of the page to any other host; there must be none when the test ends."""
    elsewhere: list[str] = []
    here = urlsplit(address).netloc

    def note(url: str) -> None:
        if urlsplit(url).scheme not in {"data", "blob"} and urlsplit(url).netloc != here:
            elsewhere.append(url)

    page.on("request", lambda request: note(request.url))
    page.on("websocket", lambda connection: note(connection.url))
    yield elsewhere
    assert elsewhere == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Let every test but the browser's start event loops of its own, in whatever order they run.

    Playwright's synchronous interface parks its loop between two calls without unsetting it, so
    that for the rest of the session this thread would seem to run one.
    """
    if item.get_closest_marker("browser"):
        return (yield)
    parked = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio._set_running_loop(parked)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shots", help="Folder to keep the browser tests' screenshots in.")


@pytest.fixture(scope="session")
def shots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: ``--shots docs/images`` makes those of the README anew."""
    folder = request.config.getoption("--shots")
    return Path(folder) if folder else tmp_path_factory.mktemp("shots")
