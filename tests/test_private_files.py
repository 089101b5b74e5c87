"""What lies on the disk is closed to other accounts of the machine."""

import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from commands import run

from bridgeboard import private_files
from bridgeboard.runtime import store_files
from bridgeboard.runtime.demo_company import Running
from bridgeboard.server import web_app
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.store import Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs permissions of files")


@pytest.fixture(autouse=True)
def open_umask(no_settings: pytest.MonkeyPatch) -> Iterator[None]:
    """What most accounts begin with: others may read what is made."""
    no_settings.setattr(web_app, "refuse_a_taken_port", lambda *_: None)
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


def plain(folder: Path) -> Settings:
    return Settings.model_construct(
        url="https://coder.example.com", host="127.0.0.1", port=0, data_folder=str(folder)
    )


def test_nothing_that_a_sync_writes_is_readable_for_others(
    smallest: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, int] = {}
    close: Callable[[Store], None] = Store.close

    def look_first(opened: Store) -> None:
        seen.update(modes(opened.path.parent))
        close(opened)

    monkeypatch.setattr(Store, "close", look_first)
    folder = tmp_path / "new" / "data"
    env = {"CODER_URL": smallest.url, "CODER_SESSION_TOKEN": smallest.tokens["owner"]}
    said = run("sync", BRIDGEBOARD_DATA=str(folder), **env)
    assert said.exit_code == 0, said.output
    assert [name for name in seen if name.endswith(".wal")]
    assert {name: mode for name, mode in seen.items() if mode & 0o077} == {}
    assert (modes(tmp_path)["new"], modes(tmp_path)["data"]) == (0o700, 0o700)


def test_a_log_that_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    path, copied = tmp_path / "store.duckdb", tmp_path / "copied.duckdb"
    with Store.open(path) as opened:
        with opened.write() as batch:
            batch.execute("INSERT INTO meta SELECT 'row', md5(i::VARCHAR) FROM range(100) r(i)")
        shutil.copy(path, copied)
        shutil.copy(f"{path}.wal", f"{copied}.wal")
    copied.chmod(0o600)
    Path(f"{copied}.wal").chmod(0o644)
    with Store.open(copied) as opened:
        log = Path(f"{copied}.wal")
        assert not log.exists() or not modes(tmp_path)[log.name] & 0o077
        assert opened.rows("SELECT count(*) FROM meta WHERE name = 'row'") == [(100,)]


@pytest.mark.parametrize("mode", [0o711, 0o755, 0o750, 0o770, 0o701, 0o720])
@pytest.mark.parametrize("command", ["serve", "sync", "check", "reprice"])
def test_a_data_folder_that_others_may_enter_is_refused_with_the_command_that_closes_it(
    command: str, mode: int, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)
    env = {"CODER_URL": "http://127.0.0.1:9", "CODER_SESSION_TOKEN": "x-y"}
    said = run(command, BRIDGEBOARD_DATA=str(folder), **env)
    assert said.exit_code in {1, 2}
    assert f"chmod 700 {folder}" in said.output
    assert list(folder.iterdir()) == []


def test_a_closed_data_folder_is_used_and_a_missing_one_made_closed(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert store_files.private_folder(plain(folder)) == folder
    assert modes(tmp_path) == {"a": 0o700, "b": 0o700}
    assert store_files.private_folder(plain(folder)) == folder


def test_a_folder_of_somebody_else_is_not_asked_to_be_closed_but_to_be_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "volume"
    folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    assert f"name a folder below it, such as {folder}/data" in private_files.how_to_close(folder)
    folder.chmod(0o700)
    assert private_files.how_to_close(folder) == ""


def test_a_data_folder_that_is_a_file_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_text("")
    with pytest.raises(SettingsError, match="BRIDGEBOARD_DATA"):
        store_files.private_folder(plain(path / "below"))


def test_a_server_does_not_start_on_an_open_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with pytest.raises(SettingsError, match="chmod 700"):
        web_app.serve(plain(folder), announce=lambda _: None)
    assert list(folder.iterdir()) == []
