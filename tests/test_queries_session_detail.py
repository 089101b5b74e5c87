from collections import Counter
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import session_stores
import truth
from costly_laws import tried
from facts import KINDS, facts
from hypothesis import given
from hypothesis import strategies as st
from session_stores import asked, head, only
from slow_cases import one_fast

from bridgeboard.analysis import session_data
from bridgeboard.analysis.session_data import thinned
from bridgeboard.queries import recorded_text, session_calls, session_detail
from bridgeboard.queries.session_calls import Call, Mark, Spot
from bridgeboard.queries.session_detail import NUMBERS, Head, Owner, Thread, ToolCalls
from bridgeboard.queries.typed_rows import Key, typed
from bridgeboard.store import Store

HOSTILE = ("", "%", "_", "'; DROP TABLE sessions; --", '"', "\0", "\ud800", "x" * 100_000, "🐍")
SUMMED = tuple(name for name in NUMBERS if name != "tool_errors")


@pytest.fixture(scope="module", params=one_fast(session_stores.PROFILES, fast="upgraded"))
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """The same days from a server that lists requests, from one that does not, and from both."""
    with session_stores.synced(tmp_path_factory.mktemp(request.param), request.param) as made:
        yield made


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with session_stores.synced(tmp_path_factory.mktemp("exact"), "exact") as made:
        session_stores.prolonged(made, 20_000)
        yield made


Whole = tuple[Head, tuple[Thread, ...], tuple[Call, ...]]


@pytest.fixture(scope="module")
def wholes(store: Store) -> dict[int, Whole]:
    return {session: everything(store, session) for session in session_stores.keys(store).values()}


def everything(store: Store, session: int) -> Whole:
    return (
        head(store, session),
        asked(store, Thread, session_detail.threads(session)),
        asked(store, Call, session_calls.calls(session, limit=None)),
    )


def tools(store: Store, session: int) -> tuple[ToolCalls, ...]:
    return asked(store, ToolCalls, session_detail.tools(session))


def added(rows: tuple[object, ...], name: str) -> int | None:
    known = [value for row in rows if (value := getattr(row, name)) is not None]
    return sum(known) if known else None


def shown(rows: tuple[Call, ...], name: str) -> int | None:
    """A sum over calls; of the rest of a session nothing but tokens and costs is known."""
    is_counted = name in {"requests", "prompts", "tool_calls", "injected"}
    return added(tuple(row for row in rows if not is_counted or row.grain != "session"), name)


def test_threads_with_the_rest_add_up_to_the_session(wholes: dict[int, Whole]) -> None:
    for told, threads, _ in wholes.values():
        if told.rows:
            for name in SUMMED:
                assert added(threads, name) == getattr(told, name), name
            # None is told where no thread can be seen: there may be some all the same.
            assert (sum(thread.root is not None for thread in threads) or None) == told.threads


def test_errors_add_up_where_they_are_recorded(wholes: dict[int, Whole]) -> None:
    for told, threads, every in wholes.values():
        if told.tool_errors is not None:
            assert told.tool_errors == added(threads, "tool_errors") == added(every, "tool_errors")
            assert not told.tool_calls or any(row.tool_errors is not None for row in every)
        else:
            assert not told.rows or any(row.tool_errors is None for row in threads)
            assert not any(row.tool_errors for row in (*threads, *every))


def test_calls_add_up_to_the_session_and_to_their_threads(
    store: Store, wholes: dict[int, Whole]
) -> None:
    names = [name for name in SUMMED if name in Call.__slots__]
    assert {*KINDS, "cost", "requests", "tool_calls"} <= set(names)
    held = {session: whole for session, whole in wholes.items() if whole[0].rows}
    assert held
    for session, (told, threads, every) in held.items():
        for name in names:
            assert shown(every, name) == getattr(told, name), name
        for thread in threads:
            part = thread.id or session_calls.REST
            of_it = asked(store, Call, session_calls.calls(session, part, limit=None))
            assert {row.thread for row in of_it} <= {thread.id}
            for name in names:
                assert shown(of_it, name) == getattr(thread, name), name


def test_an_exact_head_is_what_counting_says(exact: Store) -> None:
    tables = session_stores.tables()
    names = {person.id: person.username for person in tables.people}
    keys = session_stores.keys(exact)
    for who, rows in session_stores.own().items():
        told = head(exact, keys[who])
        if told.requests != len(rows):  # a request that nobody can tell the session of
            assert told.requests is None or told.requests < len(rows)
            continue
        merged = truth.responses(tables, rows).values()
        counted = [sum(max(0, getattr(each, kind)) for each in merged) for kind in KINDS]
        assert [getattr(told, kind) for kind in KINDS] == counted
        assert told.total_tokens == sum(counted)
        assert told.prompts == len(truth.prompts(tables, rows))
        assert told.tool_calls == len(truth.tool_calls(tables, rows))
        called = truth.tool_calls(tables, rows)
        known = [bool(call.invocation_error) for call in called if call.injected]
        assert told.tool_errors == (sum(known) if known or not called else None)
        assert {one.tool: one.failures for one in tools(exact, keys[who])} == {
            tool: sum(ends)
            if (
                ends := [
                    bool(call.invocation_error)
                    for call in called
                    if call.tool == tool and call.injected
                ]
            )
            else None
            for tool in {call.tool for call in called}
        }
        assert told.person.startswith(names[who[1]])
        assert told.started_at == min(row.started_at for row in rows)
        assert told.ended_at == max(row.ended_at for row in rows if row.ended_at)
        assert told.accuracy == "exact"
        assert told.models == tuple(sorted({row.model for row in rows}))


def test_most_sessions_of_the_world_are_whole(exact: Store) -> None:
    keys = session_stores.keys(exact)
    whole = [
        who
        for who, rows in session_stores.own().items()
        if head(exact, keys[who]).requests == len(rows)
    ]
    assert len(whole) > 0.9 * len(session_stores.own())


def test_a_head_adds_up_the_rows_of_its_session() -> None:
    world = facts()
    for session in world.sessions[::4]:
        rows = [row for row in world.usage if row["session"] == session["session"]]
        (told,) = typed(Head, world.rows(session_detail.head(session["session"])))
        assert told.team == (session["team"] or "Unassigned")
        assert told.person == session["person"]
        assert told.rows == len(rows)
        for kind in KINDS:
            assert getattr(told, kind) == sum(row[kind] for row in rows)
        costs = [row["cost"] for row in rows if row["cost"] is not None]
        assert told.cost == (sum(costs) if costs else None)
        assert told.threads == (sum(row["threads"] for row in rows) if rows else None)


def test_a_thread_is_what_counting_says() -> None:
    world = facts()
    for session in world.sessions[:40]:
        rows = [row for row in world.usage if row["session"] == session["session"]]
        told = typed(Thread, world.rows(session_detail.threads(session["session"])))
        assert [each.place for each in told] == list(range(1, len(told) + 1))
        assert Counter({str(each.id): each.requests for each in told}) == Counter(
            row["thread"] for row in rows
        )
        starts = [each.started_at for each in told if each.id]
        assert starts == sorted(starts)
        for each in told:
            of_it = [row for row in rows if row["thread"] == str(each.id)]
            assert each.tool_calls == sum(row["tool_calls"] for row in of_it)
            assert each.started_at == min(row["started_at"] for row in of_it)
            roots = [row for row in of_it if row["threads"]]
            assert each.has_prompt == (bool(roots[0]["prompts"]) if roots else None)
            assert each.root == (roots[0]["usage"] if roots else None)


def test_threads_are_those_of_the_details_and_the_rest_comes_last(
    store: Store, wholes: dict[int, Whole]
) -> None:
    rests = 0
    for session, (_, threads, _) in wholes.items():
        known = store.rows("SELECT id FROM threads WHERE session = ?", [session])
        assert {thread.id for thread in threads if thread.id} >= {id_ for (id_,) in known}
        assert all(thread.id for thread in threads[:-1])
        rests += bool(threads) and threads[-1].id is None
    assert rests


def test_a_failed_thread_says_why(store: Store) -> None:
    rows = [row for row in truth.finished(session_stores.tables()) if row.error_type]
    shown = {
        str(thread.id): (thread.error_type, thread.error_message)
        for session in session_stores.keys(store).values()
        for thread in asked(store, Thread, session_detail.threads(session))
        if thread.error_type
    }
    told = store.rows("SELECT count(*) FROM threads WHERE error_type IS NOT NULL")[0][0]
    assert len(shown) == told <= len(rows)


def test_calls_are_in_order_with_gaps_and_running_cost() -> None:
    world = facts()
    for session in world.sessions[:40]:
        rows = [row for row in world.usage if row["session"] == session["session"]]
        rows.sort(key=lambda row: (row["started_at"], row["usage"]))
        told = typed(Call, world.rows(session_calls.calls(session["session"], limit=None)))
        assert [call.usage for call in told] == [row["usage"] for row in rows]
        costs = list(accumulate((row["cost"] or 0) for row in rows))
        known = list(accumulate((row["cost"] is not None) for row in rows))
        assert [call.running_cost for call in told] == [
            cost if some else None for cost, some in zip(costs, known, strict=True)
        ]
        kinds = ("input", "output", "cache_read", "cache_write")
        unpriced = [sum(row[kind] for kind in kinds) - row["priced_tokens"] for row in rows]
        sums = accumulate(int(row["grain"] != "interception") for row in rows)
        assert [call.unpriced_tokens for call in told] == unpriced
        assert [(call.running_unpriced_tokens, call.running_summed_rows) for call in told] == list(
            zip(accumulate(unpriced), sums, strict=True)
        )
        for before, after, call in zip(rows, rows[1:], told[1:], strict=False):
            ended = before["ended_at"]
            gap = None if ended is None else (after["started_at"] - ended).total_seconds()
            assert call.gap_seconds == pytest.approx(gap)
        assert [call.context for call in told] == [
            row["input"] + row["cache_read"] + row["cache_write"] for row in rows
        ]


@given(size=st.integers(1, 70))
@tried(12)
def test_pages_of_any_size_are_all_calls(size: int) -> None:
    world = facts()
    most = Counter(row["session"] for row in world.usage if row["session"] is not None)
    session = most.most_common(1)[0][0]
    every = typed(Call, world.rows(session_calls.calls(session, limit=None)))
    seen: list[Call] = []
    after: Key | None = None
    while page := typed(Call, world.rows(session_calls.calls(session, after=after, limit=size))):
        seen += page
        after = page[-1].key
    assert seen == list(every)


def test_pages_of_threads_are_all_threads(store: Store) -> None:
    session = max(
        session_stores.keys(store).values(),
        key=lambda key: len(asked(store, Thread, session_detail.threads(key))),
    )
    every = asked(store, Thread, session_detail.threads(session))
    seen: list[Thread] = []
    while page := asked(store, Thread, session_detail.threads(session, after=len(seen), limit=2)):
        seen += page
    assert seen == list(every)


def test_a_link_to_a_call_leads_to_the_page_that_has_it(exact: Store) -> None:
    every = asked(exact, Call, session_calls.calls(session_stores.LONG, limit=None))
    for number in (0, 1, 199, 200, 201, 19_999):
        wanted = every[number]
        spot = only(
            exact,
            Spot,
            session_calls.call_spot(session_stores.LONG, wanted.interception or "", size=200),
        )
        assert (spot.place, spot.page) == (number + 1, number // 200 + 1)
        page = asked(
            exact, Call, session_calls.calls(session_stores.LONG, after=spot.after, limit=200)
        )
        assert wanted in page
        assert page[0].place == number // 200 * 200 + 1


def test_a_link_to_a_call_within_its_thread_leads_to_it_too(exact: Store) -> None:
    every = asked(exact, Call, session_calls.calls(session_stores.LONG, limit=None))
    wanted = every[12_345]
    question = session_calls.call_spot(
        session_stores.LONG, str(wanted.interception), wanted.thread, size=10
    )
    spot = only(exact, Spot, question)
    assert (spot.place, spot.page) == (46, 5)
    page = asked(
        exact,
        Call,
        session_calls.calls(session_stores.LONG, wanted.thread, after=spot.after, limit=10),
    )
    assert wanted.usage in {call.usage for call in page}


@pytest.mark.parametrize("text", HOSTILE)
def test_links_to_what_is_not_there_lead_nowhere(exact: Store, text: str) -> None:
    assert exact.rows(*session_calls.call_spot(session_stores.LONG, text)) == []
    assert exact.rows(*session_detail.found(text)) == []
    assert exact.rows(*session_detail.found("long", text)) == []


def test_a_session_is_found_by_its_id_and_person(store: Store) -> None:
    for (id_, person), key in session_stores.keys(store).items():
        owner = only(store, Owner, session_detail.found(id_, UUID(person)))
        assert (owner.session, owner.id, str(owner.initiator_id)) == (key, id_, person)
        sharers = {whose for other, whose in session_stores.keys(store) if other == id_}
        assert {
            str(each.initiator_id) for each in asked(store, Owner, session_detail.found(id_))
        } == sharers
    assert store.rows(*session_detail.found(id_, uuid4())) == []


@pytest.mark.parametrize("unholdable", ["\0", "\ud800"])
def test_an_id_that_nobody_could_store_finds_what_is_stored_for_it(
    exact: Store, unholdable: str
) -> None:
    with exact.write() as batch:
        batch.execute(
            "UPDATE sessions SET id = 'a\ufffd''%' WHERE session = $1", [session_stores.LONG]
        )
    (owner,) = asked(exact, Owner, session_detail.found(f"a{unholdable}'%"))
    assert owner.session == session_stores.LONG


def test_a_session_that_is_none_has_nothing(exact: Store) -> None:
    for question in (
        session_detail.head(-1),
        session_detail.threads(-1),
        session_calls.calls(-1),
        session_calls.calls(-1, uuid4()),
        session_calls.calls(-1, session_calls.REST),
        recorded_text.timeline(()),
        recorded_text.timeline((-1,)),
        recorded_text.texts((-1,)),
        recorded_text.whole(-1, "prompt", 0),
    ):
        assert exact.rows(*question) == []


def test_a_long_session_opens_page_by_page(exact: Store) -> None:
    told, threads, every = everything(exact, session_stores.LONG)
    assert (told.requests, told.threads, len(every)) == (20_000, 400, 20_000)
    assert told.cost == sum(range(20_000)) == every[-1].running_cost == added(threads, "cost")
    seen, after = 0, None
    while page := asked(
        exact, Call, session_calls.calls(session_stores.LONG, after=after, limit=1_000)
    ):
        assert page[0].place == seen + 1
        assert page[0].started_at == session_stores.at(seen)
        seen, after = seen + len(page), page[-1].key
    assert seen == 20_000
    assert {call.gap_seconds for call in every[1:]} == {6.0}


def test_the_course_of_a_session_is_that_of_its_calls(exact: Store) -> None:
    every = asked(exact, Call, session_calls.calls(session_stores.LONG, limit=None))
    marks = asked(exact, Mark, session_calls.course(session_stores.LONG))
    names = Mark.__slots__
    assert [[getattr(mark, name) for name in names] for mark in marks] == [
        [getattr(call, name) for name in names] for call in every
    ]
    drawn = thinned(marks, 1_000, lambda mark: mark.context, lambda mark: mark.running_cost)
    assert len(drawn) <= 1_000
    thread = every[77].thread
    assert len(asked(exact, Mark, session_calls.course(session_stores.LONG, thread))) == 50


def test_a_head_says_what_a_generation_does_not_tell(store: Store) -> None:
    for session in session_stores.keys(store).values():
        told = head(store, session)
        said = " ".join(
            session_data.missing(told, only(store, recorded_text.Kept, recorded_text.kept(session)))
        )
        assert ("lower bounds" in said) == (told.exact_rows < told.rows)
        assert ("requests not known here" in said or "None of its" in said) == (
            told.recorded_tokens > told.held_tokens or not told.rows
        )
        assert ("lower bound." in said) == bool(told.unpriced_tokens)


def test_before_its_details_a_session_has_unknown_threads(tmp_path: Path) -> None:
    with session_stores.synced(tmp_path, "exact", details=0) as made:
        for session in session_stores.keys(made).values():
            told, threads, every = everything(made, session)
            assert told.threads is None
            assert told.total_tokens == told.recorded_tokens
            assert told.cost is None
            assert (threads, every) == ((), ())
            said = session_data.missing(told)
            assert any("None of its requests" in sentence for sentence in said)
            assert any("have not been read yet" in sentence for sentence in said)


def test_a_store_without_text_says_so(tmp_path: Path) -> None:
    with session_stores.synced(tmp_path, "exact", text=False) as made:
        session = next(iter(session_stores.keys(made).values()))
        kept = only(made, recorded_text.Kept, recorded_text.kept(session))
        assert kept == recorded_text.Kept(0, 0, 0, "none")
        assert any(
            "No recorded text is kept" in said
            for said in session_data.missing(head(made, session), kept)
        )


def test_pruned_text_is_missed(tmp_path: Path) -> None:
    with session_stores.synced(tmp_path, "exact") as made:
        keys = session_stores.keys(made).values()
        session = max(keys, key=lambda key: head(made, key).prompts or 0)
        with made.write() as batch:
            batch.execute("DELETE FROM prompts")
        kept = only(made, recorded_text.Kept, recorded_text.kept(session))
        told = head(made, session)
        wanted = f"The text of {told.prompts:,} of its {told.prompts:,} prompts"
        assert any(wanted in said for said in session_data.missing(told, kept))
