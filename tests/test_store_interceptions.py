"""Exact usage: put once, put again, put otherwise."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import demo_worlds
import pyarrow as pa
import pytest
import truth
from costly_laws import tried
from hypothesis import given
from hypothesis import strategies as st
from small_bridges import Book, at
from stores import KINDS, PICO, contents, digest, fresh, naive, put, told

from bridgeboard.demo.records import InterceptionRow
from bridgeboard.store import Store, Written, interceptions, people

WORLD = demo_worlds.small().tables
ROWS = truth.finished(WORLD)
CALLS = tuple(f"00000000-0000-4000-9000-{number:012d}" for number in range(9))

HELD = """
    SELECT id::VARCHAR, usage, session, thread::VARCHAR, threads, credential_kind FROM usage
    ORDER BY id
"""
WITHOUT_KEYS = {
    "usage": """
        SELECT u.* EXCLUDE (usage, initiator), i.id, i.username
        FROM usage u JOIN initiators i USING (initiator) ORDER BY ALL""",
    **{
        name: f"""
            SELECT c.* EXCLUDE (usage), u.id
            FROM {name} c JOIN usage u USING (usage) ORDER BY ALL"""
        for name in ("responses", "prompts", "tool_inputs")
    },
    "tool_calls": """
        SELECT c.* EXCLUDE (usage, initiator), u.id, i.id
        FROM tool_calls c JOIN usage u USING (usage)
        JOIN initiators i ON i.initiator = c.initiator ORDER BY ALL""",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with every finished interception of the small world."""
    with fresh(tmp_path_factory.mktemp("filled")) as store:
        assert put(store, WORLD, ROWS) == Written(len(ROWS), 0)
        yield store


def _one(store: Store, sql: str) -> Any:
    return store.rows(sql)[0][0]


def _book(size: int = 9) -> Book:
    book = Book()
    for number in range(size):
        book.call(
            number,
            id=CALLS[number],
            who=book.people[number % 3],
            tokens=[(10 + number, number, 100)] * (number % 3),
            prompts=[(number, f"prompt {number}")],
            tools=["Read", "Edit"][: number % 3],
        )
    return book


def _everything(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    return {name: store.rows(sql) for name, sql in WITHOUT_KEYS.items()}


def test_tokens_are_those_of_the_world_to_the_unit(filled: Store) -> None:
    recorded = truth.recorded(WORLD, ROWS)
    merged = truth.total(truth.responses(WORLD, ROWS).values())
    for kind in KINDS:
        assert _one(filled, f"SELECT sum({kind}_sum) FROM usage") == getattr(recorded, kind)
        assert _one(filled, f"SELECT sum({kind}) FROM usage") == getattr(merged, kind)
        assert _one(filled, f"SELECT sum({kind}) FROM responses") == getattr(merged, kind)
    assert _one(filled, "SELECT sum(cost) FROM usage") == merged.total * PICO


def test_every_row_of_the_world_is_there_once(filled: Store) -> None:
    expected = {
        "usage": len(ROWS),
        "responses": len(truth.responses(WORLD, ROWS)),
        "tool_calls": len(truth.tool_calls(WORLD, ROWS)),
        "tool_inputs": len(truth.tool_calls(WORLD, ROWS)),
        "prompts": len(truth.prompts(WORLD, ROWS)),
        "initiators": len(truth.people(ROWS)),
    }
    assert {name: _one(filled, f"SELECT count(*) FROM {name}") for name in expected} == expected
    assert _one(filled, "SELECT sum(prompts) FROM usage") == expected["prompts"]
    assert _one(filled, "SELECT sum(requests) FROM usage") == expected["usage"]


def test_a_tool_call_carries_the_columns_of_its_request(filled: Store) -> None:
    differing = """
        SELECT count(*) FROM tool_calls c JOIN usage u USING (usage)
        WHERE (c.started_at, c.grain, c.initiator, c.provider, c.provider_name, c.vendor, c.model,
               c.client, c.credential_kind, c.session) IS DISTINCT FROM
              (u.started_at, u.grain, u.initiator, u.provider, u.provider_name, u.vendor, u.model,
               u.client, u.credential_kind, u.session)
    """
    assert _one(filled, differing) == 0


def test_children_hang_on_their_own_request(filled: Store) -> None:
    wanted = sorted(
        (call.interception_id, call.tool, call.input) for call in truth.tool_calls(WORLD, ROWS)
    )
    found = filled.rows("""
        SELECT u.id::VARCHAR, c.tool, i.input FROM tool_calls c JOIN usage u USING (usage)
        JOIN tool_inputs i ON i.usage = c.usage AND i.ordinal = c.ordinal ORDER BY ALL
    """)
    assert found == wanted


def test_people_are_known_by_id_and_have_one_key_each(filled: Store) -> None:
    found = dict(filled.rows("SELECT id::VARCHAR, username FROM initiators"))
    names = {person.id: person.username for person in WORLD.people}
    assert found == {id_: names[id_] for id_ in truth.people(ROWS)}
    assert _one(filled, "SELECT count(DISTINCT initiator) FROM initiators") == len(found)


def test_nothing_to_put_is_nothing(tmp_path: Path) -> None:
    with fresh(tmp_path) as store:
        assert put(store, WORLD, []) == Written(0, 0)


def test_putting_twice_is_putting_once(tmp_path: Path) -> None:
    book = _book()
    with fresh(tmp_path) as store:
        assert put(store, book.tables(), book.calls) == Written(9, 0)
        once = contents(store)
        assert put(store, book.tables(), book.calls) == Written(0, 9)
        assert contents(store) == once


def test_a_row_told_otherwise_is_replaced_with_its_children_and_keeps_its_key(
    tmp_path: Path,
) -> None:
    before, after = _book(), _book()
    changed = after.calls[4]
    after.tokens = [row for row in after.tokens if row.interception_id != changed.id]
    after.tools = [row for row in after.tools if row.interception_id != changed.id]
    after.token_row(changed, 7, 7, 7, 7)
    with fresh(tmp_path) as store:
        put(store, before.tables(), before.calls)
        keys = dict(store.rows("SELECT id::VARCHAR, usage FROM usage"))
        assert put(store, after.tables(), [changed], edition=1) == Written(0, 1)
        assert dict(store.rows("SELECT id::VARCHAR, usage FROM usage")) == keys
        again = _everything(store)
    (tmp_path / "other").mkdir()
    with fresh(tmp_path / "other") as store:
        put(store, after.tables(), [row for row in after.calls if row != changed])
        put(store, after.tables(), [changed], edition=1)
        assert _everything(store) == again


def test_what_only_details_tell_survives_being_told_again(tmp_path: Path) -> None:
    book = _book(3)
    with fresh(tmp_path) as store:
        put(store, book.tables(), book.calls)
        with store.write() as batch:
            batch.execute(
                "UPDATE usage SET session = 42, thread = id, threads = 1,"
                f" credential_kind = 'centralized' WHERE id = '{CALLS[1]}'"
            )
        linked = store.rows(HELD)
        put(store, book.tables(), book.calls, edition=1)
        assert store.rows(HELD) == linked
        assert [row[2:] for row in linked] == [
            (None, None, 0, None),
            (42, CALLS[1], 1, "centralized"),
            (None, None, 0, None),
        ]
        calls = "SELECT DISTINCT session, credential_kind FROM tool_calls WHERE session IS NOT NULL"
        assert store.rows(calls) == [(42, "centralized")]


@pytest.mark.parametrize(("provider", "spent"), [("anthropic", 0), ("copilot", 110 * PICO)])
def test_what_initiators_pay_themselves_stays_no_spend_when_told_again(
    tmp_path: Path, provider: str, spent: int
) -> None:
    book = Book()
    row = book.call(tokens=[(100, 10)], provider=provider)
    with fresh(tmp_path) as store:
        put(store, book.tables(), [row])
        with store.write() as batch:
            batch.execute("UPDATE usage SET credential_kind = 'byok'")
        put(store, book.tables(), [row], edition=1)
        value = 110 * PICO - spent
        for table in ("usage", "responses"):
            found = store.rows(f"SELECT cost, shadow_cost, status FROM {table}")
            assert found == [(spent, value, "notional" if value else "priced")]


def test_text_is_kept_only_if_it_is_told(tmp_path: Path) -> None:
    book = _book()
    with fresh(tmp_path) as store:
        put(store, book.tables(), book.calls, text=False)
        assert _one(store, "SELECT count(*) FROM prompts") == 0
        assert _one(store, "SELECT count(*) FROM tool_inputs") == 0
        assert _one(store, "SELECT sum(prompts) FROM usage") == 9
        assert _one(store, "SELECT count(*) FROM tool_calls") == len(book.tools)


def test_hostile_text_is_kept_as_it_is(tmp_path: Path) -> None:
    hostile = "'; DROP TABLE usage; -- \u202e\U0001f469\u200d\U0001f4bb %s {} $1 \\ \" \n\t"
    book = Book()
    book.person(hostile, name=hostile)
    row = book.call(
        who=book.people[-1], model=hostile, client=hostile, prompts=[(0, hostile)], tools=[hostile]
    )
    with fresh(tmp_path) as store:
        put(store, book.tables(), [row])
        assert store.rows("SELECT model, client FROM usage") == [(hostile, hostile)]
        assert store.rows("SELECT username, name FROM initiators") == [(hostile, hostile)]
        assert store.rows("SELECT text FROM prompts") == [(hostile,)]
        assert store.rows("SELECT tool, model FROM tool_calls") == [(hostile, hostile)]


def test_a_person_who_changed_names_keeps_the_key(tmp_path: Path) -> None:
    book = _book(3)
    with fresh(tmp_path) as store:
        put(store, book.tables(), book.calls)
        before = store.rows("SELECT initiator, id FROM initiators ORDER BY id")
        renamed = pa.table(
            {"id": [book.owner.id] * 2, "username": ["new", "x"], "name": ["N", "x"]}
        )
        with store.write() as batch:
            keys = people.initiators(batch, renamed)
        assert store.rows("SELECT initiator, id FROM initiators ORDER BY id") == before
        assert store.rows("SELECT initiator, name FROM initiators WHERE username = 'new'") == [
            (keys[book.owner.id], "N")
        ]


@pytest.mark.parametrize("grain", ["action", "thread"])
def test_a_session_that_holds_a_row_as_an_aggregate_is_read_again(
    tmp_path: Path, grain: str
) -> None:
    book = Book()
    row = book.call(0, lasts=5)
    session = (
        "INSERT INTO sessions BY NAME SELECT ? AS session, ? AS id, 1 AS initiator,"
        " [] AS providers, [] AS models, ?::TIMESTAMP AS started_at, 0 AS input_sum,"
        " 0 AS output_sum, 0 AS cache_read_sum, 0 AS cache_write_sum,"
        " ?::TIMESTAMP AS listed_at, 1 AS digest, 1 AS detailed_digest"
    )
    with fresh(tmp_path) as store:
        other = book.call(0)
        put(store, book.tables(), [row, other])
        with store.write() as batch:
            for key in (1, 2):
                batch.execute(session, [key, f"s{key}", naive(at(0)), naive(at(0))])
            held = "grain = ?, session = 1, started_at = started_at + INTERVAL 3 MINUTE"
            batch.execute(f"UPDATE usage SET {held} WHERE id = ?", [grain, row.id])
        put(store, book.tables(), [other], edition=1)
        asked = "SELECT session, detailed_digest FROM sessions ORDER BY session"
        assert store.rows(asked) == [(1, 1), (2, 1)]
        assert put(store, book.tables(), [row]) == Written(1, 0)
        assert store.rows(asked) == [(1, None), (2, 1)]


def test_digests_are_those_of_the_half_open_window(tmp_path: Path) -> None:
    book = _book()
    own = [digest(f"{id_} 0") for id_ in CALLS]
    with fresh(tmp_path) as store:
        put(store, book.tables(), book.calls)
        assert interceptions.digests(store, None, None) == frozenset(own)
        assert interceptions.digests(store, at(2), at(5)) == frozenset(own[2:5])
        assert interceptions.digests(store, at(7), None) == frozenset(own[7:])
        tick = timedelta(microseconds=1)
        assert interceptions.digests(store, None, at(2) + tick) == frozenset(own[:3])
        with store.snapshot() as reader:
            assert interceptions.digests(reader, at(20), None) == frozenset()


@tried(12)
@given(
    order=st.permutations(range(9)),
    cuts=st.lists(st.integers(1, 8), max_size=4, unique=True),
    again=st.lists(st.integers(0, 8), max_size=5, unique=True),
)
def test_any_batches_in_any_order_are_one_batch(
    order: list[int], cuts: list[int], again: list[int]
) -> None:
    book = _book()
    edges = [0, *sorted(cuts), 9]
    parts = [order[start:end] for start, end in pairwise(edges)]
    with TemporaryDirectory() as folder, fresh(Path(folder)) as store:
        for part in (*parts, again):
            put(store, book.tables(), [book.calls[place] for place in part])
        found = _everything(store)
    assert found == _at_once(book.calls)


def _at_once(rows: list[InterceptionRow]) -> dict[str, list[tuple[Any, ...]]]:
    with TemporaryDirectory() as folder, fresh(Path(folder)) as store:
        put(store, _book().tables(), rows)
        return _everything(store)


def test_a_batch_whose_rows_are_in_another_order_than_their_numbers_is_put_right(
    tmp_path: Path,
) -> None:
    book = _book()
    rows = told(book.tables(), book.calls)
    turned = pa.compute.sort_indices(rows.usage["row"], sort_keys=[("", "descending")])
    mixed = interceptions.UsageTables(
        rows.usage.take(turned), rows.responses, rows.tool_calls, rows.prompts, rows.tool_inputs
    )
    with fresh(tmp_path) as store:
        with store.write() as batch:
            interceptions.put(batch, mixed)
        assert _everything(store) == _at_once(book.calls)
