"""A reader sees what their row access shows: the answers of a store that holds nothing else."""

import ast
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import row_access_worlds as worlds
from costly_laws import tried
from demo_worlds import small
from facts import facts
from hypothesis import given
from hypothesis import strategies as st
from row_access_worlds import World
from slow_cases import one_fast

from bridgeboard.access import EVERYTHING, Pseudonyms, RowAccess
from bridgeboard.access.pseudonyms import aliases
from bridgeboard.analysis import text_search
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import select, select_top
from bridgeboard.store import Store
from bridgeboard.store.row_relations import DECIDED

SOURCE = Path(__file__).parents[1] / "src" / "bridgeboard"
ALL = Scope(small().start, small().end)
KEY = "a key of sixteen or more"
TEXTS = ("prompts", "tool_inputs", "thinking", "last_prompts", "vocabulary")
TEAM = "Elsewhere"
"""A team that one person was in until the middle of what they did."""
laws = tried(40)


def other_names(ids: Any) -> dict[str, str]:
    return aliases(ids, KEY)


HIDDEN = Pseudonyms("digest of the key", other_names)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with worlds.filled(tmp_path_factory.mktemp("whole") / "store.duckdb") as opened:
        yield opened


@pytest.fixture(scope="module")
def world(whole: Store) -> World:
    return World.of(whole)


@cache
def teams() -> tuple[str, ...]:
    return tuple(sorted({row["team"] for row in facts().usage if row["team"]}))


@cache
def person() -> str:
    """Who moved from one team to another."""
    return next(row["person"] for row in facts().usage if row["team"] == TEAM)


ROW_ACCESS = {
    "everything": EVERYTHING,
    "numbers": RowAccess.numbers(),
    "team": RowAccess.of_teams(TEAM),
    "teams": RowAccess.of_teams(*teams()[:2]),
    "no team": RowAccess.of_teams(),
    "person": RowAccess.of_person(person().upper()),
    "nobody": RowAccess.of_person("nobody' OR TRUE --"),
}


def restricted(name: str, world: World) -> World:
    """The rows that a row access of ``ROW_ACCESS`` shows, counted by hand."""
    chosen = {
        "everything": lambda: world,
        "numbers": world.without_text,
        "team": lambda: world.of_teams(TEAM).without_text(),
        "teams": lambda: world.of_teams(*teams()[:2]).without_text(),
        "no team": lambda: world.of_teams().without_text(),
        "person": lambda: world.of_person(person()),
        "nobody": lambda: world.of_person("nobody"),
    }
    return chosen[name]()


@pytest.fixture(scope="module")
def pairs(
    whole: Store, world: World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Store, RowAccess, Store]]]:
    """Per row access the whole store, and one that holds nothing but what is seen."""
    with ExitStack() as stack:
        made = {}
        for name, row_access in ROW_ACCESS.items():
            path = tmp_path_factory.mktemp("restricted") / "store.duckdb"
            narrow = stack.enter_context(restricted(name, world).stored(path, whole))
            made[name] = (whole, row_access, narrow)
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("name", one_fast(ROW_ACCESS, fast="team"))
def test_every_question_is_answered_as_if_there_were_nothing_else(
    pairs: dict[str, tuple[Store, RowAccess, Store]], name: str
) -> None:
    whole, row_access, narrow = pairs[name]
    with whole.snapshot(row_access) as seen, narrow.snapshot() as own:
        told = dict(worlds.asked(seen, ALL, worlds.NOW))
        expected = dict(worlds.asked(own, ALL, worlds.NOW))
    assert told.keys() == expected.keys()
    for question, answer in expected.items():
        assert told[question] == answer, question


@pytest.mark.parametrize("name", ROW_ACCESS)
def test_every_table_holds_the_rows_that_are_seen(
    pairs: dict[str, tuple[Store, RowAccess, Store]], name: str
) -> None:
    whole, row_access, narrow = pairs[name]
    with whole.snapshot(row_access) as seen, narrow.snapshot() as own:
        for table in own.tables():
            asked = f"FROM {table} ORDER BY ALL"
            assert seen.rows(asked) == own.rows(asked), table


@st.composite
def scopes(draw: st.DrawFn) -> Scope:
    parts = sorted((draw(st.floats(0, 1)), draw(st.floats(0, 1))))
    since, until = (ALL.since + part * (ALL.until - ALL.since) for part in parts)
    scope = Scope(since, until, draw(st.sampled_from(("UTC", "Asia/Kathmandu"))))
    if draw(st.booleans()):
        values = [row["model"] or "Unknown" for row in facts().usage]
        scope = scope.only("model", draw(st.sampled_from(sorted(set(values)))))
    if draw(st.booleans()):
        scope = scope.without("team", draw(st.sampled_from(teams())))
    return scope


@laws
@given(st.sampled_from(sorted(ROW_ACCESS)), scopes(), st.data())
def test_any_number_in_any_scope_is_that_of_who_is_seen(
    pairs: dict[str, tuple[Store, RowAccess, Store]], name: str, scope: Scope, data: st.DataObject
) -> None:
    whole, row_access, narrow = pairs[name]
    number = data.draw(st.sampled_from(sorted(METRICS)))
    splits = [one for one in DIMENSIONS.values() if METRICS[number].splits(one)]
    by = data.draw(st.sampled_from(splits))
    query = select((number,), (by.name,), scope)
    with whole.snapshot(row_access) as seen, narrow.snapshot() as own:
        told = worlds.answer(seen, query)
        assert told == worlds.answer(own, query)
        if METRICS[number].adds_up(by):
            ((total,),) = worlds.answer(seen, select((number,), (), scope)).rows
            assert sum(row[1] or 0 for row in told.rows) == (total or 0)


@pytest.mark.parametrize(
    "name", [name for name in ROW_ACCESS if name not in ("everything", "person")]
)
def test_text_is_not_there(whole: Store, name: str) -> None:
    with whole.snapshot(ROW_ACCESS[name]) as seen:
        assert [seen.rows(f"FROM {table}") for table in TEXTS] == [[]] * len(TEXTS)
        quoting = "SELECT error_message FROM threads UNION ALL SELECT raw || reason FROM quarantine"
        assert {text for (text,) in seen.rows(quoting)} <= {None, ""}


def test_a_thread_that_failed_has_failed_without_the_words_of_it(whole: Store) -> None:
    failed = "SELECT count(*) FROM threads WHERE coalesce(error_type, error_message) IS NOT NULL"
    with whole.snapshot(RowAccess.numbers()) as seen, whole.snapshot() as own:
        assert seen.rows(failed) == own.rows(failed) != [(0,)]


def test_words_of_everybody_are_for_who_sees_all_text(whole: Store) -> None:
    with whole.snapshot() as own, whole.snapshot(RowAccess.of_person(person())) as seen:
        assert text_search.runs_with(own, ["deploy"])
        assert text_search.runs_with(seen, ["deploy"]) is None
        assert seen.rows("FROM prompts") != []


def test_a_user_name_that_several_had_shows_nothing(tmp_path: Path) -> None:
    with worlds.filled(tmp_path / "store.duckdb") as opened:
        with opened.snapshot(RowAccess.of_person(person())) as seen:
            assert seen.rows("SELECT count(*) FROM usage") > [(0,)]
        with opened.write() as batch:
            batch.execute(
                "INSERT INTO initiators VALUES (7, uuid(), ?, 'Another', NULL)", [person().upper()]
            )
        with opened.snapshot(RowAccess.of_person(person())) as seen:
            assert seen.rows("FROM usage") == seen.rows("FROM initiators") == []
            assert seen.rows("FROM prompts") == seen.rows("FROM sessions") == []


def test_every_table_and_column_of_the_schema_is_decided(whole: Store) -> None:
    columns = whole.rows(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        " AND database_name = current_database() AND schema_name = 'main'"
    )
    assert {table for table, _ in columns} == set(DECIDED) == set(worlds.schema())
    for name, decided in DECIDED.items():
        assert decided.columns == {column for table, column in columns if table == name}
        parts = (decided.plain, decided.text, decided.work, decided.key)
        told = " ".join(parts).split()
        assert len(told) == len(set(told)), name


@pytest.mark.parametrize("name", [*(name for name in ROW_ACCESS if name != "everything"), "groups"])
def test_what_a_later_schema_brings_is_hidden_until_it_is_decided(
    tmp_path: Path, name: str
) -> None:
    row_access = ROW_ACCESS.get(name, RowAccess.of_groups(2))
    with worlds.filled(tmp_path / "store.duckdb") as opened:
        with opened.write() as batch:
            batch.execute("CREATE TABLE secrets (told VARCHAR)")
            batch.execute("INSERT INTO secrets VALUES ('told')")
            batch.execute("ALTER TABLE usage ADD COLUMN remark VARCHAR DEFAULT 'told'")
        assert opened.rows("FROM secrets") == [("told",)]
        with opened.snapshot(row_access) as seen:
            assert seen.rows("FROM secrets") == []
            assert seen.rows("SELECT count(remark) FROM usage") == [(0,)]


def test_names_are_others_everywhere_and_always_the_same(whole: Store, world: World) -> None:
    real = {str(row["id"]): row["username"] for row in world.rows["initiators"]}
    known = other_names(real)
    with whole.snapshot(RowAccess(pseudonyms=HIDDEN)) as seen:
        people = seen.rows("SELECT id::VARCHAR, username, name FROM initiators")
        assert {username for _, username, _ in people} == set(known.values())
        assert {name for *_, name in people} == {""}
        assert len({own for own, *_ in people}) == len(real)
        everything = repr([seen.rows(f"FROM {table}") for table in seen.tables()])
    for own, username in real.items():
        assert own not in everything
        assert not re.search(rf"'{re.escape(username)}'", everything)
    assert "key-" not in everything
    assert "sk..." not in everything


@pytest.mark.parametrize("name", ROW_ACCESS)
def test_other_names_change_no_number(whole: Store, world: World, name: str) -> None:
    real = {str(row["id"]): row["username"] for row in world.rows["initiators"]}
    named = {real[own]: alias for own, alias in other_names(real).items()}
    row_access = ROW_ACCESS[name]
    hidden = RowAccess(
        row_access.has_text, row_access.teams, row_access.person, row_access.floor, HIDDEN
    )
    numbers = ("spend", "sessions", "active_people")
    with whole.snapshot(row_access) as plain, whole.snapshot(hidden) as seen:
        for by in ("team", "model"):
            query = select(numbers, (by,), ALL)
            assert worlds.answer(seen, query) == worlds.answer(plain, query)
        query = select(numbers, ("initiator",), ALL)
        told = {row[0]: row[1:] for row in worlds.answer(seen, query).rows}
        expected = {named[row[0]]: row[1:] for row in worlds.answer(plain, query).rows}
        assert told == expected


def test_whoever_comes_later_has_another_name_at_once(tmp_path: Path) -> None:
    row_access = RowAccess(pseudonyms=HIDDEN)
    with worlds.filled(tmp_path / "store.duckdb") as opened:
        with opened.snapshot(row_access) as seen:
            before = set(seen.rows("SELECT id, username FROM initiators"))
        with opened.write() as batch:
            batch.execute(
                "INSERT INTO initiators VALUES (7, uuid(), 'newcomer', 'New Comer', NULL)"
            )
        with opened.snapshot(row_access) as seen:
            after = set(seen.rows("SELECT id, username FROM initiators"))
    assert before < after
    assert len(after - before) == 1
    assert "newcomer" not in repr(after)


def test_a_snapshot_stays_as_it_was_while_the_store_is_written(tmp_path: Path) -> None:
    row_access = RowAccess.of_teams(*teams())
    with worlds.filled(tmp_path / "store.duckdb") as opened:
        with opened.snapshot(row_access) as seen:
            before = seen.rows("FROM usage ORDER BY ALL")
            with opened.write() as batch:
                batch.execute("DELETE FROM memberships")
            assert seen.rows("FROM usage ORDER BY ALL") == before != []
        with opened.snapshot(row_access) as seen:
            assert seen.rows("FROM usage") == []


def test_several_row_accesses_at_once_do_not_mix(whole: Store) -> None:
    count = "SELECT count(*) FROM usage"
    with ExitStack() as stack:
        readers = [
            stack.enter_context(whole.snapshot(one)) for one in ROW_ACCESS.values() for _ in "ab"
        ]
        told = [reader.rows(count) for reader in readers]
    with ExitStack() as stack:
        again = [
            stack.enter_context(whole.snapshot(one)) for one in ROW_ACCESS.values() for _ in "ab"
        ]
        assert [reader.rows(count) for reader in again] == told
    assert told[::2] == told[1::2]


def test_a_question_that_fails_leaves_no_cursor_behind(whole: Store) -> None:
    row_access = RowAccess.of_teams(TEAM)
    with pytest.raises(duckdb.Error), whole.snapshot(row_access) as seen:
        seen.rows("SELECT nonsense FROM usage")
    with whole.snapshot(row_access) as seen:
        assert seen.rows("SELECT count(*) FROM usage") > [(0,)]


def test_a_store_that_is_closed_lets_go_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with worlds.filled(path) as opened, opened.snapshot(RowAccess.numbers()) as seen:
        seen.rows("FROM usage")
    with Store.open(path) as again:
        assert again.rows("SELECT count(*) FROM usage") > [(0,)]


def test_row_accesses_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="only one"):
        RowAccess(teams=("a",), person="b")
    with pytest.raises(ValueError, match="nobody"):
        RowAccess(has_text=True, teams=("a",))
    with pytest.raises(ValueError, match="at least 2"):
        RowAccess.of_groups(1)


def test_a_row_access_is_a_key_of_a_cache() -> None:
    assert RowAccess.of_teams("b", "a", "b") == RowAccess.of_teams("a", "b")
    assert hash(RowAccess.of_teams("b", "a")) == hash(RowAccess.of_teams("a", "b"))
    assert RowAccess(pseudonyms=HIDDEN) == RowAccess(
        pseudonyms=Pseudonyms(HIDDEN.digest, dict.fromkeys)
    )
    assert RowAccess(pseudonyms=HIDDEN) != RowAccess(pseudonyms=Pseudonyms("another", other_names))
    assert len({*ROW_ACCESS.values(), RowAccess(pseudonyms=HIDDEN)}) == len(ROW_ACCESS) + 1


def test_no_question_names_the_schema_that_the_tables_are_in() -> None:
    for room in ("model", "queries", "analysis", "report", "ui"):
        at = SOURCE / room
        for path in sorted(at.rglob("*.py")) if at.is_dir() else [at]:
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    wrong = re.findall(r"\b(?:main|temp|system)\s*\.\s*\w|duckdb_\w+\(", node.value)
                    assert not wrong, f"{path}: {wrong}"


@pytest.mark.parametrize("name", sorted(ROW_ACCESS))
def test_parameters_may_have_names(whole: Store, name: str) -> None:
    sql = "SELECT count(*) FROM usage WHERE tool_calls >= ${} AND input <> ${}"
    with whole.snapshot(ROW_ACCESS[name]) as seen:
        by_place = seen.rows(sql.format(1, 2), [1, 7])
        by_name = seen.rows(sql.format("least", "other"), {"least": 1, "other": 7})
        without = seen.rows("SELECT count(*) FROM usage", {})
    assert by_name == by_place
    assert without[0][0] >= by_name[0][0]


def test_a_top_of_people_is_of_those_who_are_seen(whole: Store) -> None:
    query = select_top(("requests",), ("initiator",), ALL, rank_by="requests", n=1)
    with whole.snapshot(RowAccess.of_teams(TEAM)) as seen:
        assert [row[0] for row in worlds.answer(seen, query).rows] == [person()]
    assert small().end - small().start > timedelta(days=1)
