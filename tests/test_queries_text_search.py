"""Words in recorded text, against plain Python looking at every text."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from costly_laws import tried
from facts import Row
from hypothesis import given
from hypothesis import strategies as st
from listed_sessions import EVERYTHING, WORDS, Listed, empty, listed, put_prompts

from bridgeboard.model.dimensions import UNKNOWN
from bridgeboard.model.errors import ListError
from bridgeboard.model.scope import Scope
from bridgeboard.queries.session_filters import Find, Range
from bridgeboard.queries.text_search import (
    Hit,
    Progress,
    Search,
    Spot,
    begun,
    folded,
    matches,
    slices,
    spread,
)

WHOLE = Find(EVERYTHING)
SOME = tried(25)
AT = datetime(2026, 11, 1, 12, tzinfo=UTC)


def searched(
    find: Find,
    search: Search,
    *,
    most: int = 10_000,
    size: int = 50_000,
    before: Spot | None = None,
    told: Listed | None = None,
) -> Progress:
    told = told or listed()
    spreading = told.ask(spread(find, search))
    parts = slices(find, search, spreading, most=most, before=before, size=size)
    progress = begun(parts, most=most)
    for part in parts:
        if progress.is_over:
            break
        progress = folded(progress, part, told.ask(part.query), search)
    return progress


def having(words: list[str], rows: list[Row]) -> list[tuple[int, int]]:
    found = [row for row in rows if all(word.lower() in row["text"].lower() for word in words)]
    found.sort(key=lambda row: f"{row['usage']}")
    found.sort(key=lambda row: row["started_at"], reverse=True)
    return [(row["usage"], row["ordinal"]) for row in found]


def places(hits: tuple[Hit, ...]) -> list[tuple[int | None, int]]:
    return [(hit.usage, hit.ordinal) for hit in hits]


@SOME
@given(
    st.lists(st.sampled_from([*WORDS, "deploy", "10", "%", "_", "'", "e"]), min_size=1, max_size=3)
)
def test_a_search_finds_just_the_texts_with_all_words(words: list[str]) -> None:
    progress = searched(WHOLE, Search(" ".join(words)))
    assert sorted(places(progress.hits)) == sorted(having(words, listed().texts))
    assert progress.searched == progress.texts == len(listed().texts)


@SOME
@given(st.sampled_from(WORDS), st.integers(1, 700))
def test_slices_of_any_size_tell_the_same_hits_latest_first(word: str, size: int) -> None:
    progress = searched(WHOLE, Search(word), size=size)
    assert places(progress.hits) == having([word], listed().texts)


@SOME
@given(st.sampled_from(WORDS), st.integers(40, 300), st.integers(50, 2000))
def test_pages_of_hits_are_all_hits_without_repeat_or_gap(word: str, most: int, size: int) -> None:
    found: list[tuple[int | None, int]] = []
    before = None
    while True:
        progress = searched(WHOLE, Search(word), most=most, size=size, before=before)
        found += places(progress.hits)
        if not progress.is_full:
            break
        before = progress.hits[-1].spot
    assert found == having([word], listed().texts)


def test_a_full_page_ends_a_search_before_all_slices() -> None:
    progress = searched(WHOLE, Search("deploy"), most=5, size=50)
    assert progress.is_over
    assert progress.is_full
    assert 0 < progress.searched < progress.texts


def test_a_hit_says_whose_session_and_request_it_is() -> None:
    by_key = {(row["usage"], row["ordinal"]): row for row in listed().texts}
    for hit in searched(WHOLE, Search("straße")).hits:
        row = by_key[hit.usage or 0, hit.ordinal]
        assert (hit.kind, hit.session) == ("prompt", row["session"])
        assert str(hit.thread or None) == str(row["thread"])
        assert hit.written_at == hit.started_at == row["started_at"]
        assert hit.snippet == row["text"]
        assert {hit.snippet[slice(*span)] for span in hit.matches} == {"Straße"}


def session_of(row: Row) -> Row | None:
    return next((one for one in listed().rows if one["session"] == row["session"]), None)


def test_a_find_about_the_scope_also_searches_requests_whose_session_is_not_known() -> None:
    row = next(row for row in listed().texts if row["session"] is None)
    wanted = row["client"] or UNKNOWN
    expected = [
        text
        for text in listed().texts
        if ((session_of(text) or text)["client"] or UNKNOWN) == wanted
    ]
    assert any(text["session"] is None for text in expected)
    hits = searched(Find(EVERYTHING.only("client", wanted)), Search("deploy")).hits
    assert sorted(places(hits)) == sorted(having(["deploy"], expected))


@pytest.mark.parametrize(
    "find", [Find(EVERYTHING, ranges=(Range("tool_calls", 3),)), Find(EVERYTHING, has_errors=True)]
)
def test_a_find_about_sessions_searches_only_those(find: Find) -> None:
    failed = {row["session"] for row in listed().usage if row["tool_errors"]}
    failed |= {row["session"] for row in listed().rows if row["failed_threads"]}
    expected = [
        text
        for text in listed().texts
        if (session := session_of(text))
        and (session["session"] in failed if find.has_errors else (session["tool_calls"] or 0) >= 3)
    ]
    assert places(searched(find, Search("the")).hits) == having(["the"], expected)


def test_only_what_was_written_in_the_period_is_found_to_the_microsecond() -> None:
    texts = sorted(listed().texts, key=lambda text: text["started_at"])
    begun = [session and session["started_at"] for session in map(session_of, texts)]
    # The period begins within a session.
    within = next(
        place
        for place, at in enumerate(begun)
        if place > 20 and at and at < texts[place - 20]["started_at"]
    )
    since, until = (texts[place]["started_at"] for place in (within - 20, within + 30))
    expected = [text for text in texts if since <= text["started_at"] < until]
    assert places(searched(Find(Scope(since, until)), Search("#")).hits) == having(["#"], expected)


def with_texts(*texts: str) -> Listed:
    """A store with one request of no session per text, the first the earliest."""
    told = empty()
    rows = [
        {"usage": number, "started_at": AT + timedelta(minutes=number), "ordinal": 0, "text": text}
        for number, text in enumerate(texts)
    ]
    for row in rows:
        _put_usage(told, row)
    put_prompts(told.connection, rows)
    return told


def _put_usage(told: Listed, row: Row) -> None:
    columns = told.connection.execute("DESCRIBE usage").fetchall()
    given = {
        "usage": row["usage"],
        "id": str(uuid4()),
        "grain": "interception",
        "started_at": row["started_at"].replace(tzinfo=None),
        "provider": "openai",
        "status": "priced",
    }
    values = [given.get(name, 0 if null == "NO" else None) for name, _, null, *_ in columns]
    marks = ", ".join("?" for _ in values)
    told.connection.execute(f"INSERT INTO usage VALUES ({marks})", values)


def found_in(words: str, *texts: str) -> list[int]:
    hits = searched(WHOLE, Search(words), told=with_texts(*texts)).hits
    return sorted(hit.usage for hit in hits if hit.usage is not None)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("%", [0]),
        ("_", [1]),
        ("o'brien", [2]),
        ('"quoted"', [3]),
        (".*", [4]),
        ("[a-z]+", [5]),
        ("\\d", [6]),
        ("(?i)x", []),
        ("^50", []),
        ("$1", [7]),
        ("a|b", []),
        ("\\E", [8]),
        ("'; DROP TABLE prompts; --", []),
    ],
)
def test_patterns_of_any_language_are_plain_text(words: str, found: list[int]) -> None:
    texts = ("50% off", "snake_case", "Ask O'Brien", 'so-"Quoted"', "glob .* here", "re [a-z]+")
    assert found_in(words, *texts, "digit \\d", "costs $1", "ends \\E here") == found


@pytest.mark.parametrize(
    ("words", "text", "is_found"),
    [
        ("STRASSE", "Straße", False),
        ("STRAßE", "straße", True),
        ("ÜBER", "über", True),
        ("привет", "ПРИВЕТ", True),
        ("ΟΔΟΣ", "οδος", True),
        ("🚀", "to the 🚀 now", True),
        ("👩\u200d💻", "a 👩\u200d💻 works", True),
        ("İstanbul", "in İSTANBUL", True),
        ("istanbul", "in ISTANBUL", True),
        ("数据", "查看数据库", True),
        ("\u202egnp", "exe\u202egnp.txt", True),
        ("gnp", "exe\u202egnp.txt", True),
        ("a\u00a0b", "b then a", True),
    ],
)
def test_case_does_not_matter_in_any_script(words: str, text: str, *, is_found: bool) -> None:
    assert bool(found_in(words, text)) == is_found


def test_what_the_store_cannot_hold_is_looked_for_as_it_is_held() -> None:
    assert found_in("null\x00byte", "a null\ufffdbyte") == [0]
    assert found_in("half\ud800", "half\ufffd") == [0]


def test_a_line_of_a_megabyte_gives_a_short_snippet_around_its_match() -> None:
    text = "x" * 600_000 + " needle " + "é" * 600_000
    (hit,) = searched(WHOLE, Search("NEEDLE"), told=with_texts(text)).hits
    assert len(hit.snippet) <= 320
    assert [hit.snippet[slice(*span)] for span in hit.matches] == ["needle"]
    assert hit.is_cut_before
    assert hit.is_cut_after


def test_a_snippet_begins_near_the_first_match_of_characters_of_any_width() -> None:
    text = "🚀é\u202e" * 500 + " Nadel" + "\n" * 10
    (hit,) = searched(WHOLE, Search("nadel"), told=with_texts(text)).hits
    assert [hit.snippet[slice(*span)] for span in hit.matches] == ["Nadel"]
    assert (hit.is_cut_before, hit.is_cut_after) == (True, False)
    assert hit.snippet == text[-len(hit.snippet) :]


def test_a_letter_with_a_rare_form_is_found_and_shown() -> None:
    text = "y" * 500 + " 300 \u212a"
    (hit,) = searched(WHOLE, Search("k"), told=with_texts(text)).hits
    assert [hit.snippet[slice(*span)] for span in hit.matches] == ["\u212a"]


@given(st.text(max_size=200), st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
def test_matches_are_in_the_text_in_order_and_apart(text: str, words: list[str]) -> None:
    spans = matches(text, words)
    assert all(0 <= begin < end <= len(text) for begin, end in spans)
    assert all(one[1] <= two[0] for one, two in pairwise(spans))
    assert bool(spans) >= any(word in text for word in words)


def test_thoughts_and_inputs_of_tools_are_searched_when_asked_for() -> None:
    told = with_texts("nothing")
    connection = told.connection
    id_ = connection.execute("SELECT id FROM usage").fetchone()
    at = AT.replace(tzinfo=None)
    connection.execute(
        "INSERT INTO tool_inputs VALUES (0, ?, 3, '{\"path\": \"Needle\"}', '')", [at]
    )
    connection.execute("INSERT INTO thinking VALUES (7, ?, ?, 1, 'a needle')", [*(id_ or ()), at])
    connection.execute(
        "INSERT INTO sessions BY NAME SELECT 7::BIGINT AS session, 's' AS id, 0 AS initiator,"
        " []::VARCHAR[] AS providers, []::VARCHAR[] AS models, ?::TIMESTAMP AS started_at,"
        " 0 AS input_sum, 0 AS output_sum, 0 AS cache_read_sum, 0 AS cache_write_sum,"
        " ?::TIMESTAMP AS listed_at, 0 AS digest",
        [at, at],
    )
    assert searched(WHOLE, Search("needle"), told=told).hits == ()
    every = Search("needle", ("prompt", "thinking", "tool_input"))
    hits = {hit.kind: hit for hit in searched(WHOLE, every, told=told).hits}
    assert (hits["thinking"].session, hits["thinking"].usage) == (7, 0)
    assert (hits["tool_input"].session, hits["tool_input"].ordinal) == (None, 3)


def test_an_empty_store_has_nothing_to_search() -> None:
    progress = searched(WHOLE, Search("anything"), told=empty())
    assert progress == Progress(0, 10_000)
    assert progress.is_over


@pytest.mark.parametrize("words", ["", "  ", "\n\t", "x" * 201, " ".join("abcdefghijk")])
def test_what_cannot_be_searched_for_is_said(words: str) -> None:
    with pytest.raises(ListError):
        Search(words)


def test_searching_in_no_known_text_is_said() -> None:
    with pytest.raises(ListError, match="prompt, thinking, tool_input"):
        Search("a", ())
