"""Who may see groups only learns nothing of fewer people than a group has, whatever they ask."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import random_companies
import row_access_worlds as worlds
from costly_laws import tried
from demo_worlds import small
from facts import Row, facts
from hypothesis import given
from hypothesis import strategies as st
from random_companies import BEGAN, OVER, SYNCED, Crowd, crowd
from slow_cases import one_fast

from bridgeboard.access import RowAccess
from bridgeboard.analysis.coverage import coverage
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS, UNKNOWN
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.adoption import active_people_windows, cohorts, presence
from bridgeboard.queries.metric_query import Query, first_seen, select, select_top, values
from bridgeboard.store import Store
from bridgeboard.store.group_sums import KINDS, TEAMS, TIMES, TOOLS, live
from bridgeboard.store.k_anonymity import OTHER, RULES, folded

FLOORS = (2, 3, 4, 5, 6)
WHOLE = Scope(BEGAN, OVER)
ALL = Scope(small().start.replace(hour=0, minute=0, second=0), small().end)
"""Whole days: what readers of groups see of a day is there at its noon."""
TEXTS = ("prompts", "tool_inputs", "thinking", "last_prompts", "vocabulary", "threads", "responses")
OF_CALLS = ("tool_calls", "injected_calls", "tool_errors")
ADDED = [name for name, one in METRICS.items() if one.additive]


def found(
    path: Path, told: Crowd, floor: int, seed: int, rules: frozenset[str] = RULES
) -> set[int]:
    """Every sum that can be had of a company."""
    with told.store(path) as opened:
        opened._limited.blocks.rules = rules
        with opened.snapshot(RowAccess.of_groups(floor)) as seen:
            return random_companies.sums(seen, seed)


@tried(12)
@given(st.integers(0, 10**6), st.sampled_from(FLOORS))
def test_no_combination_of_answers_tells_of_fewer_people(
    tmp_path_factory: pytest.TempPathFactory, seed: int, floor: int
) -> None:
    told = crowd(seed)
    path = tmp_path_factory.mktemp("crowd") / "store.duckdb"
    sums = found(path, told, floor, seed)
    assert random_companies.exposed(sums, told.owners, floor) == []
    for one in sums:
        assert len(people(one, told)) >= floor
        for other in sums:
            # What combinations of all of them cannot tell, two cannot; but two are easily read.
            beyond = people(one & ~other, told)
            assert not (one & other == other and 0 < len(beyond) < floor), (one, other)


def people(requests: int, told: Crowd) -> set[int]:
    return {owner for number, owner in enumerate(told.owners) if requests >> number & 1}


@pytest.mark.parametrize("rule", one_fast(["blocks", "classes", "rest", "labels"], fast="classes"))
def test_every_rule_is_needed(tmp_path: Path, rule: str) -> None:
    floor = 3
    for seed in range(12):
        told = crowd(seed)
        sums = found(tmp_path / f"{seed}.duckdb", told, floor, seed, RULES - {rule})
        if random_companies.exposed(sums, told.owners, floor):
            return
    pytest.fail(f"Without {rule!r} nobody was exposed: nothing proves that it is kept.")


@pytest.mark.parametrize("floor", FLOORS)
@pytest.mark.parametrize("seed", one_fast(range(4)))
def test_every_tool_that_is_told_was_called_by_enough_people(
    tmp_path: Path, seed: int, floor: int
) -> None:
    query = select(("active_people", "tool_calls"), ("day", "tool", "server"), WHOLE)
    with (
        crowd(seed).store(tmp_path / "store.duckdb") as held,
        held.snapshot(RowAccess.of_groups(floor)) as seen,
    ):
        told = seen.rows(*query)
    assert all(people >= floor for *_, people, _ in told)
    assert floor > 2 or {tool for _, tool, *_ in told} - {OTHER}


def test_people_are_exposed_by_what_two_answers_leave() -> None:
    """What the proofs above rest on: of requests of 1, 1, 2 and 3."""
    owners = (1, 1, 2, 3)
    assert random_companies.exposed({0b1111, 0b0011}, owners, 2) == [(1,)]
    assert random_companies.exposed({0b1111, 0b0111}, owners, 2) == [(3,)]
    assert random_companies.exposed({0b1111, 0b0111, 0b1100}, owners, 2) == [(1,), (2,), (3,)]
    assert random_companies.exposed({0b1111}, owners, 3) == []
    assert random_companies.exposed({0b1111}, owners, 4) == [(1, 2, 3)]
    # No two of these differ by one person, but three together do.
    assert random_companies.exposed({0b0110, 0b1100, 0b1010}, (1, 2, 3, 4), 2) == [(2,), (3,), (4,)]


@tried(60)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_teams_and_classes_tell_no_more_together_than_by_themselves(seed: int, floor: int) -> None:
    dice = np.random.default_rng(seed)
    size = int(dice.integers(floor, 9))
    teams = np.unique(dice.integers(0, 4, size), return_inverse=True)[1]
    uses = dice.random((size, 4)) < dice.uniform(0.2, 0.9)
    uses[:, 0] |= ~uses.any(axis=1)
    kept = uses.sum(axis=0) >= floor
    uses[:, 0] |= (uses & ~kept).any(axis=1)
    uses[:, 1:] &= kept[1:]
    person, kind = np.nonzero(uses)
    if not kept[0] and uses[:, 0].sum() < floor:
        return
    is_rest = folded(person, np.unique(kind, return_inverse=True)[1], teams, floor)
    labels = np.where(is_rest, 9, np.arange(is_rest.size))[teams]
    sums = {sum(1 << n for n, each in enumerate(kind) if each == one) for one in set(kind)}
    sums |= {
        sum(1 << n for n, each in enumerate(labels[person]) if each == one) for one in set(labels)
    }
    owners = [int(each) for each in person]
    assert random_companies.exposed(sums, owners, floor) == []


def test_a_team_that_shares_enough_with_others_keeps_its_name() -> None:
    """Two teams of three who all use the same; and one of two, whose class nobody else uses."""
    person, kind = np.array([0, 1, 2, 3, 4, 5, 6, 7]), np.array([0, 0, 0, 0, 0, 0, 0, 0])
    teams = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    assert folded(person, kind, teams, 2).tolist() == [False, False, False]
    assert folded(person, kind, teams, 3).tolist() == [True, False, True]


Stores = Callable[[int], Store]


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """A store for each floor: what was summed for groups of one size is not summed for another."""
    folder = tmp_path_factory.mktemp("groups")
    worlds.filled(folder / "whole.duckdb").close()
    with ExitStack() as stack:

        @cache
        def opened(floor: int) -> Store:
            path = Path(shutil.copy(folder / "whole.duckdb", folder / f"{floor}.duckdb"))
            return stack.enter_context(Store.open(path, threads=1))

        yield opened


def told_by(rows: list[Row], floor: int) -> list[Row]:
    """The rows of days that settled, up to the last with as many people since the block began."""
    settled = (worlds.NOW - timedelta(days=1)).date()
    over = [row for row in rows if row["started_at"].date() < settled]
    kept: list[Row] = []
    waiting: list[Row] = []
    for day in sorted({row["started_at"].date() for row in over}):
        waiting += [row for row in over if row["started_at"].date() == day]
        if len({row["initiator_id"] for row in waiting}) >= floor:
            kept, waiting = kept + waiting, []
    return kept


@pytest.mark.parametrize("floor", FLOORS)
def test_totals_are_those_of_all_whole_days(stores: Stores, floor: int) -> None:
    usage, calls = told_by(facts().usage, floor), told_by(facts().calls, floor)
    names = ("requests", "input_tokens", "prompts", "active_people", "tool_calls", "tool_errors")
    with stores(floor).snapshot(RowAccess.of_groups(floor)) as seen:
        told = worlds.answer(seen, select(names, (), ALL)).only
    assert told["requests"] == sum(row["requests"] for row in usage) > 1000
    assert told["input_tokens"] == sum(row["input"] for row in usage)
    assert told["prompts"] == sum(row["prompts"] for row in usage)
    assert told["active_people"] == len({row["initiator_id"] for row in usage})
    assert told["tool_calls"] == len(calls)
    assert told["tool_errors"] == sum(bool(row["failed"]) for row in calls)


@pytest.mark.parametrize("dimension", [n for n in DIMENSIONS if n != "initiator"])
def test_parts_add_up_to_the_whole(stores: Stores, dimension: str) -> None:
    with stores(3).snapshot(RowAccess.of_groups(3)) as seen:
        wholes = worlds.answer(seen, select(tuple(ADDED), (), ALL)).only
        for name in ADDED:
            if METRICS[name].adds_up(DIMENSIONS[dimension]):
                told = worlds.answer(seen, select((name,), (dimension,), ALL))
                whole = wholes[name]
                about_calls = dimension in ("tool", "server")
                # Rows that count calls are in no split of requests; summed_rows counts both kinds.
                is_split = about_calls == (name in OF_CALLS) and name != "summed_rows"
                if DIMENSIONS[dimension].time or is_split:
                    assert sum(row[1] or 0 for row in told.rows) == (whole or 0), name


@pytest.mark.parametrize("dimension", ["team", "client", "model", "status"])
def test_tool_calls_are_known_in_all_and_unknown_of_what_requests_are_split_by(
    stores: Stores, dimension: str
) -> None:
    names = ("requests", *OF_CALLS)
    with stores(3).snapshot(RowAccess.of_groups(3)) as seen:
        (whole,) = worlds.answer(seen, select(names, (), ALL)).rows
        told = worlds.answer(seen, select(names, (dimension,), ALL)).rows
        value = told[0][0]
        one = replace(ALL, include=((dimension, (value,)),))
        (part,) = worlds.answer(seen, select(names, (), one)).rows
    assert all(whole[1:])
    assert [row[2:] for row in told] == [(None,) * len(OF_CALLS)] * len(told)
    assert sum(row[1] for row in told) == whole[0]
    assert len(told) > 1
    assert part == told[0][1:]


def test_large_groups_keep_their_names_and_small_ones_do_not(stores: Stores) -> None:
    whole = {row["model"] or UNKNOWN for row in facts().usage}
    with stores(2).snapshot(RowAccess.of_groups(2)) as seen:
        models = set(worlds.answer(seen, values("model", ALL)).column("model"))
        tools = set(worlds.answer(seen, values("tool", ALL)).column("tool"))
        teams = set(worlds.answer(seen, values("team", ALL)).column("team"))
    assert len(models - {OTHER}) > 1
    assert models <= whole | {OTHER}
    assert tools - {OTHER}
    assert len(teams) > 1


def test_two_dimensions_of_one_kind_are_told_together_and_others_are_not(stores: Stores) -> None:
    with stores(2).snapshot(RowAccess.of_groups(2)) as seen:
        both = worlds.answer(seen, select(("requests",), ("model", "client"), ALL))
        mixed = worlds.answer(seen, select(("requests",), ("team", "model"), ALL))
        calls = worlds.answer(seen, select(("tool_calls",), ("tool", "client"), ALL))
    assert len({row[:2] for row in both.rows if OTHER not in row}) > 1
    assert {row[0] for row in mixed.rows if row[2]} == {OTHER}
    assert {row[:2] for row in calls.rows} == {(OTHER, OTHER)}


@pytest.mark.parametrize("floor", one_fast(FLOORS))
def test_every_question_is_answered_and_none_tells_of_anybody(stores: Stores, floor: int) -> None:
    people = {row["person"] for row in facts().usage}
    people |= {str(row["initiator_id"]) for row in facts().usage}
    with stores(floor).snapshot(RowAccess.of_groups(floor)) as seen:
        told = dict(worlds.asked(seen, ALL, worlds.NOW))
        for table in TEXTS:
            assert seen.rows(f"FROM {table}") == []
    assert len(told) > 100
    words = repr(told)
    assert not [one for one in people if f"'{one}'" in words]
    for name in ("sessions", "requests", "owners", "cohorts", "cohort people"):
        assert told[name].rows == (), name
    assert told["count"].only == {"sessions": 0}
    assert set(told["presence"].only.values()) == {0}
    assert told["numbers by initiator"].rows == ()


def test_it_is_known_since_when_there_is_anything(stores: Stores) -> None:
    with stores(2).snapshot(RowAccess.of_groups(2)) as seen:
        told = coverage(seen)
    assert told.first_at is not None
    assert abs(told.first_at - min(row["started_at"] for row in facts().usage)) < timedelta(days=1)
    assert told.is_whole


def of_two(held: Store, query: Query) -> Answer:
    """What a reader is answered who may see groups of two."""
    with held.snapshot(RowAccess.of_groups(2)) as seen:
        return worlds.answer(seen, query)


def everything(held: Store) -> list[Any]:
    with held.snapshot(RowAccess.of_groups(2)) as seen:
        return [seen.rows(*query) for query in random_companies.questions(seen, 1)]


def sync(number: int, *, days: int) -> dict[str, Any]:
    """Another sync, so many days after the first."""
    return {**SYNCED, "run": number, "began_at": SYNCED["began_at"] + timedelta(days=days)}


@pytest.mark.slow
def test_what_arrives_late_changes_nothing_that_was_shown(tmp_path: Path) -> None:
    told = crowd(5)
    with told.store(tmp_path / "store.duckdb") as held:
        before = everything(held)
        assert of_two(held, select(("requests",), (), WHOLE)).only["requests"]
        late = [_moved(row, BEGAN) for row in told.rows["usage"][:1]]
        random_companies.put(held, {"usage": late, "runs": [sync(2, days=9)]})
        assert everything(held) == before


def test_a_day_settles_a_day_after_its_end(tmp_path: Path) -> None:
    told = crowd(5)
    with told.store(tmp_path / "store.duckdb") as held:
        random_companies.put(held, {"usage": [_moved(row, OVER) for row in told.rows["usage"]]})
        later = select(("requests",), (), Scope(OVER, OVER + timedelta(days=1)))
        assert of_two(held, later).only["requests"] == 0
        random_companies.put(held, {"runs": [sync(2, days=1)]})
        assert of_two(held, later).only["requests"] == len(told.rows["usage"])


def test_while_new_blocks_are_written_those_before_are_shown(tmp_path: Path) -> None:
    told = crowd(5)
    with told.store(tmp_path / "store.duckdb") as held:
        later = select(("requests",), (), Scope(OVER, OVER + timedelta(days=1)))
        everything(held)
        next_day = [_moved(row, OVER) for row in told.rows["usage"]]
        random_companies.put(held, {"usage": next_day, "runs": [sync(2, days=1)]})
        with held._limited.blocks.writing:
            assert of_two(held, later).only["requests"] == 0
        assert of_two(held, later).only["requests"] == len(next_day)


def test_a_day_waits_for_the_details_of_its_sessions_but_not_for_ever(tmp_path: Path) -> None:
    told = crowd(5)
    waiting = [{**row, "detailed_digest": None} for row in told.rows["sessions"]]
    rows = {**told.rows, "sessions": waiting}
    first = min(row["started_at"] for row in waiting).date()
    with Crowd(rows, told.owners).store(tmp_path / "store.duckdb") as held:
        days = of_two(held, select(("requests",), ("day",), WHOLE)).column("day")
        assert all(day < first for day in days)
        random_companies.put(held, {"runs": [sync(2, days=9)]})
        assert of_two(held, select(("requests",), ("day",), WHOLE)).column("day")[-1] >= first


def test_how_long_single_requests_took_is_not_told(stores: Stores) -> None:
    told = of_two(stores(2), select(("duration_p50", "duration_p95"), ("model",), ALL))
    assert {row[1:] for row in told.rows} == {(None, None)}


def test_a_day_that_has_not_settled_is_shown_without_the_rule(tmp_path: Path) -> None:
    told = crowd(5)
    for rules, grows in ((RULES, False), (RULES - {"running"}, True)):
        rows = told.rows["usage"] + [_moved(row, OVER) for row in told.rows["usage"]]
        both = Crowd({**told.rows, "usage": rows}, told.owners)
        with both.store(tmp_path / f"{grows}.duckdb") as held:
            held._limited.blocks.rules = rules
            with held.snapshot(RowAccess.of_groups(2)) as seen:
                later = Scope(OVER, OVER + timedelta(days=1))
                requests = worlds.answer(seen, select(("requests",), (), later)).only["requests"]
        assert (requests > 0) is grows


def _moved(row: dict[str, Any], day: datetime) -> dict[str, Any]:
    """The same at noon of another day, as another request."""
    at = day.replace(hour=12, tzinfo=None)
    return {**row, "usage": row["usage"] + 1000, "started_at": at, "ended_at": at, "input": 1}


def test_nothing_is_told_before_all_has_been_read_once(tmp_path: Path) -> None:
    told = crowd(5)
    rows = {**told.rows, "runs": [{**SYNCED, "outcome": "running"}]}
    with Crowd(rows, told.owners).store(tmp_path / "store.duckdb") as held:
        with held.snapshot(RowAccess.of_groups(2)) as seen:
            assert worlds.answer(seen, select(("requests",), (), WHOLE)).only == {"requests": 0}
        random_companies.put(held, {"runs": [{**SYNCED, "run": 2}]})
        with held.snapshot(RowAccess.of_groups(2)) as seen:
            assert worlds.answer(seen, select(("requests",), (), WHOLE)).only["requests"] > 0


def test_days_without_enough_people_are_told_with_the_next(tmp_path: Path) -> None:
    """Person 1 on the first two days, 1 and 2 on the third, 1 alone on the last."""
    row = crowd(0).rows["usage"][0]
    days = {0: [1], 1: [1], 2: [1, 2], 3: [1]}
    usage = [
        {
            **row,
            "usage": 10 * day + person,
            "initiator": person,
            "started_at": (BEGAN + timedelta(days=day, hours=20)).replace(tzinfo=None),
        }
        for day, those in days.items()
        for person in those
    ]
    with Crowd({"usage": usage, "runs": [SYNCED]}, ()).store(tmp_path / "store.duckdb") as held:
        told = of_two(held, select(("requests", "active_people"), ("day",), WHOLE))
    assert told.rows == ((BEGAN.date(), 4, 2),)


def test_prices_of_what_has_no_name_are_not_told(tmp_path: Path) -> None:
    """Two people whose requests are paid, and one who pays alone."""
    row = {**crowd(0).rows["usage"][0], "status": "priced", "cost": 7, "grain": "interception"}
    own = {"status": "notional", "cost": 0, "shadow_cost": 9}
    usage = [
        {**row, "usage": number, "initiator": number, **(own if number == 5 else {})}
        for number in (1, 2, 3, 4, 5, 6)
    ]
    usage[-1] |= {"status": "unpriced", "cost": None, "priced_tokens": 0}
    with Crowd({"usage": usage, "runs": [SYNCED]}, ()).store(tmp_path / "store.duckdb") as held:
        told = of_two(held, select(("spend", "shadow_cost", "requests"), (), WHOLE))
    assert told.rows == ((28, 0, 6),)


def test_every_dimension_is_decided() -> None:
    assert set(DIMENSIONS) == TIMES | KINDS | TOOLS | TEAMS | {"initiator"}
    assert {name for name, one in DIMENSIONS.items() if one.time} == TIMES
    assert live(None) == "shape"
    assert live(["day", "a dimension of tomorrow"]) == "nobody"
    assert [live([name]) for name in ("initiator", "tool", "model", "team", "hour")] == [
        "nobody",
        "tools",
        "kinds",
        "teams",
        "nothing",
    ]


def test_questions_say_what_they_speak_of() -> None:
    scope = ALL.only("team", "a").without("tool", "b").only("weekday_hour", "1")
    filters = {"team", "tool", "weekday_hour"}
    top = select_top(("requests",), ("day", "model"), scope, rank_by="requests", n=2)
    told = {
        select(("requests",), ("client", "day"), scope): {"client", "day"},
        top: {"model", "day"},
        first_seen("client", scope): {"client"},
        active_people_windows(scope): {"day"},
        presence(scope): {"initiator"},
        cohorts(scope): {"initiator"},
    }
    for query, names in told.items():
        assert set(query.dimensions or ()) == names | filters, query
    assert set(values("model", scope).dimensions or ()) == filters | {"model"}


def test_a_question_that_does_not_say_so_sees_no_row(stores: Stores) -> None:
    with stores(2).snapshot(RowAccess.of_groups(2)) as seen:
        said = select(("requests", "spend"), ("model",), ALL)
        assert [row[1:] for row in seen.rows(said.sql, said.params)] == [(None, None)]
        assert len(seen.rows(*said)) > 1
        assert seen.rows("SELECT count(initiator), sum(input) FROM usage") == [(0, None)]
        assert seen.rows("FROM sessions") == seen.rows("FROM tool_calls") == []
