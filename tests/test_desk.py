"""Views and notes that readers put down are found again, whatever happens in between."""

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from bridgeboard.state.saved_views import LONGEST_NOTE, MOST, Desk, DeskError, Note, View

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk.beside(tmp_path / "store.duckdb")


def test_a_view_is_found_again_by_another_process(desk: Desk) -> None:
    view = View("  Payments,  last month ", "spend", "range=Last+month&teams=payments")
    desk.keep(view)
    assert Desk(desk.path).views() == (view,)
    assert view.name == "Payments, last month"
    assert view.address == "./spend?range=Last+month&teams=payments"


def test_views_are_in_the_order_of_their_names_and_one_name_is_one_view(desk: Desk) -> None:
    for name, page in (("b", "spend"), ("A", "tools"), ("b", "people")):
        desk.keep(View(name, page, ""))
    assert [(view.name, view.page) for view in desk.views()] == [("A", "tools"), ("b", "people")]
    desk.drop("b")
    desk.drop("never there")
    assert [view.name for view in desk.views()] == ["A"]


def test_a_note_is_kept_with_its_time_until_it_is_erased(desk: Desk) -> None:
    desk.write("runaway:7", Note("A load test.", AT, "ada@example.com"))
    desk.keep(View("a", "tools", ""))
    assert Desk(desk.path).notes() == {"runaway:7": Note("A load test.", AT, "ada@example.com")}
    desk.erase("runaway:7")
    assert desk.notes() == {}
    assert len(desk.views()) == 1


def test_a_note_of_a_version_that_kept_no_names_is_read(desk: Desk) -> None:
    notes = {"runaway:7": {"text": "A load test.", "written_at": AT.isoformat()}}
    desk.path.write_text(json.dumps({"views": {}, "notes": notes}), "utf-8")
    assert desk.notes() == {"runaway:7": Note("A load test.", AT)}


@pytest.mark.parametrize(
    ("name", "page", "query"),
    [
        ("", "spend", ""),
        ("x" * 81, "spend", ""),
        ("a", "javascript:alert", ""),
        ("a", "../etc", ""),
        ("a", "", ""),
        ("a", "spend", "a=\n"),
        ("a", "spend", "x" * 4001),
    ],
)
def test_what_is_no_view_is_refused(name: str, page: str, query: str) -> None:
    with pytest.raises(DeskError):
        View(name, page, query)


def test_a_note_has_an_end_and_an_aware_time() -> None:
    with pytest.raises(DeskError):
        Note("x" * (LONGEST_NOTE + 1), AT)
    with pytest.raises(DeskError, match="aware"):
        Note("x", datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize("text", ["", "{", "[]", '{"views": {"a": 1}, "notes": {}}', "\x00"])
def test_a_damaged_file_is_told_and_not_overwritten(desk: Desk, text: str) -> None:
    desk.path.write_text(text, "utf-8")
    with pytest.raises(DeskError, match="damaged"):
        desk.views()
    with pytest.raises(DeskError, match="damaged"):
        desk.keep(View("a", "spend", ""))
    assert desk.path.read_text("utf-8") == text


def test_a_folder_that_cannot_be_written_is_told_and_the_old_file_stays(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "away" / "desk.json")
    with pytest.raises(DeskError, match="cannot be written"):
        desk.keep(View("a", "spend", ""))
    assert desk.views() == ()


def test_only_this_account_may_read_it(desk: Desk) -> None:
    before = os.umask(0)
    try:
        desk.keep(View("a", "spend", ""))
    finally:
        os.umask(before)
    assert stat.S_IMODE(desk.path.stat().st_mode) == 0o600


def test_there_is_an_end_to_what_is_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridgeboard.state.saved_views.MOST", 2)
    for name in "ab":
        desk.keep(View(name, "spend", ""))
    with pytest.raises(DeskError, match="At most 2"):
        desk.keep(View("c", "spend", ""))
    assert MOST > 2
    assert len(desk.views()) == 2


def test_readers_who_write_at_the_same_time_lose_nothing(desk: Desk) -> None:
    writers = [
        Thread(target=lambda name=str(number): desk.keep(View(name, "spend", "")))
        for number in range(12)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert len(desk.views()) == 12
