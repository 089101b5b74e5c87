"""Groups of rows: keys told apart by the word, and sums that are added up after the fact."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from duckdb import DuckDBPyConnection
from facts import Row, facts
from hypothesis import assume, example, given
from hypothesis import strategies as st
from test_queries_metric_query import ALL, TIMES, laws, scopes, value

from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import Query, select, select_top

BIGINTS = st.integers(-(2**63), 2**63 - 1)
NEARBY = st.integers(-130, 130)
EDGES = [-(2**63), 2**63 - 1, -64, -1, 0, 63, 64, None]
CATEGORIES = ("initiator", "team", "provider", "model", "client", "tool", "server")


@contextmanager
def with_sessions(keys: list[int | None]) -> Iterator[DuckDBPyConnection]:
    """The store with these as the keys of sessions, in turn by request; undone afterwards."""
    connection = facts().connection.cursor()
    connection.execute("BEGIN")
    try:
        for table in ("usage", "tool_calls"):
            turn = f"($1::BIGINT[])[usage % {len(keys)} + 1]"
            connection.execute(f"UPDATE {table} SET session = {turn}", [keys])
        connection.execute("DELETE FROM sessions")
        yield connection
    finally:
        connection.execute("ROLLBACK")


def told(connection: DuckDBPyConnection, query: Query) -> dict[tuple[Any, ...], Any]:
    """What a query of one number answers."""
    rows = connection.execute(query.sql, list(query.params)).fetchall()
    return {row[:-1]: row[-1] for row in rows}


def different(
    rows: list[Row], names: tuple[str, ...], keys: list[int | None]
) -> dict[tuple[object, ...], int]:
    """How many keys the rows of each group have, counted by hand."""
    found: dict[tuple[object, ...], set[int | None]] = {}
    for row in rows:
        group = tuple(value(name, row) for name in names)
        found.setdefault(group, set()).add(keys[row["usage"] % len(keys)])
    return {group: len(own - {None}) for group, own in found.items()}


@laws
@given(st.lists(st.one_of(BIGINTS, NEARBY, st.none()), min_size=1, max_size=300))
@example(EDGES)
@example([*range(-130, 131)])
@example([None])
def test_any_keys_of_sessions_are_told_apart_in_any_groups(keys: list[int | None]) -> None:
    with with_sessions(keys) as connection:
        for names in ((), ("model",), ("client", "initiator")):
            answer = told(connection, select(["sessions"], names, ALL))
            assert answer == different(facts().usage, names, keys)
        for names in (("tool",), ("server", "tool")):
            answer = told(connection, select(["sessions"], names, ALL))
            assert answer == different(facts().calls, names, keys)


def test_a_group_without_any_session_has_none_and_is_there_all_the_same() -> None:
    with with_sessions([None]) as connection:
        answer = told(connection, select(["sessions"], ["tool"], ALL))
        spend = told(connection, select(["cost_per_session"], ["model"], ALL))
    assert set(answer) == {(value("tool", row),) for row in facts().calls}
    assert set(answer.values()) == {0}
    assert set(spend) == {(value("model", row),) for row in facts().usage}
    assert set(spend.values()) == {None}


def test_spend_per_session_is_over_sessions_with_a_known_price_in_each_group() -> None:
    keys = [7, -64, None, 2**62]
    spend: dict[tuple[object, ...], int] = {}
    for row in facts().usage:
        if keys[row["usage"] % 4] is not None:
            group = (value("client", row), value("status", row))
            spend[group] = spend.get(group, 0) + (row["cost"] or 0)
    priced = [row for row in facts().usage if row["cost"] is not None]
    counts = different(priced, ("client", "status"), keys)
    with with_sessions(keys) as connection:
        answer = told(connection, select(["cost_per_session"], ["client", "status"], ALL))
    known = {group: each for group, each in answer.items() if each is not None}
    assert known == {group: spend[group] // count for group, count in counts.items() if count}


@pytest.mark.parametrize("dimensions", [[], ["model"], ["day", "team"], ["tool"], ["hour"]])
@pytest.mark.parametrize("scope", [ALL, ALL.only("tool", "Bash", "shell"), Scope(*[ALL.since] * 2)])
def test_all_numbers_together_are_those_that_each_has_alone(
    dimensions: list[str], scope: Scope
) -> None:
    names = [
        name
        for name, metric in METRICS.items()
        if all(metric.splits(DIMENSIONS[each]) for each in dimensions)
    ]
    together = facts().rows(select(names, dimensions, scope))
    size = len(dimensions)
    keys = {row[:size] for row in together}
    assert len(keys) == len(together)
    for place, name in enumerate(names, size):
        alone = {row[:size]: row[size] for row in facts().rows(select([name], dimensions, scope))}
        assert set(alone) <= keys
        assert {row[:size]: row[place] for row in together} == pytest.approx(
            {key: alone.get(key, METRICS[name].empty) for key in keys}
        )


def numbers(rows: list[tuple[Any, ...]], size: int) -> dict[tuple[object, ...], object]:
    """Each number of some rows by the keys of its row, of which there are so many, and place."""
    return {(*row[:size], place): number for row in rows for place, number in enumerate(row[size:])}


@laws
@given(
    scopes(),
    st.tuples(st.sampled_from(TIMES), st.sampled_from(CATEGORIES)),
    st.lists(st.sampled_from(sorted(METRICS)), min_size=1, max_size=3, unique=True),
    st.sampled_from(sorted(METRICS)),
    st.integers(0, 4),
)
def test_the_top_over_time_and_its_rest_are_what_each_is_when_asked_alone(
    scope: Scope, dimensions: tuple[str, str], names: list[str], rank_by: str, n: int
) -> None:
    grain, category = dimensions
    assume(all(METRICS[name].splits(DIMENSIONS[category]) for name in (*names, rank_by)))
    # Sessions are known by their requests that pass, or by the list of them: not a matter of here.
    scope = scope.free(category).only("accuracy", "exact", "aggregate")
    rows = facts().rows(select_top(names, dimensions, scope, rank_by=rank_by, n=n))
    every = facts().rows(select(names, dimensions, scope))
    best = {row[1] for row in rows if not row[-2]}
    assert numbers([row[:-2] for row in rows if not row[-2]], 2) == pytest.approx(
        numbers([row for row in every if row[1] in best], 2)
    )
    ranks = dict(facts().rows(select([rank_by], [category], scope)))
    assert {row[-1] for row in rows} <= {len(ranks)}
    others = {row[1] for row in every} - best
    anew = facts().rows(select(names, [grain], scope.only(category, *others))) if others else []
    assert numbers([(row[0], *row[2:-2]) for row in rows if row[-2]], 1) == pytest.approx(
        numbers(anew, 1)
    )


def test_a_session_that_used_several_of_the_rest_is_one_session_of_the_rest() -> None:
    apart = facts().rows(select(["sessions"], ["model"], ALL))
    query = select_top(["sessions"], ["model"], ALL, rank_by="requests", n=0)
    ((name, count, is_rest, _),) = facts().rows(query)
    assert sum(row[1] for row in apart) > len(facts().sessions)
    assert (name, count, is_rest) == ("Other", len(facts().sessions), True)


RATES = ("spend", "tool_calls", "cost_per_request", "cache_hit_rate", "unpriced_tokens")


@pytest.mark.parametrize("category", ["initiator", "team", "client", "status"])
@pytest.mark.parametrize("rank_by", ["requests", "shadow_cost", "priced_rate"])
def test_the_top_of_what_adds_up_is_ranked_over_the_whole_scope(
    category: str, rank_by: str
) -> None:
    ranks = facts().rows(select([rank_by], [category], ALL))
    rows = facts().rows(select_top(RATES, ["week", category], ALL, rank_by=rank_by, n=2))
    best = {row[1] for row in rows if not row[-2]}
    known = [rank for _, rank in ranks if rank is not None]
    assert len(best) == 2
    assert sorted(rank for key, rank in ranks if key in best) == sorted(known)[-2:]
