"""Each number says whether it is exact, a lower bound or not known, on either generation."""

from collections.abc import Iterator
from pathlib import Path

import demo_sync
import demo_worlds
import pytest
import truth

from bridgeboard.model.accuracy import accuracy, column_accuracy, limits, together
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import select
from bridgeboard.store import Store

WORLD = demo_worlds.small()
ALL = Scope(WORLD.start, WORLD.end)
ROWS = truth.finished(WORLD.tables)
TRUTH = {
    "requests": len(ROWS),
    "prompts": len(truth.prompts(WORLD.tables, ROWS)),
    "tool_calls": len(truth.tool_calls(WORLD.tables, ROWS)),
    "sessions": len(truth.sessions(ROWS)),
    "active_people": len(truth.people(ROWS)),
    "responses": len(truth.responses(WORLD.tables, ROWS)),
}


@pytest.fixture(scope="module", params=["v2.34", "v2.35"])
def read(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """The small company, as a server that lists requests tells it, and as one that does not."""
    with demo_sync.whole(tmp_path_factory.mktemp("read"), request.param) as opened:
        yield opened


def told(store: Store, scope: Scope = ALL) -> dict[str, object]:
    names = tuple(METRICS)
    with store.snapshot() as reader:
        columns, rows = reader.named(*select((*names, *limits(names)), (), scope))
    return dict(zip(columns, rows[0], strict=True))


@pytest.mark.parametrize("name", TRUTH)
def test_what_is_called_exact_is_the_truth_and_a_lower_bound_is_no_more(
    read: Store, name: str
) -> None:
    row = told(read)
    value, how = row[name], accuracy(name, row)
    if how.standing == "exact":
        assert value == TRUTH[name]
    elif how.standing == "at_least":
        assert isinstance(value, int)
        assert value <= TRUTH[name]
        assert how.reasons
    else:
        assert (how.standing, value) == ("unknown", None)


def test_a_server_that_lists_requests_has_all_of_it_exact(read: Store) -> None:
    row = told(read)
    are_sums = bool(row["summed_rows"])
    bounds = {name for name in ("requests", "prompts", "sessions") if accuracy(name, row).is_bound}
    assert bounds == ({"requests", "prompts", "sessions"} if are_sums else set())
    assert (row["prompts"] == TRUTH["prompts"]) != are_sums
    assert (row["cost_per_request"] is None) == are_sums
    assert accuracy("total_tokens", row).standing == ("about" if are_sums else "exact")


def test_of_a_session_of_which_only_tokens_are_known_nothing_else_is_nothing() -> None:
    row = {"tool_calls": None, "unread_rows": 3}
    how = accuracy("tool_calls", row)
    assert how.standing == "unknown"
    assert how.sentence("-").startswith("Not known: of 3 sessions")


def test_each_limit_is_told_by_a_count_that_has_none_of_that_kind() -> None:
    for one in METRICS.values():
        for limit in one.limits:
            assert METRICS[limit.metric].format == "count"
            assert METRICS[limit.metric].additive
            assert "{}" in limit.words
    assert limits(("spend", "unpriced_tokens")) == ("unbilled_tokens", "summed_rows")
    assert limits(("tool_calls",), ("tool",)) == ()


def test_sums_of_money_are_lower_bounds_where_prices_are_unknown() -> None:
    row = dict.fromkeys(METRICS, 5)
    row |= {"summed_rows": 0, "unread_rows": 0, "unbilled_tokens": 0}
    said = {
        name: accuracy(name, {**row, "unpriced_tokens": 7}).sentence("$5")
        for name, one in METRICS.items()
        if one.format == "money" and one.additive
    }
    why = "the price of 7 tokens is unknown."
    # What is not priced may have cost more with the cache than without.
    assert said == {
        "spend": f"At least $5: {why}",
        "shadow_cost": f"At least $5: {why}",
        "cache_saving": f"About $5: {why}",
    }


def test_what_may_be_too_small_as_well_as_too_large_is_no_lower_bound() -> None:
    limits = {"unpriced_tokens": 7, "summed_rows": 3}
    spend = accuracy("spend", {"spend": 5, **limits})
    assert (spend.standing, spend.is_partial) == ("about", True)
    assert spend.reasons[0] == "the price of 7 tokens is unknown"
    # Nothing is never too much, and what is only about right lacks no part.
    assert accuracy("spend", {"spend": 0, **limits}).is_bound
    assert not accuracy("total_tokens", {"total_tokens": 5, **limits}).is_partial
    bound = accuracy("spend", {"spend": 5, "unpriced_tokens": 7, "summed_rows": 0})
    assert (bound.standing, bound.is_partial) == ("at_least", True)
    summed = accuracy("spend", {"spend": 5, "unpriced_tokens": 0, "summed_rows": 3})
    both = together((bound, summed))
    assert (both.standing, both.is_partial) == ("about", True)
    rows = ({"spend": 5, "unpriced_tokens": 7}, {"spend": 5, "summed_rows": 3})
    assert column_accuracy("spend", rows).standing == "about"


Limits = dict[str, str]
"""Metric that tells of a limit → how a number stands while that is above zero."""
SUMMED: Limits = {"summed_rows": "about"}
LEFT_OUT: Limits = {"summed_rows": "at_least"}
UNPRICED: Limits = {"unpriced_tokens": "at_least"}
RATIOS: dict[str, tuple[Limits, Limits]] = {
    "cost_per_request": (UNPRICED | LEFT_OUT, UNPRICED | LEFT_OUT),
    "cost_per_prompt": (UNPRICED | LEFT_OUT, UNPRICED | LEFT_OUT),
    "cost_per_session": (UNPRICED | SUMMED, UNPRICED | LEFT_OUT),
    "cost_per_thread": (UNPRICED | SUMMED, UNPRICED | LEFT_OUT),
    "cost_per_person": (UNPRICED | SUMMED, UNPRICED | LEFT_OUT),
    "cost_per_tool_call": (UNPRICED | SUMMED, UNPRICED | LEFT_OUT),
    "cost_per_million_tokens": (UNPRICED | SUMMED, UNPRICED | SUMMED),
    "priced_rate": (SUMMED, SUMMED),
    "exact_rate": ({}, SUMMED),
    "cache_hit_rate": (SUMMED, SUMMED),
    "output_rate": (SUMMED, SUMMED),
    "tool_error_rate": (LEFT_OUT, LEFT_OUT),
    "detail_coverage": ({}, {}),
}
"""Ratio → what limits its numerator, and its denominator, of those whose price is known."""


def of_ratio(numerator: Limits, denominator: Limits) -> Limits:
    """How a ratio stands by its two numbers: a lower bound over an exact number is one, too."""
    standings = {}
    for name in {**numerator, **denominator}:
        is_bound = numerator.get(name) == "at_least" and name not in denominator
        standings[name] = "at_least" if is_bound else "about"
    return standings


def test_a_ratio_is_as_exact_as_its_two_numbers() -> None:
    assert of_ratio(UNPRICED, SUMMED) == {"unpriced_tokens": "at_least", "summed_rows": "about"}
    ratios = {name: one for name, one in METRICS.items() if "nullif" in one.value}
    assert set(RATIOS) == set(ratios)
    wrong = {
        name: (limits, of_ratio(*RATIOS[name]))
        for name, one in ratios.items()
        if (
            limits := {
                each.metric: each.standing for each in one.limits if each.standing != "exact"
            }
        )
        != of_ratio(*RATIOS[name])
    }
    assert not wrong, f"(limits, by its two numbers): {wrong}"


def test_no_ratio_is_called_exact_that_a_price_found_later_changes(tmp_path: Path) -> None:
    with demo_sync.whole(tmp_path, "v2.34") as store:
        before = told(store)
        with store.write() as batch:
            batch.execute(
                "UPDATE usage SET cost = NULL, shadow_cost = NULL, cache_saving = NULL,"
                " priced_tokens = 0 WHERE usage % 3 = 0"
            )
        after = told(store)
    # The share of tokens with a price is about the prices themselves.
    names = {*RATIOS, "spend", "shadow_cost", "cache_saving"} - {"priced_rate"}
    changed = {name for name in names if before[name] != after[name]}
    wrong = {name for name in changed if accuracy(name, after).standing == "exact"}
    assert len(changed) > 5
    assert not wrong
