"""Files to take away: noted before they are made, and kept for the reader who asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from conftest import END
from dashboards import dashboard
from noted import last, noted
from wire import await_sync, visit

from bridgeboard import connect, settings
from bridgeboard.audit import AuditError
from bridgeboard.settings import Settings
from bridgeboard.ui import files


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
    files.button("CSV", make, name="a.csv", mime="text/csv", key="csv", what="Spend, today")


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
    monkeypatch.setattr(connect, "audit_file", lambda _: tmp_path)
    offer(lambda: pytest.fail("it was made"))
    with pytest.raises(AuditError):
        offered[0]()


def test_a_file_outlives_the_runs_of_other_readers() -> None:
    company = ("--end", f"{END:%Y-%m-%dT%H:%M:%S}", "--days", "8", "--scale", "0.1")
    with dashboard("demo", *company) as address:
        await_sync(address)
        _check(address)


def _check(address: str) -> None:
    with visit(address) as asking, visit(address) as other:
        asking.open("fold-overview")
        made = asking.made("csv-overview")
        for _ in range(4):
            other.rerun()
        assert asking.fetch(made).count(b"\n") > 1
