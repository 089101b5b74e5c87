"""``bridgeboard sync --watch`` as processes: one syncs, another waits, a killed one is followed."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import databases
import httpx
import pytest
from conftest import END
from dashboard_process import free_port
from httpx_retries import Retry, RetryTransport
from sqlalchemy import select, update
from starlette.testclient import TestClient
from test_background_sync import settings_of
from test_cli_store_commands import environment

from bridgeboard.model.store_status import Backup, BackupStatus, Status, Totals
from bridgeboard.model.sync_report import SyncReport
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.demo_company import Running
from bridgeboard.server import health, sync_node_app
from bridgeboard.state import Database
from bridgeboard.state.schema import SYNC_NODES
from bridgeboard.state.sync_nodes import SyncNodes
from bridgeboard.state.wishes import Wishes

GIVE_UP = 120
LINE = re.compile(r'bridgeboard_[a-z_]+(\{version="[^"]+"\})? -?[0-9.e+]+')
HEAD = re.compile(
    r"# (HELP bridgeboard_[a-z_]+ [A-Z].+\.|TYPE bridgeboard_[a-z_]+ (gauge|counter))"
)


def values(text: str) -> dict[str, float]:
    """Metrics by name, of a text that keeps to the format."""
    lines = text.splitlines()
    for line in lines:
        assert (HEAD if line.startswith("#") else LINE).fullmatch(line), line
    told = [line.removeprefix("bridgeboard_").rsplit(" ", 1) for line in lines if line[0] != "#"]
    assert len({name for name, _ in told}) == len(told)
    return {name.partition("{")[0]: float(value) for name, value in told}


def test_metrics_tell_what_is_known_and_leave_out_what_is_not() -> None:
    text = health.metrics(SyncReport(version="1"), Totals(), END, lease=None, holds=None)
    told = values(text)
    assert 'build_info{version="1"} 1.0' in text
    assert not {"sync_age_seconds", "lease_held", "store_version"} & set(told)
    assert (told["syncs_good_total"], told["sync_failing"]) == (0, 0)
    status = Status("syncing", good_at=datetime(2026, 11, 20, 16, 59, tzinfo=UTC), problem="x")
    report = SyncReport(
        status, "1", 60, 17, None, BackupStatus((Backup(Path(), END, 3),), "full"), "no"
    )
    totals = Totals(4, 2, 1_234_567, 9, 8, 7, 6)
    told = values(health.metrics(report, totals, END, lease=3, holds=False))
    assert told["sync_age_seconds"] == 60
    assert told["rows_read_total"] == 1_234_567
    assert told["backup_last_good_timestamp_seconds"] == END.timestamp()
    for name in ("sync_running", "sync_failing", "backup_failing", "alerts_failing"):
        assert told[name] == 1
    assert (told["lease_held"], told["lease_number"], told["store_version"]) == (0, 3, 17)
    assert (told["syncs_good_total"], told["syncs_failed_total"]) == (4, 2)


def test_a_node_answers_monitors_and_nobody_else(tmp_path: Path) -> None:
    chosen = settings_of("http://127.0.0.1:9", "abcdefghij-0123456789012345678901", tmp_path)
    keeper = BackgroundSync(chosen, clock=lambda: END, is_node=True)
    keeper._tell(state="waiting", good_at=END, problem="a secret of the operator")
    client = TestClient(sync_node_app.application(keeper, lambda: END))
    body = client.get("/healthz").json()
    assert (body["status"], body["sync"]["state"], body["sync"]["good"]) == ("ok", "waiting", False)
    assert body["lease"] == {"held": False, "number": None}
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == health.METRICS_TYPE
    assert values(answer.text)["sync_age_seconds"] == 0
    for path in ("/healthz", "/metrics"):
        assert "secret of the operator" not in client.get(path).text
        assert client.post(path).status_code == 405
    for path in ("/", "/docs", "/overview", "/_stcore/health"):
        assert client.get(path).status_code == 404
    keeper.deployment.close()


@dataclass(frozen=True)
class Node:
    """A sync node that runs."""

    process: subprocess.Popen[str]
    address: str

    def health(self) -> Any:
        transport = RetryTransport(retry=Retry(total=100, backoff_factor=0.1, max_backoff_wait=0.2))
        with httpx.Client(transport=transport) as client:
            return client.get(f"{self.address}/healthz").json()

    def until(self, wanted: Callable[[Any], bool]) -> None:
        """Ask how it is until that is as wanted."""
        until = time.monotonic() + GIVE_UP
        while not wanted(self.health()):
            assert time.monotonic() < until

    def until_it_reads(self) -> str:
        """Wait for the line of a sync that ended."""
        assert self.process.stdout
        return next(line for line in self.process.stdout if "read" in line)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        self.process.communicate(timeout=GIVE_UP)
        return self.process.returncode


@contextmanager
def node(running: Running, folder: Path, url: str) -> Iterator[Node]:
    port = free_port()
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "bridgeboard", "sync", "--watch", "--port", str(port)],
        env=os.environ | environment(running, folder) | {"BRIDGEBOARD_STATE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout
            line = next(iter(process.stdout))
            assert line == (
                f"Health and metrics are at http://127.0.0.1:{port}/healthz"
                f" and http://127.0.0.1:{port}/metrics\n"
            )
            yield Node(process, f"http://127.0.0.1:{port}")
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_of_two_nodes_one_syncs_and_the_other_goes_on_once_that_one_is_dead_or_paused(
    smallest: Running, tmp_path: Path, postgres: databases.Server, how: signal.Signals
) -> None:
    url = postgres.fresh()
    with (
        databases.database(tmp_path / "reader", url) as database,
        node(smallest, tmp_path / "one", url) as one,
    ):
        one.until_it_reads()
        body = one.health()
        assert body["lease"] == {"held": True, "number": 1}
        assert body["sync"]["good"]
        told = values(httpx.get(f"{one.address}/metrics").text)
        assert (told["lease_held"], told["syncs_failed_total"]) == (1, 0)
        assert told["rows_read_total"] > 0
        (key,) = keys(database)
        wishes = Wishes(database, key)
        wishes.add("sync")
        one.until_it_reads()
        assert state(wishes) in {"doing", "done"}  # it is written behind the line
        with node(smallest, tmp_path / "other", url) as other:
            assert other.health()["sync"]["state"] in {"off", "standby"}
            assert other.health()["lease"] == {"held": False, "number": None}
            one.process.send_signal(how)
            wishes.add("session", "0")
            with database.writing() as connection:  # as after its time
                connection.execute(update(SYNC_NODES).values(expires_at=END))
            other.until_it_reads()
            assert other.health()["lease"] == {"held": True, "number": 2}
            if how == signal.SIGSTOP:
                one.process.send_signal(signal.SIGCONT)
                one.until(lambda body: not body["lease"]["held"])
                assert one.end() == 0
            assert other.health()["lease"] == {"held": True, "number": 2}
            assert other.end() == 0
        ended = SyncNodes(database, key).node()
        assert ended
        assert (ended.number, ended.is_alive) == (2, False)
        assert state(wishes) == "done"


def keys(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(SYNC_NODES.c.store)).scalars())


def state(wishes: Wishes) -> str:
    wish = wishes.get("sync")
    assert wish
    return wish.state


@pytest.mark.slow
def test_a_port_that_is_taken_is_refused_before_anything_is_read(
    smallest: Running, tmp_path: Path
) -> None:
    told = os.environ | environment(smallest, tmp_path)
    taken = smallest.url.rpartition(":")[2].strip("/")
    said = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "bridgeboard", "sync", "--watch", "--port", taken],
        env=told, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 2
    assert f"Cannot listen on 127.0.0.1 port {taken}" in said.stderr
    assert not list(tmp_path.glob("*.duckdb"))
