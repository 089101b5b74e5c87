"""Retention, a running clock, and how times are written (api-contract 4.1, 5, 7)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from small_bridges import NOW, Book, ask, at, session_path, wire_time, with_switches

Row = dict[str, Any]


@pytest.fixture
def book() -> Book:
    return Book()


Row = dict[str, Any]


def rows(book: Book, **params: Any) -> list[Row]:
    found: list[Row] = book.ask("/sessions", **params).json["sessions"]
    return found


def only(book: Book, **params: Any) -> Row:
    (row,) = rows(book, **params)
    return row


def tokens(row: Row) -> tuple[int, ...]:
    return tuple(row["token_usage_summary"].values())


# Time passes


def test_v134_retention_purges_by_start_with_all_that_hangs_on_a_row(book: Book) -> None:
    day = 24 * 60
    for days in (31, 29, 15):
        book.call(
            -days * day,
            session="s",
            model=f"m{days}",
            tokens=[(days, 0)],
            prompts=[(-days * day, f"p{days}")],
            tools=["Read"],
        )

    def kept(retention: int) -> Row:
        switches = with_switches(retention_days=retention)
        bridge = book.bridge(switches=switches, clock=lambda: NOW)
        row: Row = ask(bridge, "/sessions", book.owner).json["sessions"][0]
        return row

    assert (kept(30)["models"], tokens(kept(30))[0], kept(30)["threads"]) == (["m15", "m29"], 44, 2)
    assert (tokens(kept(0))[0], kept(0)["threads"]) == (75, 3)


def test_v147_a_purged_root_leaves_tokens_without_a_thread(book: Book) -> None:
    root = book.call(0)
    child = book.call(10, root=root, tokens=[(5, 0)])
    bridge = book.bridge(
        switches=with_switches(retention_days=1), clock=lambda: at(5) + timedelta(days=1)
    )
    (row,) = ask(bridge, "/sessions", book.owner).json["sessions"]
    assert (row["id"], row["threads"], tokens(row)[0]) == (root.id, 0, 5)
    detail = ask(bridge, session_path(root.id), book.owner)
    assert (detail.status, detail.json["threads"]) == (200, [])
    assert ask(bridge, "/interceptions", book.owner, after_id=root.id).status == 400
    assert ask(bridge, "/interceptions", book.owner, after_id=child.id).status == 200


def test_a_clock_reveals_rows_when_they_start_and_finishes_them_when_they_end(book: Book) -> None:
    row = book.call(10, lasts=5, tokens=[(1, 1)], prompts=[(10, "hi")])
    now = NOW

    def clock() -> datetime:
        return now

    bridge = book.bridge(clock=clock)
    for minute, known, finished in ((9, 400, 0), (10, 200, 0), (14, 200, 0), (15, 200, 1)):
        now = at(minute)
        assert ask(bridge, "/interceptions", book.owner, after_id=row.id).status == known
        assert ask(bridge, "/sessions", book.owner).json["count"] == finished
    assert book.ask("/sessions").json["count"] == 1


def test_v133_an_end_once_told_never_changes(book: Book) -> None:
    book.call(0, lasts=5)
    now = NOW
    bridge = book.bridge(clock=lambda: now)
    told = set()
    for minute in (5, 6, 100_000):
        now = at(minute)
        told.add(ask(bridge, "/sessions", book.owner).json["sessions"][0]["ended_at"])
    assert told == {wire_time(5)}


def test_times_are_trimmed_and_may_carry_an_offset(book: Book) -> None:
    book.call(0.5 / 60, session="s", lasts=1 / 60_000_000)
    row = only(book)
    assert (row["started_at"], row["ended_at"]) == (
        "2026-05-20T12:00:00.5Z",
        "2026-05-20T12:00:00.500001Z",
    )
    for minutes, text in (
        (330, "2026-05-20T17:30:00.5+05:30"),
        (-60, "2026-05-20T11:00:00.5-01:00"),
    ):
        bridge = book.bridge(switches=with_switches(utc_offset_minutes=minutes))
        (shifted,) = ask(bridge, "/sessions", book.owner).json["sessions"]
        assert shifted["started_at"] == text
        assert datetime.fromisoformat(shifted["started_at"]) == at(0.5 / 60)
