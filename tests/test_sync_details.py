from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import bridge_transport
import demo_sync
import demo_worlds
import httpx
import pytest
import truth
from small_bridges import NOW, Book

from aibridge import Client, ServerError
from bridgeboard.demo import api
from bridgeboard.demo.records import InterceptionRow
from bridgeboard.store import Store
from bridgeboard.sync import Options, details, sessions
from bridgeboard.sync.concurrency import Concurrency
from bridgeboard.sync.options import Context, Generation

TABLES = demo_worlds.small().tables
FINISHED = truth.finished(TABLES)
MODEL = "claude-sonnet-4-5"


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small company from a server that lists interceptions."""
    with demo_sync.whole(tmp_path_factory.mktemp("exact")) as store:
        yield store


@pytest.fixture(scope="module")
def summed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small company from a server that tells sessions only."""
    with demo_sync.whole(tmp_path_factory.mktemp("summed"), "v2.35") as store:
        yield store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def book() -> Book:
    return Book()


def sync(store: Store, book: Book, profile: str = "v2.35", **options: object) -> None:
    demo_sync.run(store, demo_sync.bridge(book.tables(), profile=profile), now=NOW, **options)


def context(generation: Generation = "sessions", **options: object) -> Context:
    return Context(Options(**options), NOW, generation)  # type: ignore[arg-type]  # fields of Options


def sums(store: Store) -> tuple[int, ...]:
    columns = "sum(input_sum), sum(output_sum), sum(cache_read_sum), sum(cache_write_sum)"
    return store.rows(f"SELECT {columns} FROM usage")[0]


def grains(store: Store) -> dict[str, tuple[int, int, int]]:
    """Grain → rows, requests, input tokens."""
    rows = store.rows(
        "SELECT grain, count(*), sum(requests)::BIGINT, sum(input_sum)::BIGINT FROM usage"
        " GROUP BY grain"
    )
    return {grain: (count, requests, tokens) for grain, count, requests, tokens in rows}


def root(row: InterceptionRow) -> str:
    return row.thread_root_id or row.id


def visible() -> dict[str, InterceptionRow]:
    """The roots whose threads the details of an addressable session show, by id."""
    return {
        row.id: row for row in FINISHED if row.thread_root_id is None and "/" not in row.session_id
    }


# Servers that list interceptions


def test_every_request_finds_its_session_and_thread(exact: Store) -> None:
    rows = exact.rows(
        "SELECT u.id::VARCHAR, s.id, i.id::VARCHAR, u.thread::VARCHAR, u.threads FROM usage u"
        " JOIN initiators i USING (initiator) LEFT JOIN sessions s USING (session)"
    )
    own = {row.id: row for row in FINISHED}
    assert len(rows) == len(own)
    for id_, session, person, thread, threads in rows:
        assert (session, person) == (own[id_].session_id, own[id_].initiator_id)
        if root(own[id_]) in visible() and own[root(own[id_])].session_id == session:
            assert thread in {root(own[id_]), None}
            assert threads == (id_ == root(own[id_]))
        else:
            assert (thread, threads) == (None, 0)


def test_almost_no_request_is_left_without_thread(exact: Store) -> None:
    ((lost,),) = exact.rows("SELECT count(*) FROM usage WHERE thread IS NULL")
    shown = visible()
    orphans = [
        row
        for row in FINISHED
        if root(row) not in shown or shown[root(row)].session_id != row.session_id
    ]
    assert lost - len(orphans) <= 0.01 * len(FINISHED)


def test_where_requests_are_listed_nothing_else_is_usage(exact: Store) -> None:
    assert grains(exact) == {
        "interception": (len(FINISHED), len(FINISHED), truth.recorded(TABLES, FINISHED).input)
    }


def test_threads_are_those_the_server_shows(exact: Store) -> None:
    rows = exact.rows("SELECT id::VARCHAR, model, provider FROM threads")
    assert sorted(rows) == sorted((id_, row.model, row.provider) for id_, row in visible().items())


def test_an_own_key_is_priced_like_one_that_was_known_from_the_start(
    store: Store, book: Book, tmp_path: Path
) -> None:
    for kind in ("byok", "centralized"):
        book.call(0, session=kind, model=MODEL, tokens=[(1000, 50)], credential_kind=kind)
    sync(store, book, "v2.34")
    with demo_sync.opened(tmp_path, "other.duckdb") as other:
        sync(other, book, "v2.35")
        asked = (
            "SELECT credential_kind, cost, shadow_cost, cache_saving, status FROM usage ORDER BY 1"
        )
        assert store.rows(asked) == other.rows(asked)
    ((_, cost, shadow, _, status), (_, spend, *_)) = store.rows(asked)
    assert (cost, shadow, status) == (0, spend, "notional")


def test_requests_of_a_thread_beyond_the_fiftieth_are_linked_by_time(
    store: Store, book: Book
) -> None:
    for number in range(53):
        asked = book.call(10 * number, session="s", tokens=[(7, 1)], tools=["Bash"])
        book.call(10 * number + 2, root=asked, tokens=[(number, 1)])
    sync(store, book, "v2.34")
    assert store.rows("SELECT count(*), count(session), count(thread) FROM usage") == [
        (106, 106, 106)
    ]


def test_children_without_a_root_to_show_are_linked_to_their_session(
    store: Store, book: Book
) -> None:
    unfinished = book.call(0, session="s", lasts=None)
    book.call(2, root=unfinished, tokens=[(30, 3)], tools=["Bash"])
    elsewhere = book.call(5, session="t", tokens=[(1, 1)], tools=["Bash"])
    book.call(8, session="s", root=elsewhere, tokens=[(40, 4)])
    sync(store, book, "v2.34")
    rows = store.rows(
        "SELECT s.id, u.input_sum, u.thread IS NULL FROM usage u JOIN sessions s USING (session)"
        " ORDER BY ALL"
    )
    assert rows == [("s", 30, True), ("s", 40, True), ("t", 1, False)]


def test_a_request_that_could_be_in_two_sessions_is_linked_by_its_tokens(
    store: Store, book: Book
) -> None:
    for name in ("s", "t"):
        asked = book.call(0, session=name, lasts=1, tokens=[(5, 1)], tools=["Bash"])
        book.call(4, root=asked, tokens=[(30 if name == "s" else 40, 2)])
        book.call(9, root=asked, tokens=[(1, 1)], tools=["Bash"])
    sync(store, book, "v2.34")
    rows = store.rows(
        "SELECT s.id, u.input_sum FROM usage u JOIN sessions s USING (session)"
        " WHERE u.input_sum >= 30 ORDER BY ALL"
    )
    assert rows == [("s", 30), ("t", 40)]


# Servers that tell sessions only


def test_sums_alone_are_all_that_was_recorded(summed: Store) -> None:
    told = truth.recorded(TABLES, FINISHED)
    assert sums(summed) == (told.input, told.output, told.cache_read, told.cache_write)


def test_sums_alone_count_the_requests_that_details_show(summed: Store) -> None:
    shown = visible()
    used = {tool.interception_id for tool in TABLES.tools}
    in_threads = [
        row
        for row in FINISHED
        if root(row) in shown and shown[root(row)].session_id == row.session_id
    ]
    expected = {row.id for row in in_threads if row.id in used or row.id in shown}
    ((requests, threads, calls),) = summed.rows(
        "SELECT sum(requests), sum(threads), sum(tool_calls) FROM usage"
    )
    assert (requests, threads) == (len(expected), len(shown))
    assert calls == len(truth.tool_calls(TABLES, in_threads))


def test_sums_alone_tell_the_people_and_sessions(summed: Store) -> None:
    ((people, number),) = summed.rows(
        "SELECT count(DISTINCT initiator), count(DISTINCT session) FROM usage"
    )
    assert people == len(truth.people(FINISHED))
    used = [row for row in FINISHED if any(t.interception_id == row.id for t in TABLES.tokens)]
    assert len(truth.sessions(used)) <= number <= len(truth.sessions(FINISHED))


def test_responses_and_tool_calls_of_sums_agree_with_their_rows(summed: Store) -> None:
    for column in ("input", "output", "cache_read", "cache_write", "cost", "shadow_cost"):
        ((whole,),) = summed.rows(f"SELECT sum({column}) FROM usage")
        ((parts,),) = summed.rows(f"SELECT sum({column}) FROM responses")
        assert whole == parts, column
    assert summed.rows(
        "SELECT count(*) FROM usage u JOIN (SELECT usage, count(*) AS calls FROM tool_calls"
        " GROUP BY 1) c USING (usage) WHERE c.calls <> u.tool_calls"
    ) == [(0,)]


def test_reading_details_twice_is_reading_them_once(summed: Store) -> None:
    before = demo_sync.contents(summed)
    with summed.write() as batch:
        batch.execute("UPDATE sessions SET detailed_digest = NULL")
    demo_sync.run(summed, demo_sync.bridge(TABLES, profile="v2.35"))
    assert demo_sync.contents(summed) == before


def test_a_session_is_its_actions_the_rest_of_its_threads_and_its_own_rest(
    store: Store, book: Book
) -> None:
    asked = book.call(0, session="s", model="claude-opus-4-5", tokens=[(1, 1)], tools=["Bash"])
    book.call(2, root=asked, model=MODEL, tokens=[(10, 1)], tools=["Read", "Grep"])
    book.call(4, root=asked, model=MODEL, tokens=[(100, 1)])
    elsewhere = book.call(5, session="t", tools=["Bash"])
    book.call(8, session="s", root=elsewhere, tokens=[(1000, 4)])
    sync(store, book)
    rows = store.rows(
        "SELECT grain, model, input, requests, tool_calls FROM usage"
        " JOIN sessions s USING (session)"
        " WHERE s.id = 's' ORDER BY input"
    )
    assert rows == [
        ("action", "claude-opus-4-5", 1, 1, 1),
        ("action", MODEL, 10, 1, 2),
        ("thread", "claude-opus-4-5", 100, 0, 0),
        ("session", None, 1000, 0, 0),
    ]


def test_threads_after_the_fiftieth_are_in_the_rest_from_the_first_of_them_on(
    store: Store, book: Book
) -> None:
    for number in range(53):
        book.call(10 * number, session="s", model=MODEL, tokens=[(7, 1)])
    sync(store, book)
    assert grains(store) == {"thread": (53, 53, 350), "session": (1, 0, 21)}
    assert store.rows("SELECT started_at FROM usage WHERE grain = 'session'") == [
        ((NOW + timedelta(minutes=500)).replace(tzinfo=None),)
    ]
    assert store.rows("SELECT threads FROM sessions") == [(53,)]


def test_a_session_that_cannot_be_addressed_keeps_its_total(store: Store, book: Book) -> None:
    for name in ("a/b", "/"):
        book.call(0, session=name, model=MODEL, tokens=[(7, 1)])
    sync(store, book)
    assert grains(store) == {"session": (2, 0, 14)}
    assert store.rows("SELECT DISTINCT detail_problem, threads FROM sessions") == [
        ("unaddressable", 0)
    ]
    sync(store, book)
    assert grains(store) == {"session": (2, 0, 14)}


def test_sessions_whose_ids_are_dots_have_details(store: Store, book: Book) -> None:
    for name in (".", ".."):
        book.call(0, session=name, model=MODEL, tokens=[(7, 1)])
    sync(store, book)
    assert grains(store) == {"thread": (2, 2, 14)}
    assert store.rows("SELECT DISTINCT detail_problem, threads FROM sessions") == [(None, 1)]


def test_a_thread_of_a_shared_id_is_of_whoever_began_a_request_at_that_moment(
    store: Store, book: Book
) -> None:
    root = book.call(0, session="s", model=MODEL, tokens=[(10, 1)], tools=["Bash"])
    book.call(3, root=root, session="s", model=MODEL, tokens=[(4, 1)])
    book.call(5, session="s", model=MODEL, tokens=[(20, 1)], who=book.member)
    sync(store, book)
    rows = store.rows(
        "SELECT username, grain, threads, tool_calls, input FROM usage"
        " JOIN initiators USING (initiator)"
    )
    assert sorted(rows) == [
        ("member", "thread", 1, 0, 20),
        ("owner", "action", 1, 1, 10),
        ("owner", "thread", 0, 0, 4),
    ]
    assert store.rows("SELECT count(*) FROM anomalies") == [(0,)]


def test_of_threads_that_began_at_the_same_moment_each_person_keeps_an_own_total(
    store: Store, book: Book
) -> None:
    book.call(5, session="s", model=MODEL, tokens=[(10, 1)])
    book.call(5, session="s", model=MODEL, tokens=[(20, 1)], who=book.member)
    sync(store, book)
    rows = store.rows("SELECT username, grain, input FROM usage JOIN initiators USING (initiator)")
    assert sorted(rows) == [("member", "session", 20), ("owner", "session", 10)]
    assert store.rows("SELECT kind FROM anomalies") == [("shared_session",)]


def test_a_session_that_is_handed_over_later_keeps_the_threads_it_had(
    store: Store, book: Book
) -> None:
    book.call(0, session="s", model=MODEL, tokens=[(10, 1)])
    sync(store, book)
    book.call(5, session="s", model=MODEL, tokens=[(20, 1)], who=book.member)
    sync(store, book)
    rows = store.rows("SELECT username, grain, input FROM usage JOIN initiators USING (initiator)")
    assert sorted(rows) == [("member", "thread", 20), ("owner", "thread", 10)]


def test_what_is_purged_over_there_stays_here(store: Store, book: Book) -> None:
    book.call(0, session="s", model=MODEL, tokens=[(10, 1)])
    book.call(90, session="s", model=MODEL, tokens=[(20, 2)])
    sync(store, book)
    book.calls, book.tokens = book.calls[1:], book.tokens[1:]
    book.call(95, session="s", model=MODEL, tokens=[(40, 4)])
    sync(store, book)
    assert grains(store) == {"thread": (3, 3, 70)}
    assert store.rows("SELECT input_sum, threads FROM sessions") == [(70, 3)]


def test_a_session_that_is_gone_keeps_what_was_read(store: Store, book: Book) -> None:
    book.call(0, session="s", model=MODEL, tokens=[(10, 1)])
    sync(store, book)
    with store.write() as batch:
        batch.execute("UPDATE sessions SET detailed_digest = NULL")
    book.calls.clear()
    sync(store, book)
    assert grains(store) == {"thread": (1, 1, 10)}
    assert store.rows("SELECT detail_problem, threads FROM sessions") == [("gone", 1)]


def test_negative_counts_are_summed_as_told_and_priced_as_nothing(store: Store, book: Book) -> None:
    book.call(0, session="s", model=MODEL, tokens=[(-20, 5)])
    sync(store, book)
    assert store.rows("SELECT input, input_sum, output FROM usage") == [(0, -20, 5)]
    assert store.rows("SELECT negatives FROM responses") == [(1,)]


def test_text_is_kept_only_when_asked_for(store: Store, book: Book, tmp_path: Path) -> None:
    asked = book.call(0, session="s", prompts=[(0, "why?")], tools=["Bash"], thoughts=["hm"])
    book.call(3, root=asked)
    sync(store, book)
    texts = {
        "SELECT text FROM prompts": [("why?",)],
        "SELECT input, error FROM tool_inputs": [("{}", "")],
        "SELECT text FROM thinking": [("hm",)],
    }
    for query, kept in texts.items():
        assert store.rows(query) == kept
    with demo_sync.opened(tmp_path, "silent.duckdb") as silent:
        sync(silent, book, text=False)
        assert [silent.rows(query) for query in texts] == [[], [], []]
        assert silent.rows("SELECT sum(prompts), sum(tool_calls) FROM usage") == [(1, 1)]


def test_a_run_reads_no_more_details_than_it_may(store: Store, book: Book) -> None:
    for number in range(9):
        book.call(number, session=f"s{number}", model=MODEL, tokens=[(10, 1)])
    sync(store, book, details=4)
    assert grains(store) == {"session": (5, 0, 50), "thread": (4, 4, 40)}
    sync(store, book, details=4)
    assert grains(store) == {"session": (1, 0, 10), "thread": (8, 8, 80)}


def test_one_session_is_read_on_demand(store: Store, book: Book) -> None:
    for name in ("s", "t"):
        book.call(0, session=name, model=MODEL, tokens=[(10, 1)])
    served = demo_sync.bridge(book.tables(), profile="v2.35")
    with demo_sync.client(served) as client:
        list(sessions.discover(client, store, context()))
        keys = dict(store.rows("SELECT id, session FROM sessions"))
        assert details.read_one(client, store, context(), keys["t"])
        assert not details.read_one(client, store, context(), max(keys.values()) + 1)
    rows = store.rows("SELECT s.id, grain FROM usage JOIN sessions s USING (session) ORDER BY 1")
    assert rows == [("s", "session"), ("t", "thread")]


class Broken(httpx.BaseTransport):
    """A server that fails to tell some sessions."""

    def __init__(self, served: api.Bridge, *names: str) -> None:
        self._inner = bridge_transport.Transport(served)
        self._names = names

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.rsplit("/", maxsplit=1)[-1] in self._names:
            return httpx.Response(500, json={"message": "Internal error fetching session."})
        return self._inner.handle_request(request)


def broken(store: Store, book: Book, *names: str) -> None:
    served = demo_sync.bridge(book.tables(), profile="v2.35")
    key = api.tokens(served.tables, 1)["owner"]
    transport = Broken(served, *names)
    with Client(demo_sync.ADDRESS, key, transport=transport, retry=demo_sync.at_once(1)) as client:
        list(sessions.discover(client, store, context()))
        list(details.read(client, store, context(details_together=1)))


def test_a_session_that_cannot_be_read_does_not_hold_up_the_others(
    store: Store, book: Book
) -> None:
    for name in ("s", "t", "u"):
        book.call(0, session=name, model=MODEL, tokens=[(10, 1)])
    broken(store, book, "t")
    asked = "SELECT id, detail_problem FROM sessions ORDER BY id"
    assert store.rows(asked) == [("s", None), ("t", "unreadable"), ("u", None)]
    assert grains(store) == {"thread": (2, 2, 20), "session": (1, 0, 10)}
    sync(store, book)
    assert store.rows(asked) == [("s", None), ("t", None), ("u", None)]
    assert grains(store) == {"thread": (3, 3, 30)}


def test_sessions_that_the_server_fails_with_are_failures_to_whoever_sets_the_pace(
    store: Store, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[bool] = []

    class Watched(Concurrency):
        def learn(self, seconds: float, *, failed: bool = False) -> None:
            learned.append(failed)
            super().learn(seconds, failed=failed)

    monkeypatch.setattr(details, "Concurrency", Watched)
    for name in ("s", "t", "u"):
        book.call(0, session=name, model=MODEL, tokens=[(10, 1)])
    broken(store, book, "t")
    assert sorted(learned) == [False, False, True]


def test_a_server_that_fails_with_every_session_ends_the_run(store: Store, book: Book) -> None:
    names = [f"s{number}" for number in range(details.MOST_FAILURES)]
    for name in names:
        book.call(0, session=name)
    with pytest.raises(ServerError):
        broken(store, book, *names)
