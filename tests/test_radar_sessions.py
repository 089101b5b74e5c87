"""Which sessions stand out, told from rows made by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isnan
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.analysis.radar.finding import SessionRef
from bridgeboard.analysis.radar.robust_statistics import (
    at_least,
    codes,
    deviation,
    logarithmic,
    median,
)
from bridgeboard.analysis.radar.runaway_sessions import (
    Detail,
    Repeat,
    Sessions,
    Sign,
    alone,
    candidates,
    findings,
    outliers,
    repeated,
    together,
    usual_hours,
)
from bridgeboard.model.accuracy import Accuracy
from bridgeboard.model.radar_limits import DOLLAR, SessionLimits

LIMITS = SessionLimits(cost=20 * DOLLAR, high_cost=25 * DOLLAR)
"""Those of a small company."""
BEGAN = datetime(2026, 11, 2, 21, 30, tzinfo=UTC)
Row = Mapping[str, object]


def row(session: int, **told: object) -> Row:
    plain = {
        "session": session,
        "client": "Claude Code",
        "model": "opus",
        "cost": DOLLAR // 2,
        "depth": 8,
        "pace": None,
        "growth": 9_000,
        "alone_seconds": 0.0,
        "in_scope": True,
    }
    return {**plain, **told}


def told(rows: Sequence[Row]) -> Sessions:
    names = row(0).keys()
    return Sessions.of({name: [one[name] for one in rows] for name in names})


def usual(count: int, **more: object) -> list[Row]:
    """Sessions that differ a little, without chance."""
    return [
        row(n, cost=(100 + n * 7 % 60) * DOLLAR // 200, depth=5 + n % 7, **more)
        for n in range(count)
    ]


def names(signs: Mapping[int, Sequence[Sign]], session: int) -> set[str]:
    return {sign.name for sign in signs.get(session, ())}


def test_a_session_far_dearer_and_deeper_than_its_like_stands_out() -> None:
    found = outliers(told([*usual(30), row(99, cost=45 * DOLLAR, depth=460)]), LIMITS)
    assert set(found) == {99}
    assert names(found, 99) == {"cost", "depth"}


def test_nothing_is_told_of_sessions_out_of_the_scope() -> None:
    rows = [*usual(30), row(99, cost=45 * DOLLAR, depth=460, in_scope=False)]
    assert outliers(told(rows), LIMITS) == {}


def test_sessions_before_the_scope_are_what_others_are_compared_with() -> None:
    rows = [*usual(30, in_scope=False), row(99, depth=460)]
    assert set(outliers(told(rows), LIMITS)) == {99}


def test_nothing_stands_out_among_too_few() -> None:
    rows = [*usual(LIMITS.group - 2), row(99, cost=45 * DOLLAR, depth=460)]
    assert outliers(told(rows), LIMITS) == {}


def test_a_rare_model_is_compared_with_its_client() -> None:
    rows = [*usual(30), row(99, model="rare", depth=460)]
    assert names(outliers(told(rows), LIMITS), 99) == {"depth"}


def test_a_rare_client_is_compared_with_everybody() -> None:
    rows = [*usual(30), row(99, client=None, model=None, depth=460)]
    assert names(outliers(told(rows), LIMITS), 99) == {"depth"}


def test_a_client_with_its_own_ways_is_not_compared_with_others() -> None:
    deep = [row(100 + n, client="Agents", depth=400 + n % 9) for n in range(30)]
    assert outliers(told([*usual(300), *deep]), LIMITS) == {}


def test_equal_sessions_have_no_spread_and_still_one_stands_out() -> None:
    same = [row(n) for n in range(40)]
    assert outliers(told(same), LIMITS) == {}
    assert set(outliers(told([*same, row(99, depth=460)]), LIMITS)) == {99}


def test_unknown_costs_are_neither_cheap_nor_dear() -> None:
    rows = [row(n, cost=None, depth=None, growth=None) for n in range(40)]
    assert outliers(told(rows), LIMITS) == {}
    dear = [*rows, row(99, cost=45 * DOLLAR)]
    assert outliers(told(dear), LIMITS) == {}, "there is nothing it could be compared with"


def test_free_sessions_do_not_make_all_others_dear() -> None:
    rows = [row(n, cost=0) for n in range(100)] + usual(30)
    assert outliers(told(rows), LIMITS) == {}


def test_no_sessions_are_no_findings() -> None:
    assert outliers(told([]), LIMITS) == {}
    assert candidates(told([]), LIMITS) == []


@pytest.mark.parametrize(("cost", "is_told"), [(20, False), (22, True)])
def test_little_money_is_no_alarm_however_many_times_the_usual(cost: int, *, is_told: bool) -> None:
    rows = [row(n, cost=DOLLAR) for n in range(30)]
    assert bool(outliers(told([*rows, row(99, cost=cost * DOLLAR)]), LIMITS)) is is_told


def test_a_fast_loop_stands_out() -> None:
    rows = [row(n, pace=2.0 + n % 3) for n in range(30)]
    found = outliers(told([*rows, row(99, pace=55.0)]), LIMITS)
    assert names(found, 99) == {"pace"}


def test_a_large_context_is_told_beside_other_signs_only() -> None:
    grown = told([*usual(30), row(98, growth=700_000), row(99, growth=700_000, depth=460)])
    signs = together(outliers(grown, LIMITS))
    assert set(signs) == {99}
    assert names(signs, 99) == {"depth", "growth"}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 10**9), min_size=25, max_size=60),
    st.integers(1, 10**4),
    st.randoms(use_true_random=False),
)
def test_the_same_sessions_stand_out_in_any_currency_and_any_order(
    costs: list[int], times: int, random: Random
) -> None:
    ratios = SessionLimits(cost=0)
    rows = [row(n, cost=cost) for n, cost in enumerate(costs)]
    scaled = [{**one, "cost": costs[n] * times} for n, one in enumerate(rows)]
    random.shuffle(scaled)
    told_costs = {
        key: [s.name for s in signs] for key, signs in outliers(told(rows), ratios).items()
    }
    other = {key: [s.name for s in signs] for key, signs in outliers(told(scaled), ratios).items()}
    border = logarithmic(np.array(costs, float), [codes([0] * len(costs))], least=20, spread=0.3)
    near = {n for n, z in enumerate(border.z) if abs(z - ratios.z) < 1e-9}
    near |= {n for n, cost in enumerate(costs) if abs(cost / border.median[n] - 10) < 1e-9}
    assert {k: v for k, v in told_costs.items() if k not in near} == {
        k: v for k, v in other.items() if k not in near
    }


def test_the_same_call_again_and_again_is_told() -> None:
    repeats = [Repeat(1, "Bash", 455, 455), Repeat(2, "Bash", 39, 39), Repeat(3, "Read", 60, 1_000)]
    found = repeated(repeats, [1, 2, 3], LIMITS)
    assert set(found) == {1}, "few are not told, nor is a small share of many"
    assert "Bash was called 455 times" in found[1][0].words
    assert repeated(repeats, [2, 3], LIMITS) == {}


def test_a_hostile_name_of_a_tool_stays_on_its_line() -> None:
    (sign,) = repeated([Repeat(1, "x\n\u202e" + "y" * 300, 50, 50)], [1], LIMITS)[1]
    assert "\n" not in sign.words
    assert "\u202e" not in sign.words
    assert len(sign.words) < 150


def test_office_hours_are_usual_for_somebody_hardly_known() -> None:
    hours = usual_hours({}, LIMITS)
    assert 9 in hours
    assert 3 not in hours
    assert 5 * 24 + 9 not in hours, "a Saturday"


def test_who_works_at_night_has_nights_as_usual_hours() -> None:
    prompts = {day * 24 + hour: 5 for day in range(5) for hour in (21, 22, 23)}
    hours = usual_hours(prompts, LIMITS)
    assert 22 in hours
    assert 10 not in hours
    assert 5 * 24 + 22 not in hours, "weekends are apart"


def test_work_without_its_person_at_night_is_told_and_by_day_is_not() -> None:
    sessions = told([row(1, alone_seconds=9 * 3600.0), row(2, alone_seconds=9 * 3600.0), row(3)])
    assert candidates(sessions, LIMITS) == [1, 2]
    night = {1: {21: 40, 22: 50, 26: 100}, 2: {9: 100, 10: 100, 22: 20}}
    found = alone(sessions, {1: 7, 2: 7}, night, {}, LIMITS)
    assert set(found) == {1}
    assert "9h" in found[1][0].words


def detail(session: int, cost: int | None) -> Detail:
    ref = SessionRef(session, f"id {session}/?", "0b7f", "ada")
    return Detail(ref, 7, BEGAN, BEGAN + timedelta(hours=9), cost)


def test_a_session_is_told_once_with_its_strongest_sign_first() -> None:
    deep = outliers(told([*usual(30), row(99, cost=45 * DOLLAR, depth=460)]), LIMITS)
    signs = together(deep, repeated([Repeat(99, "Bash", 455, 456)], [99], LIMITS))
    (found,) = findings(signs, [detail(99, 45 * DOLLAR + 1)], "UTC", LIMITS)
    assert found.severity == "high"
    assert found.reason.index("455 times") < found.reason.index("requests after one prompt")
    assert found.numbers["session_cost"] == 45 * DOLLAR + 1
    assert found.evidence.session == detail(99, None).ref
    assert found.evidence.scope.since == BEGAN
    assert "?" not in found.key
    bound = replace(detail(99, 45 * DOLLAR), accuracy=Accuracy("at_least"))
    for own, words in (
        (signs, "it cost at least $45.00 where $0.64 is"),
        ({99: signs[99][:1]}, ""),
    ):
        (partly,) = findings(own, [bound], "UTC", LIMITS)
        assert (words or "; it cost at least $45.00.") in partly.reason
    assert "it cost $45.00 where $0.64 is usual" in found.reason


def test_a_session_without_a_price_says_so() -> None:
    signs = together(repeated([Repeat(99, "Bash", 455, 455)], [99], LIMITS))
    (found,) = findings(signs, [detail(99, None)], "UTC", LIMITS)
    assert "no known price" in found.reason
    assert found.numbers["session_cost"] is None
    assert found.severity == "medium"


@given(st.lists(st.integers(-(10**18), 10**18), min_size=1, max_size=9))
def test_a_median_lies_in_the_middle(values: list[int]) -> None:
    middle = median(values)
    assert 2 * sum(value <= middle for value in values) >= len(values)
    assert 2 * sum(value >= middle for value in values) >= len(values) or len(values) % 2 == 0
    assert deviation(values, middle) >= 0
    assert median([]) == 0


@pytest.mark.parametrize(
    ("successes", "tries", "rate", "wanted"),
    [(1, 1, 0.5, 0.5), (2, 2, 0.5, 0.25), (1, 2, 0.5, 0.75), (0, 9, 0.1, 1.0), (3, 3, 1.0, 1.0)],
)
def test_how_likely_failures_are(successes: int, tries: int, rate: float, wanted: float) -> None:
    assert at_least(successes, tries, rate) == pytest.approx(wanted)


def test_values_that_are_not_positive_are_in_no_group() -> None:
    values = np.array([0.0, -1.0, np.nan, *[1.0] * 25])
    found = logarithmic(values, [codes([0] * 28)], least=20, spread=0.3)
    assert all(isnan(z) for z in found.z[:3])
    assert not found.z[3:].any()
