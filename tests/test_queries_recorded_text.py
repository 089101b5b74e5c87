import re
from collections.abc import Iterator

import pytest
import session_stores
import truth
from costly_laws import tried
from hypothesis import given, settings
from hypothesis import strategies as st
from session_stores import asked, only

from bridgeboard.analysis import session_data
from bridgeboard.model.errors import ListError
from bridgeboard.queries import recorded_text, session_calls
from bridgeboard.queries.recorded_text import Hit, Item, Text
from bridgeboard.queries.session_calls import Call
from bridgeboard.store import Store

NEEDLES = ("the", "THE", "a", "e", "\n", '"', "{", "äöü", "no such words at all")
HOSTILE = ("%", "_", "'", "\\", "\0", "\ud800", "'; DROP TABLE prompts; --", "x" * 200_000, "$1")
LETTERS = "aAbB\u03c3\u03c2\u03a3\u0130\u0131\u00df\u1e9e\u01c5e\u0301%_ '\\\U0001f600"
"""Letters whose small ones are odd, and characters that mean something elsewhere."""
RANKS = ("prompt", "thinking", "tool_input", "tool_error")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with session_stores.synced(tmp_path_factory.mktemp("text"), "exact") as made:
        yield made


@pytest.fixture(scope="module")
def busiest(store: Store) -> int:
    """The session with most requests of those that thought, and whose threads are all known."""
    ((key, _),) = store.rows(
        "SELECT session, count(*) FROM usage WHERE session IN (SELECT session FROM thinking)"
        " GROUP BY 1 HAVING bool_and(thread IS NOT NULL) ORDER BY 2 DESC LIMIT 1"
    )
    return int(key)


def members(store: Store, session: int) -> dict[str, int]:
    """The requests of a session in order: id → our key."""
    every = asked(store, Call, session_calls.calls(session, limit=None))
    return {str(call.interception): call.usage for call in every}


def written(store: Store, session: int) -> list[tuple[int, str, int, str]]:
    """(usage, kind, ordinal, text) of all that the world recorded, in order, by plain Python."""
    ids = members(store, session)
    tables = session_stores.tables()
    finished = [row for row in truth.finished(tables) if row.id in ids]
    tools = truth.tool_calls(tables, finished)
    acting = {call.interception_id for call in tools}
    thoughts = [row for row in tables.thoughts if row.interception_id in acting & ids.keys()]
    found: list[tuple[int, str, int, str]] = []
    for id_, usage in ids.items():
        parts = {
            "prompt": [row.prompt for row in tables.prompts if row.interception_id == id_],
            "thinking": [row.text for row in thoughts if row.interception_id == id_],
            "tool_input": [row.input for row in tools if row.interception_id == id_],
            "tool_error": [row.invocation_error for row in tools if row.interception_id == id_],
        }
        found += [
            (usage, kind, ordinal, text)
            for kind in RANKS
            for ordinal, text in enumerate(parts[kind])
            if text or kind != "tool_error"
        ]
    return found


def test_texts_are_what_was_recorded_in_order(store: Store, busiest: int) -> None:
    usages = members(store, busiest).values()
    told = asked(store, Text, recorded_text.texts(usages, most=10**9))
    assert [(text.usage, text.kind, text.ordinal, text.text) for text in told] == written(
        store, busiest
    )
    assert {text.kind for text in told} >= {"prompt", "thinking", "tool_input"}
    assert all(text.is_whole for text in told)


def test_long_texts_are_cut_with_their_length_told(store: Store, busiest: int) -> None:
    usages = members(store, busiest).values()
    whole = {row[:3]: row[3] for row in written(store, busiest)}
    for text in asked(store, Text, recorded_text.texts(usages, most=7)):
        recorded = whole[text.usage, text.kind, text.ordinal]
        assert (text.text, text.length) == (recorded[:7], len(recorded))
        assert text.is_whole == (len(recorded) <= 7)


def test_a_text_can_be_read_whole(store: Store, busiest: int) -> None:
    for usage, kind, ordinal, recorded in written(store, busiest)[:20]:
        told = only(store, Text, recorded_text.whole(usage, kind, ordinal))  # type: ignore[arg-type]  # one of the kinds
        assert told == Text(usage, kind, ordinal, recorded, len(recorded))  # type: ignore[arg-type]  # likewise


def test_only_the_kinds_that_are_asked_for_are_read(store: Store, busiest: int) -> None:
    usages = members(store, busiest).values()
    told = asked(store, Text, recorded_text.texts(usages, ("thinking",)))
    assert {text.kind for text in told} == {"thinking"}
    with pytest.raises(ListError, match="no kind"):
        recorded_text.whole(1, "'; --", 0)  # type: ignore[arg-type]  # hostile on purpose
    with pytest.raises(ListError, match="no kind"):
        recorded_text.texts((1,), ())


def test_the_timeline_tells_what_there_is_without_a_word_of_it(store: Store, busiest: int) -> None:
    usages = members(store, busiest).values()
    told = asked(store, Item, recorded_text.timeline(usages))
    kinds = {"tool_input": "tool"}
    expected = [
        (usage, kinds.get(kind, kind), ordinal, len(text))
        for usage, kind, ordinal, text in written(store, busiest)
        if kind != "tool_error"
    ]
    assert [(item.usage, item.kind, item.ordinal, item.length) for item in told] == expected
    words = {text for *_, text in written(store, busiest) if len(text) > 20}
    assert not words & {value for item in told for value in (item.tool, item.server_url)}


def test_the_timeline_knows_tools_and_their_ends(store: Store, busiest: int) -> None:
    ids = members(store, busiest)
    told = asked(store, Item, recorded_text.timeline(ids.values()))
    recorded = [
        call for id_ in ids for call in session_stores.tables().tools if call.interception_id == id_
    ]
    tools = [item for item in told if item.kind == "tool"]
    assert [(item.tool, item.server_url, item.at) for item in tools] == [
        (call.tool, call.server_url, call.created_at) for call in recorded
    ]
    assert [item.failed for item in tools] == [
        bool(call.invocation_error) if call.injected else None for call in recorded
    ]
    assert [item.error_length for item in tools] == [
        len(call.invocation_error) for call in recorded
    ]


def test_without_text_the_timeline_still_tells_that_something_was_there(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with session_stores.synced(tmp_path_factory.mktemp("none"), "exact", text=False) as bare:
        for session in session_stores.keys(bare).values():
            every = asked(bare, Call, session_calls.calls(session, limit=None))
            told = asked(bare, Item, recorded_text.timeline(call.usage for call in every))
            assert all(item.length is None for item in told)
            prompts = sum(item.kind == "prompt" for item in told)
            assert prompts == sum(call.prompts for call in every)


@pytest.mark.parametrize("needle", [*NEEDLES, *HOSTILE])
def test_hits_are_those_of_a_plain_search(store: Store, busiest: int, needle: str) -> None:
    sought = needle.replace("\0", "\ufffd").replace("\ud800", "\ufffd").lower()
    expected = [
        (usage, kind, ordinal, text.lower().count(sought))
        for usage, kind, ordinal, text in written(store, busiest)
        if kind != "tool_error" and sought in text.lower()
    ]
    told = asked(store, Hit, recorded_text.hits(busiest, needle))
    assert [(hit.usage, hit.kind, hit.ordinal, hit.matches) for hit in told] == expected
    assert [hit.started_at for hit in told] == sorted(hit.started_at for hit in told)


def test_some_words_are_found(store: Store, busiest: int) -> None:
    text = next(text for *_, text in written(store, busiest) if len(text) > 5)
    assert asked(store, Hit, recorded_text.hits(busiest, text.upper()))


def test_an_empty_needle_finds_nothing(store: Store, busiest: int) -> None:
    assert store.rows(*recorded_text.hits(busiest, "")) == []
    assert session_data.marks("abc", "") == ()
    assert store.rows(*recorded_text.hits(-1, "a")) == []


@given(text=st.text(max_size=60), needle=st.text(min_size=1, max_size=4))
@settings(deadline=None)
def test_marks_are_where_a_plain_search_finds_the_words(text: str, needle: str) -> None:
    small, sought = recorded_text.lowered(text), recorded_text.lowered(needle)
    assert len(small) == len(text)
    found = [match.span() for match in re.finditer(re.escape(sought), small)]
    if not {"\0", *map(chr, range(0xD800, 0xE000))} & set(needle):
        assert list(session_data.marks(text, needle)) == found
        assert list(session_data.marks(text, needle, most=2)) == found[:2]


@given(
    text=st.text(alphabet=LETTERS, max_size=40),
    needle=st.text(alphabet=LETTERS, min_size=1, max_size=3),
)
@tried(60)
def test_the_database_counts_the_marks_that_are_shown(store: Store, text: str, needle: str) -> None:
    sought = recorded_text.lowered(needle)
    ((small, matches),) = store.rows(
        "SELECT lower($1), (length(lower($1)) - length(replace(lower($1), $2, ''))) // length($2)",
        [text, sought],
    )
    assert small == recorded_text.lowered(text)
    assert matches == len(session_data.marks(text, needle))
