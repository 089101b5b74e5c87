"""The command mirror, and what check and the health of a sync node say of the mirror."""

import json
from collections.abc import Iterator
from pathlib import Path

import commands
import mirror_worlds
import pytest
import row_access_worlds as worlds
from clickhouse_servers import ClickHouse
from mirror_worlds import NOW, Reader, stored
from typer.testing import Result

from bridgeboard.model.store_status import MirrorStatus, Totals
from bridgeboard.model.sync_report import SyncReport, report_of_text, report_text
from bridgeboard.server import health
from bridgeboard.store import Store

pytestmark = pytest.mark.usefixtures("no_settings")
URL = "http://127.0.0.1:9"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with the store of a deployment that does not answer."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with worlds.filled(folder / "store.duckdb"):
        pass
    (folder / "deployments.json").write_text(json.dumps({URL: "store.duckdb"}), "utf-8")
    return folder


@pytest.fixture
def address(clickhouse: ClickHouse) -> str:
    to = mirror_worlds.server(clickhouse.fresh())
    ((host, port),) = to.hosts
    return f"clickhouse://{to.user}@{host}:{port}/{to.database}?secure=false"


@pytest.fixture
def reader(clickhouse: ClickHouse, address: str) -> Iterator[Reader]:
    yield from mirror_worlds.reading(clickhouse.url(address.partition("?")[0].rsplit("/", 1)[1]))


def run(*arguments: str, folder: Path, address: str) -> Result:
    return commands.run(
        *arguments,
        CODER_URL=URL,
        CODER_SESSION_TOKEN="t" * 20,
        BRIDGEBOARD_DATA=str(folder),
        BRIDGEBOARD_MIRROR=address,
        BRIDGEBOARD_STORE_MEMORY_MB="256",
    )


def test_it_mirrors_once_and_again_only_what_has_changed(
    folder: Path, address: str, reader: Reader
) -> None:
    nothing = run("check", folder=folder, address=address)
    assert "✓ ClickHouse at 127.0.0.1" in nothing.output
    assert "answers; nothing is mirrored to it yet" in nothing.output
    said = run("mirror", folder=folder, address=address)
    assert said.exit_code == 0, said.output
    assert said.output.startswith("Version 1 is what readers of bridgeboard_test_")
    with Store.open(folder / "store.duckdb", threads=1) as store:
        wanted = stored(store)
    assert wanted["group_blocks"]
    assert reader.rows() == wanted
    again = run("mirror", folder=folder, address=address)
    assert "0 rows written in 0 blocks." in again.output
    anew = run("mirror", "--rebuild", folder=folder, address=address)
    rows = sum(map(len, wanted.values()))
    assert f"{rows:,} rows written in " in anew.output
    assert reader.rows() == wanted
    checked = run("check", folder=folder, address=address)
    assert "answers; its last change was published just now" in checked.output


def test_it_says_what_is_missing(folder: Path) -> None:
    without = run("mirror", folder=folder, address="")
    assert without.exit_code == 2
    assert "No mirror is set" in without.output
    away = "clickhouse://me@127.0.0.1:9/db?secure=false"
    for command in ("mirror", "check"):
        said = run(command, folder=folder, address=away)
        assert said.exit_code != 0
        assert "ClickHouse at 127.0.0.1:9/db: It does not answer." in said.output


def test_monitors_hear_of_it() -> None:
    status = MirrorStatus(NOW, 7, 20, "a sentence with s3cret")
    told = health.mirrored(status)
    assert told == {"good": False, "last_good_at": NOW.isoformat(), "version": 7}
    report = SyncReport(mirror=status)
    assert report_of_text(report_text(report)) == report
    assert report_of_text(report_text(SyncReport())) == SyncReport()
    text = health.metrics(report, Totals(), NOW, lease=None, holds=None)
    assert f"bridgeboard_mirror_last_good_timestamp_seconds {NOW.timestamp()!r}\n" in text
    assert "bridgeboard_mirror_failing 1.0\n" in text
    assert "bridgeboard_mirror_rows_total 20.0\n" in text
    assert "s3cret" not in text
    assert "mirror" not in health.metrics(SyncReport(), Totals(), NOW, lease=None, holds=None)
