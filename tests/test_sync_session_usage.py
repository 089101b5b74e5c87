from datetime import UTC, datetime, timedelta
from functools import reduce
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.sync.session_usage import (
    NOTHING,
    THREADS_WITH_TOKENS,
    Action,
    Piece,
    Spent,
    Thread,
    pieces,
)

START = datetime(2026, 5, 20, 12, tzinfo=UTC)

counts = st.integers(0, 10**6)
spending = st.builds(Spent, *[counts] * len(Spent._fields))


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def added(parts: list[Spent]) -> Spent:
    return reduce(Spent.plus, parts, NOTHING)


def action(name: str, *spent: int, model: str = "haiku", at: float = 1) -> Action:
    return Action(name, model, minute(at), Spent(*spent))


def thread(*actions: Action, spent: Spent, name: str = "root", prompt: bool = True) -> Thread:
    return Thread(name, "opus", minute(0), spent, prompt, actions)


def told(rows: list[Piece]) -> list[tuple[str, str, Spent]]:
    return [(row.grain, row.id, row.spent) for row in rows]


@st.composite
def threads(draw: st.DrawFn) -> tuple[Thread, dict[str, Spent]]:
    """A thread and all its requests, by id: the root, those with tools, and silent ones."""
    requests = {f"r{n}": draw(spending) for n in range(draw(st.integers(1, 6)))}
    with_tools = draw(st.sets(st.sampled_from(sorted(requests))))
    acted = [Action(name, "haiku", minute(1), requests[name]) for name in sorted(with_tools)]
    whole = added(list(requests.values()))
    return Thread("r0", "opus", minute(0), whole, draw(st.booleans()), tuple(acted)), requests


def test_actions_stand_for_themselves_and_the_rest_of_a_thread_for_the_others() -> None:
    rows = pieces([thread(action("a", 10, 1), action("b", 5, 2), spent=Spent(20, 4))], {})
    assert told(rows) == [
        ("action", "a", Spent(10, 1)),
        ("action", "b", Spent(5, 2)),
        ("thread", "root", Spent(5, 1)),
    ]
    assert [row.model for row in rows] == ["haiku", "haiku", "opus"]
    assert [row.thread for row in rows] == ["root"] * 3


def test_a_root_without_tools_is_the_request_of_the_threads_own_row() -> None:
    (_, rest) = pieces([thread(action("a", 10), spent=Spent(15))], {})
    assert (rest.requests, rest.threads, rest.prompts) == (1, 1, 1)


def test_a_root_with_tools_is_an_action_and_the_rest_no_request() -> None:
    first, rest = pieces([thread(action("root", 10), spent=Spent(15))], {})
    assert (first.requests, first.threads, first.prompts) == (1, 1, 1)
    assert (rest.requests, rest.threads, rest.prompts) == (0, 0, 0)


def test_a_thread_that_is_all_actions_leaves_no_rest() -> None:
    (only,) = pieces([thread(action("root", 10), spent=Spent(10))], {})
    assert only.grain == "action"


def test_a_failed_thread_without_tokens_is_still_a_request() -> None:
    (only,) = pieces([thread(spent=NOTHING, prompt=False)], {})
    assert (only.grain, only.requests, only.threads, only.prompts) == ("thread", 1, 1, 0)


def test_what_is_held_exactly_is_left_out() -> None:
    whole = thread(action("a", 10, 1), action("b", 5, 2), spent=Spent(30, 8))
    exact = {"root": {"root": Spent(4, 1), "a": Spent(10, 1)}}
    assert told(pieces([whole], exact)) == [
        ("action", "b", Spent(5, 2)),
        ("thread", "root", Spent(11, 4)),
    ]
    assert [row.requests for row in pieces([whole], exact)] == [1, 0]


def test_a_thread_that_is_held_exactly_has_no_rows() -> None:
    whole = thread(action("a", 10, 1), spent=Spent(14, 2))
    assert pieces([whole], {"root": {"root": Spent(4, 1), "a": Spent(10, 1)}}) == []


def test_what_is_held_but_purged_over_there_never_makes_a_rest_negative() -> None:
    (only,) = pieces([thread(spent=Spent(4, 1))], {"root": {"gone": Spent(9, 0)}})
    assert only.spent == Spent(0, 1)


def test_negative_counts_of_an_upstream_stay_what_the_server_sums() -> None:
    whole = thread(action("a", 5, 9), spent=Spent(-15, 12))
    assert told(pieces([whole], {})) == [
        ("action", "a", Spent(5, 9)),
        ("thread", "root", Spent(-20, 3)),
    ]


def test_threads_after_the_fiftieth_have_requests_but_no_tokens() -> None:
    many = [
        Thread(
            f"t{n:03}",
            "opus",
            minute(n),
            Spent(7) if n < THREADS_WITH_TOKENS else NOTHING,
            has_prompt=True,
        )
        for n in range(THREADS_WITH_TOKENS + 3)
    ]
    rows = pieces(many, {"t052": {"leaf": Spent(9)}})
    assert sum(row.spent.input for row in rows) == 7 * THREADS_WITH_TOKENS
    assert sum(row.requests for row in rows) == THREADS_WITH_TOKENS + 3


@settings(deadline=None, max_examples=100)
@given(threads())
def test_the_rows_of_a_thread_are_its_total(made: tuple[Thread, dict[str, Spent]]) -> None:
    whole, _ = made
    rows = pieces([whole], {})
    assert added([row.spent for row in rows]) == whole.spent
    assert sum(row.threads for row in rows) == 1
    assert sum(row.prompts for row in rows) == whole.has_prompt


@settings(deadline=None, max_examples=100)
@given(threads(), st.data())
def test_exact_rows_and_the_others_together_are_the_total(
    made: tuple[Thread, dict[str, Spent]], data: st.DataObject
) -> None:
    whole, requests = made
    held = data.draw(st.sets(st.sampled_from(sorted(requests))))
    exact = {name: requests[name] for name in held}
    rows = pieces([whole], {"r0": exact})
    assert added([row.spent for row in rows] + list(exact.values())) == whole.spent
    assert not {row.id for row in rows if row.grain == "action"} & held
    assert sum(row.threads for row in rows) == ("r0" not in held)


@settings(deadline=None, max_examples=50)
@given(st.lists(threads(), min_size=1, max_size=4), st.randoms())
def test_the_order_of_threads_changes_nothing(
    made: list[tuple[Thread, dict[str, Spent]]], random: Random
) -> None:
    many = [
        Thread(f"t{n}", each.model, minute(n), each.spent, each.has_prompt, each.actions)
        for n, (each, _) in enumerate(made)
    ]
    shuffled = list(many)
    random.shuffle(shuffled)
    assert pieces(shuffled, {}) == pieces(many, {})
