"""Files to take away: noted before they are made, and there for the reader who asked alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import streamlit as st
from audit_entries import last, noted
from conftest import END
from dashboard_process import dashboard
from databases import broken, log_below, unusable
from streamlit import runtime
from streamlit.runtime.media_file_storage import MediaFileKind
from wire import Visit, WireError, await_sync, visit

from bridgeboard import settings
from bridgeboard.access import RefusedError, Viewer
from bridgeboard.exports import ExportError
from bridgeboard.model.store import StoreError
from bridgeboard.runtime import state_files
from bridgeboard.server.middleware import file_access
from bridgeboard.settings import Settings
from bridgeboard.state.audit import AuditError
from bridgeboard.ui.components import downloads

COMPANY = ("--end", f"{END:%Y-%m-%dT%H:%M:%S}", "--days", "8", "--scale", "0.1")
PROXIED = """
[proxy]
addresses = ["127.0.0.1"]
[roles]
analyst = ["analysts"]
"""


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], bytes]]:
    """What download buttons would call."""
    found: list[Callable[[], bytes]] = []

    def button(_label: str, *, data: Callable[[], bytes], **_: Any) -> None:
        found.append(data)

    monkeypatch.setattr(st, "download_button", button)
    monkeypatch.setattr(settings, "_installed", Settings.model_construct())
    return found


def offer(make: Callable[[], bytes]) -> None:
    file = downloads.File("CSV", make, "a.csv", "text/csv", "csv", "Spend, today")
    downloads._button(file, {})


def test_a_file_is_noted_before_it_is_made(offered: list[Callable[[], bytes]]) -> None:
    before, seen = last(), []

    def make() -> bytes:
        seen.extend(noted("export", before))
        return b"a,b"

    offer(make)
    assert noted("export", before) == []
    assert offered[0]() == b"a,b"
    assert [(entry.who, entry.about) for entry in seen] == [("operator", "Spend, today")]


def test_a_file_that_cannot_be_noted_is_not_made(
    offered: list[Callable[[], bytes]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unusable = broken(tmp_path / "broken")
    monkeypatch.setattr(state_files, "state_database", lambda _: unusable)
    offer(lambda: pytest.fail("it was made"))
    with pytest.raises(AuditError):
        offered[0]()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (StoreError("The store is gone."), "CSV: The store is gone."),
        (ExportError("Too many rows."), "CSV: Too many rows."),
        (RefusedError("Not for you."), "CSV: Not for you."),
        (OSError(28, "No space left on device"), "CSV: The file could not be written: No space"),
        (MemoryError(), "CSV: There is not enough memory"),
        (ZeroDivisionError("secret"), "CSV: The file could not be made. The log"),
    ],
)
def test_why_a_file_was_not_made_is_kept_for_who_asked_until_it_is_made(
    offered: list[Callable[[], bytes]], error: Exception, words: str
) -> None:
    todo: list[Exception] = [error]

    def make() -> bytes:
        if todo:
            raise todo.pop()
        return b"a,b"

    failures: dict[str, str] = {}
    downloads._button(
        downloads.File("CSV", make, "a.csv", "text/csv", "csv", "Spend, today"), failures
    )
    with pytest.raises(type(error)):
        offered[0]()
    assert failures["csv"].startswith(words)
    assert "secret" not in failures["csv"]
    assert offered[0]() == b"a,b"
    assert failures == {}


@pytest.mark.slow
def test_a_file_outlives_the_runs_of_other_readers() -> None:
    with dashboard("demo", *COMPANY) as address:
        await_sync(address)
        _check(address)


def _check(address: str) -> None:
    with visit(address) as asking, visit(address) as other:
        asking.open("fold-overview")
        made = asking.made("csv-overview")
        for _ in range(4):
            other.rerun()
        assert asking.fetch(made).count(b"\n") > 1


def known(name: str, groups: str = "analysts") -> dict[str, str]:
    """What a proxy says of somebody."""
    return {"X-Forwarded-Email": f"{name}@example.com", "X-Forwarded-Groups": groups}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A dashboard behind a proxy, and its folder."""
    folder = tmp_path_factory.mktemp("files")
    told = folder / "bridgeboard.toml"
    told.write_text(PROXIED)
    told.chmod(0o600)
    given = {"BRIDGEBOARD_SETTINGS": str(told), "TMPDIR": str(folder)}
    with dashboard("demo", *COMPANY, **given) as address:
        await_sync(address)
        yield address, folder


def exports(folder: Path) -> list[tuple[str, str]]:
    """Who took a file away or was refused one, oldest first."""
    every = reversed(log_below(folder).entries(1_000))
    return [(one.who, one.what) for one in every if one.what in {"export", "refused file"}]


@pytest.mark.slow
def test_a_file_is_there_for_whom_it_was_made_and_for_nobody_else(
    place: tuple[str, Path],
) -> None:
    address, _ = place
    with visit(address, headers=known("ada")) as reader:
        reader.open("fold-overview")
        made = f"{address.rstrip('/')}{reader.made('csv-overview')}"
        plain = made.rpartition(".")[0]
        gone = httpx.get(f"{address}media/{'0' * 64}.csv", headers=known("ada"))
        assert gone.status_code == 404
        for who in (known("bob"), known("eve", "others"), known("ada", "others"), {}):
            for url in (made, plain, f"{plain}.", f"{plain}.svg"):
                for more in ({}, {"Range": "bytes=0-9"}):
                    refused = httpx.get(url, headers=who | more)
                    told = {**refused.headers, "date": ""}
                    assert (refused.status_code, refused.text) == (404, gone.text)
                    assert told == {**gone.headers, "date": ""}
                    assert httpx.head(url, headers=who | more).status_code == 404
        for url in (made, plain):
            assert httpx.get(url, headers=known("ada")).text.count("\n") > 1


@pytest.mark.slow
def test_a_button_makes_its_file_for_its_reader_alone(place: tuple[str, Path]) -> None:
    address, folder = place
    before = len(exports(folder))
    with (
        visit(address, headers=known("ada")) as reader,
        visit(address, headers=known("ada")) as again,
        visit(address, headers=known("bob")) as other,
        visit(address) as nobody,
    ):
        reader.open("fold-overview")
        id_ = reader.screen.find("csv-overview", "download_button").told.deferred_file_id
        for stranger in (other, nobody):
            with pytest.raises(WireError, match="not made"):
                stranger._made(id_)
        for same in (reader, again):
            assert same.fetch(same._made(id_)).count(b"\n") > 1
    ada, bob = "ada@example.com", "bob@example.com"
    assert exports(folder)[before:] == [
        (bob, "refused file"),
        ("somebody unnamed", "refused file"),
        (ada, "export"),
        (ada, "export"),
    ]


@pytest.mark.slow
def test_the_page_says_why_a_file_was_not_made(place: tuple[str, Path]) -> None:
    address, folder = place
    with visit(address, headers=known("ada")) as reader:
        reader.open("fold-overview")
        (file,) = folder.rglob("state.sqlite")
        with unusable(file), pytest.raises(WireError, match="not made"):
            reader.made("csv-overview")
        reader.trigger("failed-overview", "failed", 1)
        assert any(text.startswith("CSV") for text in alerts(reader))
        reader.rerun()
        assert not any(text.startswith("CSV") for text in alerts(reader))
        assert reader.download("csv-overview").count(b"\n") > 1


def alerts(reader: Visit) -> list[str]:
    return [text for node in reader.screen.of("alert") for text in node.texts]


def test_what_is_remembered_of_files_is_bounded_and_what_is_forgotten_is_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kinds = dict.fromkeys("abc", MediaFileKind.DOWNLOADABLE) | {"picture": MediaFileKind.MEDIA}

    def read_file(id_: str) -> Any:
        return SimpleNamespace(kind=kinds[id_]) if id_ in kinds else None

    held = SimpleNamespace(media_file_mgr=SimpleNamespace(read_file=read_file))
    monkeypatch.setattr(runtime, "get_instance", lambda: held)
    monkeypatch.setattr(file_access, "MOST", 2)
    monkeypatch.setattr(file_access, "_made", {})
    ada, bob = Viewer("ada"), Viewer("bob")
    for id_ in "abac":
        file_access.made_for(f"/media/{id_}.csv", ada)
    every = (*kinds, "nothing")
    assert [id_ for id_ in every if file_access._is_for(f"/media/{id_}.csv", ada)] == [
        *("a", "c", "picture"),
    ]
    assert [id_ for id_ in every if file_access._is_for(f"/media/{id_}.csv", bob)] == ["picture"]
