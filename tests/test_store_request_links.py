from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.store import Batch, Store, request_links
from bridgeboard.store.request_links import MOST, filling, fillings

START = datetime(2026, 5, 20, 12)  # noqa: DTZ001  # the store's times have no zone
vectors = st.tuples(*[st.integers(0, 10**6)] * 4)


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Batch]:
    with Store.open(tmp_path / "store.duckdb") as store, store.write() as opened:
        yield opened


def usage(batch: Batch, key: int, **told: object) -> None:
    plain: dict[str, object] = {
        "usage": key,
        "id": f"00000000-0000-4000-8000-{key:012d}",
        "grain": "interception",
        "started_at": START,
        "ended_at": START + timedelta(minutes=1),
        "initiator": 1,
        "provider": "anthropic",
        "model": "opus",
        **dict.fromkeys(("threads", "responses", "prompts", "tool_calls", "injected"), 0),
        **dict.fromkeys(("tool_errors", "input", "output", "cache_read", "cache_write"), 0),
        **dict.fromkeys(("input_sum", "output_sum", "cache_read_sum", "cache_write_sum"), 0),
        "requests": 1,
        "priced_tokens": 0,
        "status": "priced",
        "digest": 0,
    }
    insert(batch, "usage", plain | told)


def response(batch: Batch, key: int, **told: object) -> None:
    plain: dict[str, object] = {
        "usage": key,
        "started_at": START,
        "answered_at": START,
        **dict.fromkeys(("input", "output", "cache_read", "cache_write", "cache_write_1h"), 0),
        **dict.fromkeys(("web_searches", "negatives"), 0),
        **dict.fromkeys(("split_unknown", "split_clamped", "total_mismatch"), False),
        "status": "priced",
        "tier": -1,
    }
    insert(batch, "responses", plain | told)


def insert(batch: Batch, table: str, row: dict[str, object]) -> None:
    marks = ", ".join("?" * len(row))
    batch.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def session(batch: Batch, key: int, name: str, initiator: int = 1) -> None:
    row = {
        "session": key,
        "id": name,
        "initiator": initiator,
        "providers": ["anthropic"],
        "models": ["opus"],
        "started_at": START,
        "ended_at": START + timedelta(hours=1),
        **dict.fromkeys(("input_sum", "output_sum", "cache_read_sum", "cache_write_sum"), 0),
        "listed_at": START,
        "digest": 0,
    }
    insert(batch, "sessions", row)


def requests(*named: tuple[str, int, int], kind: str = "centralized") -> pa.Table:
    """Of (session id, thread's number, request's number)."""
    rows = [
        {
            "session_id": name,
            "thread": f"00000000-0000-4000-8000-{thread:012d}",
            "id": f"00000000-0000-4000-8000-{request:012d}",
            "credential_kind": kind,
            "started_at": START,
            "ended_at": START + timedelta(minutes=9),
        }
        for name, thread, request in named
    ]
    return pa.Table.from_pylist(rows)


def test_a_need_is_filled_by_the_one_that_is_just_as_much() -> None:
    assert filling([(1, 1, 0, 0), (5, 2, 0, 0), (4, 1, 0, 0)], (5, 2, 0, 0)) == (1,)


def test_a_need_is_filled_by_several_where_none_alone_is_enough() -> None:
    assert filling([(1, 1, 0, 0), (9, 9, 9, 9), (4, 1, 0, 0)], (5, 2, 0, 0)) == (0, 2)


def test_a_need_that_nothing_makes_up_is_not_filled() -> None:
    assert filling([(1, 1, 0, 0), (4, 1, 0, 0)], (5, 3, 0, 0)) is None
    assert filling([(0, 0, 0, 0)], (0, 0, 0, 0)) is None


@settings(deadline=None, max_examples=60)
@given(st.lists(vectors, min_size=1, max_size=MOST), st.data())
def test_whatever_was_added_up_is_found_again(
    candidates: list[tuple[int, ...]], data: st.DataObject
) -> None:
    chosen = data.draw(st.sets(st.integers(0, len(candidates) - 1), min_size=1))
    need = tuple(map(sum, zip(*(candidates[place] for place in chosen), strict=True)))
    found = filling(candidates, need)
    if any(need):
        assert found is not None
        assert tuple(map(sum, zip(*(candidates[p] for p in found), strict=True))) == need
    else:
        assert found is None


def test_no_candidate_fills_two_needs() -> None:
    rows = [
        {"group": group, "usage": 7, "count": 5, "need_count": 5, "other": 0, "need_other": 0}
        for group in ("a", "b")
    ]
    assert [row["group"] for row in fillings(rows, "group", ("count", "other"))] == ["a"]


def test_the_group_with_the_least_choice_is_served_first() -> None:
    def row(group: str, usage: int) -> dict[str, object]:
        return {"group": group, "usage": usage, "count": 5, "need_count": 5}

    chosen = fillings([row("a", 1), row("a", 2), row("b", 1)], "group", ("count",))
    assert {(each["group"], each["usage"]) for each in chosen} == {("b", 1), ("a", 2)}


def test_requests_that_details_name_learn_session_thread_and_credential(batch: Batch) -> None:
    session(batch, 1, "s")
    for key in (1, 2, 3):
        usage(batch, key)
    request_links.by_id(batch, requests(("s", 1, 1), ("s", 1, 2)))
    told = batch.rows("SELECT usage, session, threads, credential_kind FROM usage ORDER BY usage")
    assert told == [(1, 1, 1, "centralized"), (2, 1, 0, "centralized"), (3, None, 0, None)]


def test_of_a_shared_session_id_each_request_goes_to_its_own_initiator(batch: Batch) -> None:
    session(batch, 1, "s", initiator=1)
    session(batch, 2, "s", initiator=2)
    usage(batch, 1, initiator=1)
    usage(batch, 2, initiator=2)
    request_links.by_id(batch, requests(("s", 1, 1), ("s", 2, 2)))
    assert batch.rows("SELECT usage, session FROM usage ORDER BY usage") == [(1, 1), (2, 2)]


def test_an_own_key_turns_spend_into_shadow_cost_once(batch: Batch) -> None:
    session(batch, 1, "s")
    usage(batch, 1, cost=70, shadow_cost=0, cache_saving=9)
    response(batch, 1, cost=30, shadow_cost=0, cache_saving=9)
    response(batch, 1, cost=40, shadow_cost=0, cache_saving=0, status="partial")
    for _ in range(2):
        request_links.by_id(batch, requests(("s", 1, 1), kind="byok"))
        request_links.own_key(batch, batch.table("SELECT usage, started_at FROM usage"))
    assert batch.rows("SELECT cost, shadow_cost, cache_saving, status FROM usage") == [
        (0, 70, 0, "notional")
    ]
    assert sorted(batch.rows("SELECT cost, shadow_cost, cache_saving, status FROM responses")) == [
        (0, 30, 0, "notional"),
        (0, 40, 0, "notional"),
    ]


def test_an_own_key_leaves_what_nobody_can_price_unknown(batch: Batch) -> None:
    session(batch, 1, "s")
    usage(batch, 1, cost=None, shadow_cost=None, status="unpriced")
    response(batch, 1, status="unpriced")
    request_links.by_id(batch, requests(("s", 1, 1), kind="byok"))
    assert batch.rows("SELECT cost, shadow_cost, status FROM usage") == [(None, None, "unpriced")]
    assert batch.rows("SELECT cost, status FROM responses") == [(None, "unpriced")]


def test_copilot_keeps_its_own_rules(batch: Batch) -> None:
    session(batch, 1, "s")
    usage(batch, 1, provider="copilot", cost=5, shadow_cost=0)
    request_links.by_id(batch, requests(("s", 1, 1), kind="byok"))
    assert batch.rows("SELECT cost, shadow_cost FROM usage") == [(5, 0)]


def test_tool_calls_follow_their_request(batch: Batch) -> None:
    session(batch, 4, "s")
    usage(batch, 1, tool_calls=1)
    call = {"usage": 1, "ordinal": 0, "started_at": START, "called_at": START}
    dims = {"grain": "interception", "initiator": 1, "provider": "anthropic"}
    rest = {"tool": "Bash", "server_url": "", "injected": False, "input_hash": 0}
    insert(batch, "tool_calls", call | dims | rest)
    request_links.by_id(batch, requests(("s", 1, 1)))
    assert batch.rows("SELECT session, credential_kind FROM tool_calls") == [(4, "centralized")]


def thread(session: int, **lacking: int) -> pa.Table:
    """One thread of the first person, of one hour, that lacks so many tokens."""
    names = ("input_sum", "output_sum", "cache_read_sum", "cache_write_sum")
    return pa.Table.from_pylist(
        [
            {
                "session": session,
                "id": f"00000000-0000-4000-8000-{900:012d}",
                "initiator": 1,
                "provider": "anthropic",
                "credential_kind": "centralized",
                "started_at": START,
                "ended_at": START + timedelta(hours=1),
                **{name: lacking.get(name, 0) for name in names},
                **{f"{name}_acted": 0 for name in names},
            }
        ]
    )


@pytest.mark.parametrize(("placed", "is_found"), [(None, True), (1, True), (2, False)])
def test_a_request_without_a_thread_is_found_by_its_tokens_but_not_in_another_session(
    batch: Batch, placed: int | None, *, is_found: bool
) -> None:
    """One that was put into its session before the details of that were told included."""
    session(batch, 1, "s")
    session(batch, 2, "t")
    usage(batch, 1, session=placed, input_sum=7)
    request_links.by_tokens(batch, thread(1, input_sum=7))
    ((found, told),) = batch.rows("SELECT session, thread IS NOT NULL FROM usage")
    assert (found, told) == (1 if is_found else placed, is_found)
