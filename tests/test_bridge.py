"""The bridge from one spend to another: right on known cases, and exact on any."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.analysis.bridge import COUNTS, Cell, Usage, decompose, effects

VECTORS = json.loads((Path(__file__).parent / "vectors" / "bridge-vectors.json").read_text())
LARGE = 2**63 - 1
KINDS = ("input", "output", "cache_read", "cache_write")


def usage(people: int, sessions: int, requests: int, **cells: tuple[int, int]) -> Usage:
    """Cells are called model_kind."""
    skus = {
        name.replace("_", "|", 1): Cell(tokens=tokens, cost=cost)
        for name, (tokens, cost) in cells.items()
    }
    return Usage(people=people, sessions=sessions, requests=requests, skus=skus)


NOTHING = usage(0, 0, 0)
counts = st.integers(1, 10**9)
cells = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.sampled_from(KINDS)).map("|".join),
    st.fixed_dictionaries(
        {
            "tokens": st.integers(0, 10**6) | st.integers(0, LARGE),
            "cost": st.integers(0, 10**12) | st.integers(0, LARGE),
        }
    ),
)
periods: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {**dict.fromkeys(COUNTS, counts), "skus": cells}
)


def cost(period: Usage) -> int:
    return sum(cell["cost"] for cell in period["skus"].values())


def named(changes: dict[str, int]) -> dict[str, int]:
    """The effects that are any."""
    return {name: amount for name, amount in changes.items() if amount}


def test_there_are_nine_effects_in_order() -> None:
    assert list(effects()) == VECTORS["order"]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_known_cases_have_their_effects(case: dict[str, Any]) -> None:
    made = decompose(case["previous"], case["current"])
    assert list(made.items()) == list(case["effects_pico_usd"].items())
    assert sum(made.values()) == case["total_change_pico_usd"]


@given(periods, periods, st.sets(st.sampled_from(COUNTS)))
def test_effects_add_up_to_the_change_exactly_and_turn_with_the_periods(
    previous: Usage, current: Usage, merged: set[str]
) -> None:
    made = decompose(previous, current, merged=merged)
    assert sum(made.values()) == cost(current) - cost(previous)
    back = decompose(current, previous, merged=merged)
    exchanged = {"new_models": "retired_models", "retired_models": "new_models"}
    for name, amount in made.items():
        # Both are rounded down, and may have been handed one of what is left.
        assert abs(amount + back[exchanged.get(name, name)]) <= 1


@given(periods, st.integers(2, 1000))
def test_all_of_a_growth_that_keeps_every_share_is_peoples(period: Usage, times: int) -> None:
    more = deepcopy(period)
    for name in COUNTS:
        more[name] *= times
    for cell in more["skus"].values():
        cell["tokens"] *= times
        cell["cost"] *= times
    made = named(decompose(period, more))
    # What costs nothing grows to nothing, and what has no tokens is of the price.
    lasting = [cell for cell in period["skus"].values() if cell["tokens"] and cell["cost"]]
    assert made.get("people", 0) == sum(cell["cost"] for cell in lasting) * (times - 1)


@given(periods)
def test_without_a_change_there_is_no_effect(period: Usage) -> None:
    assert not named(decompose(period, deepcopy(period)))


def test_nobody_before_is_all_new_and_nobody_now_all_retired() -> None:
    some = usage(2, 3, 4, a_input=(10, 70), b_output=(1, 5))
    assert named(decompose(NOTHING, some)) == {"new_models": 75}
    assert named(decompose(some, NOTHING)) == {"retired_models": -75}
    assert not named(decompose(NOTHING, NOTHING))


def test_kinds_that_are_new_or_gone_are_of_the_mix_and_no_model_is_new() -> None:
    before = usage(1, 1, 1, a_input=(10, 100), a_output=(0, 0))
    after = usage(1, 1, 1, a_output=(10, 500))
    assert named(decompose(before, after)) == {"token_kind_mix": 400}


def test_tokens_that_cost_nothing_on_one_side_are_of_the_price() -> None:
    free, paid = usage(1, 1, 1, a_input=(10, 0)), usage(9, 9, 9, a_input=(90, 900))
    assert named(decompose(free, paid)) == {"unit_price": 900}
    assert named(decompose(paid, free)) == {"unit_price": -900}
    assert not named(decompose(free, usage(5, 5, 5, a_input=(7, 0))))


def test_a_cost_without_tokens_is_of_the_price() -> None:
    before = usage(1, 1, 1, a_input=(10, 100), a_search=(0, 40))
    after = usage(1, 1, 1, a_input=(10, 100), a_search=(0, 90))
    assert named(decompose(before, after)) == {"unit_price": 50}


def test_a_models_name_may_hold_the_separator() -> None:
    before, after = usage(1, 1, 1), usage(1, 1, 1)
    before["skus"] = {"a|b|input": Cell(tokens=10, cost=10)}
    after["skus"] = {"a|b|input": Cell(tokens=20, cost=20)}
    assert named(decompose(before, after)) == {"tokens_per_request": 10}


def test_a_count_that_cannot_be_used_is_merged_with_its_neighbour() -> None:
    before = usage(10, 20, 40, a_input=(400, 4000))
    after = usage(20, 20, 80, a_input=(1600, 16000))
    plain = decompose(before, after)
    without = decompose(before, {**after, "sessions": 0}, merged={"sessions"})
    assert list(without)[:3] == ["people", "requests_per_person", "tokens_per_request"]
    assert without["people"] == plain["people"]
    assert (
        abs(
            without["requests_per_person"]
            - plain["sessions_per_person"]
            - plain["requests_per_session"]
        )
        <= 1
    )
    assert effects({"requests"})[:3] == ("people", "sessions_per_person", "tokens_per_session")
    assert effects({"sessions", "requests"})[:2] == ("people", "tokens_per_person")
    assert effects({"people"})[:2] == ("sessions", "requests_per_session")
    assert effects(COUNTS)[0] == "tokens"


def test_a_count_of_nothing_beside_cells_that_stay_is_refused() -> None:
    before, after = usage(1, 1, 1, a_input=(1, 1)), usage(1, 0, 1, a_input=(2, 2))
    with pytest.raises(ValueError, match="without sessions"):
        decompose(before, after)
