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
def saved_views(database: Database) -> SavedViews:
    return SavedViews(database, "store")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where an earlier version kept the same."""
    (tmp_path / "data").mkdir(mode=0o700)
    return tmp_path / "data" / "store.desk.json"


def put_file(file: Path, text: str) -> None:
    file.write_text(text, "utf-8")
    file.chmod(0o600)


def test_a_view_is_found_again_by_another_process(
    saved_views: SavedViews, database: Database
) -> None:
    view = View("  Payments,  last month ", "spend", "range=Last+month&teams=payments")
    saved_views.keep(view)
    assert SavedViews(database, "store").views() == (view,)
    assert view.name == "Payments, last month"
    assert view.address == "./spend?range=Last+month&teams=payments"


def test_views_are_in_the_order_of_their_names_and_one_name_is_one_view(
    saved_views: SavedViews,
) -> None:
    for name, page in (("b", "spend"), ("A", "tools"), ("b", "people")):
        saved_views.keep(View(name, page, ""))
    assert [(view.name, view.page) for view in saved_views.views()] == [
        ("A", "tools"),
        ("b", "people"),
    ]
    saved_views.drop("b")
    saved_views.drop("never there")
    assert [view.name for view in saved_views.views()] == ["A"]


def test_a_note_is_kept_with_its_time_until_it_is_erased(saved_views: SavedViews) -> None:
    saved_views.write("runaway:7", Note("A load test.", AT, "ada@example.com"))
    saved_views.keep(View("a", "tools", ""))
    assert saved_views.notes() == {"runaway:7": Note("A load test.", AT, "ada@example.com")}
    saved_views.erase("runaway:7")
    assert saved_views.notes() == {}
    assert len(saved_views.views()) == 1


def test_views_and_notes_of_other_readers_and_stores_are_apart(
    saved_views: SavedViews, database: Database
) -> None:
    others = [SavedViews(database, "store", "ab12"), SavedViews(database, "other")]
    for number, one in enumerate([saved_views, *others]):
        one.keep(View("a", "tools", f"period={number}d"))
        one.write("x", Note(str(number), AT))
    others[0].drop("a")
    others[0].erase("x")
    assert [[view.query for view in one.views()] for one in (saved_views, *others)] == [
        ["period=0d"],
        [],
        ["period=2d"],
    ]
    assert [note.text for one in (saved_views, *others) for note in one.notes().values()] == [
        "0",
        "2",
    ]
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
def test_any_text_is_kept_and_found_by_itself(saved_views: SavedViews, words: str) -> None:
    finding = words * 40
    saved_views.keep(View(words[:80], "tools", ""))
    saved_views.keep(View(words[:80], "people", ""))
    saved_views.write(finding, Note(words, AT, words))
    stored = words.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    ((key, note),) = saved_views.notes().items()
    assert (key, note.text, note.by) == (stored * 40, stored, stored)
    assert [view.page for view in saved_views.views()] == ["people"]
    saved_views.erase(finding)
    saved_views.drop(words[:80])
    assert (saved_views.views(), saved_views.notes()) == ((), {})


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


def test_a_file_of_an_earlier_version_is_taken_over_once(
    file: Path, saved_views: SavedViews
) -> None:
    put_file(file, json.dumps(OLD))
    assert saved_views.views() == (View("mine", "spend", "period=7d"),)
    assert saved_views.notes() == {"x": Note("A load test.", AT)}
    assert former_files.kept_aside(file.parent, "*.desk*.json") == [
        file.with_name("store.desk.json.migrated")
    ]
    saved_views.drop("mine")
    put_file(file, json.dumps(OLD))  # as after a crash before it was renamed
    assert saved_views.views() == ()
    assert not file.exists()
    assert len(former_files.kept_aside(file.parent, "*.desk*.json")) == 2


def test_files_of_all_readers_are_taken_over(file: Path, database: Database) -> None:
    put_file(file.with_name("store.desk-ab12.json"), json.dumps(OLD))
    put_file(file, json.dumps(OLD))
    put_file(file.with_name("other.desk.json"), json.dumps(OLD))
    each_audience = SavedViews.of_store(database, "store")
    assert [len(saved_views.views()) for saved_views in each_audience] == [1, 1]
    assert file.with_name("other.desk.json").exists()


def test_what_another_dashboard_put_down_stays(file: Path, saved_views: SavedViews) -> None:
    saved_views.keep(View("mine", "people", ""))
    put_file(
        file, json.dumps({**OLD, "views": {**OLD["views"], "b": {"page": "tools", "query": ""}}})
    )
    assert [(view.name, view.page) for view in saved_views.views()] == [
        ("b", "tools"),
        ("mine", "people"),
    ]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"views": {"a": 1}, "notes": {}}', "\x00"])
def test_a_damaged_file_is_told_and_stays(
    file: Path, saved_views: SavedViews, content: str
) -> None:
    put_file(file, content)
    with pytest.raises(SavedViewError, match="damaged"):
        saved_views.views()
    with pytest.raises(SavedViewError, match="damaged"):
        saved_views.keep(View("a", "spend", ""))
    assert file.read_text("utf-8") == content
    file.unlink()
    assert saved_views.views() == ()


def test_a_database_that_cannot_be_used_is_told(
    saved_views: SavedViews, database: Database
) -> None:
    saved_views.keep(View("a", "spend", ""))
    with database.writing() as connection:
        connection.execute(text("DROP TABLE saved_views"))
    with pytest.raises(SavedViewError, match="Views and notes cannot be written"):
        saved_views.keep(View("a", "spend", ""))
    with pytest.raises(SavedViewError, match="Views and notes cannot be read"):
        saved_views.views()
    assert saved_views.notes() == {}


def test_there_is_an_end_to_what_is_kept(
    saved_views: SavedViews, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgeboard.state.saved_views.MOST", 2)
    for name in "ab":
        saved_views.keep(View(name, "spend", ""))
    with pytest.raises(SavedViewError, match="At most 2"):
        saved_views.keep(View("c", "spend", ""))
    assert MOST > 2
    assert len(saved_views.views()) == 2


def test_readers_who_write_at_the_same_time_lose_nothing(saved_views: SavedViews) -> None:
    writers = [
        Thread(target=lambda name=str(number): saved_views.keep(View(name, "spend", "")))
        for number in range(12)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert len(saved_views.views()) == 12
