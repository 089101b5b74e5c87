"""What must be equal is equal in a store that is right, and is not where a row is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import demo_sync
import demo_worlds
import pytest
import truth
from hypothesis import given
from hypothesis import strategies as st
from stores import KINDS, fresh
from test_queries_metric_query import ALL, laws, scopes

from bridgeboard.analysis import invariants
from bridgeboard.analysis.invariants import Invariant
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.store import Batch, Store, people
from bridgeboard.teams import Membership

WORLD = demo_worlds.small()
ROWS = truth.finished(WORLD.tables)
TABLES = ("Tokens", "Cost in pico-USD", "Responses", "Tool calls", "Requests")
EVERY = {*TABLES}


class UndoneError(Exception):
    """Raised to take back what was tampered with."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small company with all its details and teams, as a sync leaves it."""
    with demo_sync.whole(tmp_path_factory.mktemp("filled")) as opened:
        members = [
            Membership(name, team) for team, names in WORLD.teams.items() for name in names[1:]
        ]
        people.put_memberships(opened, members)
        yield opened


@contextmanager
def tampered(held: Store, *statements: str) -> Iterator[Batch]:
    """A store in which something was changed by hand; undone afterwards."""
    with suppress(UndoneError), held.write() as batch:
        for statement in statements:
            batch.execute(statement)
        yield batch
        raise UndoneError


def checked(held: Store, scope: Scope) -> list[Invariant]:
    with held.snapshot() as reader:
        return invariants.check(reader, scope)


def of_tables(told: list[Invariant]) -> list[Invariant]:
    return told[-len(TABLES) :]


def broken(told: list[Invariant]) -> set[str]:
    return {one.what for one in told if not one.holds}


@laws
@given(scopes())
def test_every_invariant_holds_in_any_scope(filled: Store, scope: Scope) -> None:
    told = checked(filled, scope)
    assert [one for one in told if not one.holds] == []


def test_all_invariants_are_there_in_whatever_scope(filled: Store) -> None:
    whole = checked(filled, ALL)
    parts = [
        (METRICS[name].label, f"sum by {DIMENSIONS[split].label.lower()}")
        for split in invariants.SPLITS
        for name in invariants.NUMBERS
        if METRICS[name].adds_up(DIMENSIONS[split])
    ]
    lists = [
        (METRICS[name].label, "sessions listed, and usage in no session")
        for name in invariants.NUMBERS[:-1]
    ]
    lists.append(("Sessions", "rows of the list"))
    assert [(one.what, one.left_is) for one in whole[1:-5]] == parts + lists
    assert (whole[0].what, whole[0].left_is) == ("Tokens", "input + output + cache")
    assert tuple(one.what for one in of_tables(whole)) == TABLES
    for scope in (Scope(ALL.since, ALL.since), ALL.only("tool", "Bash"), ALL.without("team", "a")):
        told = checked(filled, scope)
        assert [replace(one, left=0, right=0) for one in told] == [
            replace(one, left=0, right=0) for one in whole
        ]


def test_the_numbers_are_those_of_the_world(filled: Store) -> None:
    tables = WORLD.tables
    merged = truth.responses(tables, ROWS)
    # Counts below zero are taken as zero (docs/costs.md).
    tokens = sum(max(0, getattr(counts, kind)) for counts in merged.values() for kind in KINDS)
    told = {(one.what, one.left_is): one for one in checked(filled, ALL)}
    expected = {
        ("Tokens", "input + output + cache"): tokens,
        ("Tokens", "requests"): tokens,
        ("Tool calls", "requests"): len(truth.tool_calls(tables, ROWS)),
        ("Responses", "requests"): len(merged),
        ("Requests", "all of them"): len(ROWS),
        ("Requests", "sum by team"): len(ROWS),
        ("Prompts", "sum by person"): len(truth.prompts(tables, ROWS)),
        ("Sessions", "rows of the list"): len(truth.sessions(ROWS)),
    }
    assert {key: told[key].left for key in expected} == expected
    assert {key: told[key].right for key in expected} == expected
    assert told["Cost in pico-USD", "requests"].left == told["Spend", "sum by model"].right > 0


def test_money_is_shown_as_money_and_all_else_as_counts(filled: Store) -> None:
    told = checked(filled, ALL)
    assert {one.what for one in told if one.kind == "money"} == {"Spend"}
    assert {one.kind for one in told} == {"money", "count"}


def test_the_tables_are_compared_whatever_the_filters(filled: Store) -> None:
    scope = ALL.only("client", "Zed").without("tool", "Bash")
    whole, narrow = checked(filled, ALL), checked(filled, scope)
    assert of_tables(narrow) == of_tables(whole)
    assert narrow[: -len(TABLES)] != whole[: -len(TABLES)]


@laws
@given(scopes(), st.sampled_from(("Asia/Kathmandu", "America/New_York")))
def test_tables_agree_over_a_window_that_is_half_open_in_any_zone(
    filled: Store, scope: Scope, zone: str
) -> None:
    since, until = (at.astimezone(ZoneInfo(zone)) for at in (scope.since, scope.until))
    with filled.snapshot() as reader:
        pairs = {pair.what: pair for pair in invariants.tables(reader, since, until)}
    rows = truth.finished(WORLD.tables, since=since, until=until)
    assert pairs["Requests"].left == pairs["Requests"].right == len(rows)
    calls = len(truth.tool_calls(WORLD.tables, rows))
    assert pairs["Tool calls"].left == pairs["Tool calls"].right == calls


RICH = """
    (SELECT min(usage) FROM usage
     WHERE cost > 0 AND responses > 0 AND tool_calls > 0 AND input + output > 0)"""
ONE_RESPONSE = f"rowid = (SELECT min(rowid) FROM responses WHERE cost > 0 AND usage = {RICH})"
ONE_CALL = f"rowid = (SELECT min(rowid) FROM tool_calls WHERE usage = {RICH})"


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        (
            f"DELETE FROM responses WHERE {ONE_RESPONSE}",
            {"Tokens", "Cost in pico-USD", "Responses"},
        ),
        (
            f"INSERT INTO responses SELECT * FROM responses WHERE {ONE_RESPONSE}",
            {"Tokens", "Cost in pico-USD", "Responses"},
        ),
        (f"UPDATE responses SET cost = cost + 1 WHERE {ONE_RESPONSE}", {"Cost in pico-USD"}),
        (f"UPDATE responses SET cost = NULL WHERE {ONE_RESPONSE}", {"Cost in pico-USD"}),
        (f"UPDATE responses SET cache_read = cache_read + 1 WHERE {ONE_RESPONSE}", {"Tokens"}),
        (f"UPDATE usage SET cost = cost - 1 WHERE usage = {RICH}", {"Cost in pico-USD"}),
        (f"UPDATE usage SET output = output + 1 WHERE usage = {RICH}", {"Tokens"}),
        (f"UPDATE usage SET responses = responses + 1 WHERE usage = {RICH}", {"Responses"}),
        (f"UPDATE usage SET tool_calls = tool_calls + 1 WHERE usage = {RICH}", {"Tool calls"}),
        (f"INSERT INTO usage SELECT * FROM usage WHERE usage = {RICH}", EVERY),
        (f"DELETE FROM usage WHERE usage = {RICH}", {"Tool calls"}),
        (f"DELETE FROM tool_calls WHERE {ONE_CALL}", {"Tool calls"}),
        (f"INSERT INTO tool_calls SELECT * FROM tool_calls WHERE {ONE_CALL}", {"Tool calls"}),
        (
            f"UPDATE usage SET id = (SELECT max(id) FROM usage) WHERE usage = {RICH}",
            {"Requests"},
        ),
    ],
)
def test_one_wrong_row_breaks_what_it_is_wrong_about(
    filled: Store, statement: str, wrong: set[str]
) -> None:
    with tampered(filled, statement) as batch:
        assert broken(of_tables(invariants.check(batch, ALL))) == wrong
    assert broken(checked(filled, ALL)) == set()


@pytest.mark.parametrize("what", TABLES)
def test_each_pair_of_tables_can_disagree_by_itself_or_with_others(
    filled: Store, what: str
) -> None:
    statement = f"INSERT INTO usage SELECT * FROM usage WHERE usage = {RICH}"
    with tampered(filled, statement) as batch:
        (one,) = [each for each in of_tables(invariants.check(batch, ALL)) if each.what == what]
    assert one.left > one.right


def test_what_is_wrong_outside_a_period_does_not_break_it(filled: Store) -> None:
    ((at,),) = filled.rows(f"SELECT started_at FROM usage WHERE usage = {RICH}")
    at = at.replace(tzinfo=UTC)
    instant = timedelta(microseconds=1)
    with tampered(filled, f"DELETE FROM tool_calls WHERE usage = {RICH}") as batch:
        for since, until, wrong in (
            (ALL.since, at, set()),
            (at + instant, ALL.until, set()),
            (at, at + instant, {"Tool calls"}),
            (at, ALL.until, {"Tool calls"}),
        ):
            assert broken(of_tables(invariants.check(batch, Scope(since, until)))) == wrong


def test_somebody_in_two_teams_at_once_is_counted_twice_and_found_out(filled: Store) -> None:
    statement = "INSERT INTO memberships SELECT * REPLACE ('again' AS team) FROM memberships"
    with tampered(filled, statement) as batch:
        wrong = [one for one in invariants.check(batch, ALL) if not one.holds]
    assert {one.left_is for one in wrong} == {"sum by team"}
    added = {name for name in invariants.NUMBERS if METRICS[name].additive}
    assert {one.what for one in wrong} == {METRICS[name].label for name in added}
    assert all(one.left > one.right for one in wrong)


def test_sums_without_requests_of_their_own_are_not_asked_for_their_responses(
    filled: Store,
) -> None:
    statement = f"UPDATE usage SET grain = 'thread', responses = 0 WHERE usage = {RICH}"
    with tampered(filled, statement) as batch:
        assert broken(of_tables(invariants.check(batch, ALL))) == set()


def test_in_an_empty_store_everything_is_zero_and_holds(tmp_path: Path) -> None:
    with fresh(tmp_path) as empty:
        told = checked(empty, Scope(datetime(1990, 1, 1, tzinfo=UTC), ALL.until, "Europe/Berlin"))
        assert len(told) == len(checked(empty, ALL)) > len(TABLES)
        assert {(one.left, one.right, one.holds) for one in told} == {(0, 0, True)}
