"""Views and notes that readers put down are found again, whatever happens in between."""

import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import text

from bridgeboard.state import Database, former_files
from bridgeboard.state.errors import SavedViewError
from bridgeboard.state.saved_views import LONGEST_NOTE, MOST, Note, SavedViews, View

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@pytest.fixture
def desk(database: Database) -> SavedViews:
    return SavedViews(database, "store")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where an earlier version kept the same."""
    (tmp_path / "data").mkdir(mode=0o700)
    return tmp_path / "data" / "store.desk.json"


def put_file(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    file.chmod(0o600)


def test_a_view_is_found_again_by_another_process(desk: SavedViews, database: Database) -> None:
    view = View("  Payments,  last month ", "spend", "range=Last+month&teams=payments")
    desk.keep(view)
    assert SavedViews(database, "store").views() == (view,)
    assert view.name == "Payments, last month"
    assert view.address == "./spend?range=Last+month&teams=payments"


def test_views_are_in_the_order_of_their_names_and_one_name_is_one_view(desk: SavedViews) -> None:
    for name, page in (("b", "spend"), ("A", "tools"), ("b", "people")):
        desk.keep(View(name, page, ""))
    assert [(view.name, view.page) for view in desk.views()] == [("A", "tools"), ("b", "people")]
    desk.drop("b")
    desk.drop("never there")
    assert [view.name for view in desk.views()] == ["A"]


def test_a_note_is_kept_with_its_time_until_it_is_erased(desk: SavedViews) -> None:
    desk.write("runaway:7", Note("A load test.", AT, "ada@example.com"))
    desk.keep(View("a", "tools", ""))
    assert desk.notes() == {"runaway:7": Note("A load test.", AT, "ada@example.com")}
    desk.erase("runaway:7")
    assert desk.notes() == {}
    assert len(desk.views()) == 1


def test_desks_of_other_readers_and_stores_are_apart(desk: SavedViews, database: Database) -> None:
    others = [SavedViews(database, "store", "ab12"), SavedViews(database, "other")]
    for number, one in enumerate([desk, *others]):
        one.keep(View("a", "tools", f"period={number}d"))
        one.write("x", Note(str(number), AT))
    others[0].drop("a")
    others[0].erase("x")
    assert [[view.query for view in one.views()] for one in (desk, *others)] == [
        ["period=0d"],
        [],
        ["period=2d"],
    ]
    assert [note.text for one in (desk, *others) for note in one.notes().values()] == ["0", "2"]
    others[0].write("only a note", Note("", AT))
    names = [
        (view.query, *one.notes())
        for one in SavedViews.of_store(database, "store")
        for view in one.views()
    ]
    assert names == [("period=0d", "x")]
    assert len(SavedViews.of_store(database, "store")) == 2


HOSTILE = [
    "a\x00b",
    "\ud800",
    "'); DROP TABLE notes; --",
    "%s %(x)s :y ?",
    "\u202ex",
    "\U0001f600" * 40,
]


@pytest.mark.parametrize("words", [*HOSTILE, "x" * 500])
def test_any_text_is_kept_and_found_by_itself(desk: SavedViews, words: str) -> None:
    finding = words * 40
    desk.keep(View(words[:80], "tools", ""))
    desk.keep(View(words[:80], "people", ""))
    desk.write(finding, Note(words, AT, words))
    stored = words.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    ((key, note),) = desk.notes().items()
    assert (key, note.text, note.by) == (stored * 40, stored, stored)
    assert [view.page for view in desk.views()] == ["people"]
    desk.erase(finding)
    desk.drop(words[:80])
    assert (desk.views(), desk.notes()) == ((), {})


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
    with pytest.raises(SavedViewError):
        View(name, page, query)


def test_a_note_has_an_end_and_an_aware_time() -> None:
    with pytest.raises(SavedViewError):
        Note("x" * (LONGEST_NOTE + 1), AT)
    with pytest.raises(SavedViewError, match="aware"):
        Note("x", datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point


OLD = {
    "views": {"mine": {"page": "spend", "query": "period=7d"}},
    "notes": {"x": {"text": "A load test.", "written_at": AT.isoformat()}},
}
"""What a version wrote that kept no names of who wrote a note."""


def test_a_file_of_an_earlier_version_is_taken_over_once(file: Path, desk: SavedViews) -> None:
    put_file(file, json.dumps(OLD))
    assert desk.views() == (View("mine", "spend", "period=7d"),)
    assert desk.notes() == {"x": Note("A load test.", AT)}
    assert former_files.kept_aside(file.parent, "*.desk*.json") == [
        file.with_name("store.desk.json.migrated")
    ]
    desk.drop("mine")
    put_file(file, json.dumps(OLD))  # as after a crash before it was renamed
    assert desk.views() == ()
    assert not file.exists()
    assert len(former_files.kept_aside(file.parent, "*.desk*.json")) == 2


def test_files_of_all_readers_are_taken_over(file: Path, database: Database) -> None:
    put_file(file.with_name("store.desk-ab12.json"), json.dumps(OLD))
    put_file(file, json.dumps(OLD))
    put_file(file.with_name("other.desk.json"), json.dumps(OLD))
    desks = SavedViews.of_store(database, "store")
    assert [len(desk.views()) for desk in desks] == [1, 1]
    assert file.with_name("other.desk.json").exists()


def test_what_another_dashboard_put_down_stays(file: Path, desk: SavedViews) -> None:
    desk.keep(View("mine", "people", ""))
    put_file(
        file, json.dumps({**OLD, "views": {**OLD["views"], "b": {"page": "tools", "query": ""}}})
    )
    assert [(view.name, view.page) for view in desk.views()] == [("b", "tools"), ("mine", "people")]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"views": {"a": 1}, "notes": {}}', "\x00"])
def test_a_damaged_file_is_told_and_stays(file: Path, desk: SavedViews, content: str) -> None:
    put_file(file, content)
    with pytest.raises(SavedViewError, match="damaged"):
        desk.views()
    with pytest.raises(SavedViewError, match="damaged"):
        desk.keep(View("a", "spend", ""))
    assert file.read_text("utf-8") == content
    file.unlink()
    assert desk.views() == ()


def test_a_database_that_cannot_be_used_is_told(desk: SavedViews, database: Database) -> None:
    desk.keep(View("a", "spend", ""))
    with database.writing() as connection:
        connection.execute(text("DROP TABLE saved_views"))
    with pytest.raises(SavedViewError, match="Views and notes cannot be written"):
        desk.keep(View("a", "spend", ""))
    with pytest.raises(SavedViewError, match="Views and notes cannot be read"):
        desk.views()
    assert desk.notes() == {}


def test_there_is_an_end_to_what_is_kept(desk: SavedViews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridgeboard.state.saved_views.MOST", 2)
    for name in "ab":
        desk.keep(View(name, "spend", ""))
    with pytest.raises(SavedViewError, match="At most 2"):
        desk.keep(View("c", "spend", ""))
    assert MOST > 2
    assert len(desk.views()) == 2


def test_readers_who_write_at_the_same_time_lose_nothing(desk: SavedViews) -> None:
    writers = [
        Thread(target=lambda name=str(number): desk.keep(View(name, "spend", "")))
        for number in range(12)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert len(desk.views()) == 12
