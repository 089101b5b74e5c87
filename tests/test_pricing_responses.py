from random import Random

import pandas as pd
import pytest
from costly_laws import tried
from hypothesis import given
from hypothesis import strategies as st
from token_rows import AT, COUNTS, rows

from bridgeboard.pricing import extras, responses

WHOLE = [*COUNTS, "interception_id", "provider_response_id", "created_at"]
counts = st.integers(-3, 2000)
row = st.fixed_dictionaries(
    {
        "interception_id": st.sampled_from(["i1", "i2"]),
        "provider_response_id": st.sampled_from(["", "a", "b"]),
        "created_at": st.integers(0, 9).map(lambda s: pd.Timestamp(AT) + pd.Timedelta(seconds=s)),
        **dict.fromkeys(COUNTS, counts),
    }
)


def same(one: pd.DataFrame, other: pd.DataFrame, columns: list[str]) -> None:
    first, second = (
        frame[columns].sort_values(columns).reset_index(drop=True) for frame in (one, other)
    )
    pd.testing.assert_frame_equal(first, second)


@tried(30)
@given(st.lists(row, min_size=1, max_size=8))
def test_merging_twice_is_merging_once(given_rows: list[dict[str, object]]) -> None:
    once = responses(rows(*given_rows))
    same(responses(once), once, WHOLE)


@tried(30)
@given(st.lists(row, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    given_rows: list[dict[str, object]], dice: Random
) -> None:
    shuffled = dice.sample(given_rows, len(given_rows))
    pd.testing.assert_frame_equal(responses(rows(*given_rows)), responses(rows(*shuffled)))


@tried(30)
@given(st.lists(row, min_size=1, max_size=8))
def test_the_plain_sums_stay_what_the_server_says(given_rows: list[dict[str, object]]) -> None:
    merged = responses(rows(*given_rows))
    for name in ("input", "output", "cache_read", "cache_write"):
        assert merged[f"{name}_sum"].sum() == sum(int(r[name]) for r in given_rows)


def test_a_stream_pair_becomes_one_response_with_the_larger_count_of_each() -> None:
    later = pd.Timestamp(AT) + pd.Timedelta(seconds=5)
    merged = responses(
        rows(
            {"output": 61, "created_at": later},
            {"input": 2, "output": 5, "cache_read": 13993, "cache_write": 22},
        )
    )
    assert merged[["input", "output", "cache_read", "cache_write"]].to_numpy().tolist() == [
        [2, 61, 13993, 22]
    ]
    assert merged["created_at"].item() == pd.Timestamp(AT)
    assert merged["output_sum"].item() == 66


def test_different_responses_of_one_interception_are_not_merged() -> None:
    assert len(responses(rows({"provider_response_id": "a"}, {"provider_response_id": "b"}))) == 2


@pytest.mark.parametrize("nameless", ["", None])
def test_rows_without_a_response_id_are_each_their_own(nameless: str | None) -> None:
    twin = {"provider_response_id": nameless, "input": 7}
    assert responses(rows(twin, twin))["input"].tolist() == [7, 7]


def test_the_same_response_id_in_two_interceptions_is_two_responses() -> None:
    assert len(responses(rows({}, {"interception_id": "i2"}))) == 2


def test_a_negative_count_is_zero_and_counted() -> None:
    merged = responses(rows({"input": -5, "output": 3}))
    assert merged[["input", "output", "negatives"]].to_numpy().tolist() == [[0, 3, 1]]


@pytest.mark.parametrize(
    ("five", "hour", "split", "clamped"),
    [
        (60, 40, (60, 40), False),
        (0, 40, (60, 40), False),
        (0, 140, (0, 100), True),
        (10, 40, (60, 40), True),
        (90, 40, (60, 40), True),
        (10, 0, (100, 0), True),
    ],
)
def test_a_split_that_does_not_add_up_is_clamped_and_flagged(
    five: int, hour: int, split: tuple[int, int], *, clamped: bool
) -> None:
    told = {"cache_write": 100, "cache_write_5m": five, "cache_write_1h": hour}
    merged = responses(rows(told))
    assert (merged["cache_write_5m"].item(), merged["cache_write_1h"].item()) == split
    assert merged["split_clamped"].item() == clamped


def test_a_cache_write_without_any_split_is_flagged_as_unknown() -> None:
    told = rows({"cache_write": 100, "cache_write_1h": None}, {"provider_response_id": "x"})
    assert responses(told)["split_unknown"].tolist() == [True, False]


def test_legacy_metadata_fills_an_empty_column_and_is_never_added() -> None:
    merged = responses(
        rows(
            {"provider_response_id": "a", "cache_read": 50, "legacy_cache_read": 50},
            {"provider_response_id": "b", "cache_read": 0, "legacy_cache_read": 50},
        )
    )
    assert merged["cache_read"].tolist() == [50, 50]


def test_extras_know_the_metadata_keys_and_leave_the_rest() -> None:
    metadata = {
        "cache_ephemeral_1h_input": 3,
        "web_search_requests": 2.0,
        "input_cached": 9,
        "prompt_cached": 7,
        "service_tier": "priority",
        "cache_ephemeral_5m_input": True,
        "total_tokens": 12,
        "output_reasoning": 4,
        "error": "cannot be encoded",
    }
    assert extras(metadata) == {
        "cache_write_1h": 3,
        "web_searches": 2,
        "legacy_cache_read": 9,
        "service_tier": "priority",
        "told_total": 12,
        "reasoning": 4,
    }


@pytest.mark.parametrize(
    ("value", "told"), [(10**30, 2**63 - 1), (-(10**30), 0), (float("inf"), None), ("9", None)]
)
def test_a_count_of_metadata_that_cannot_be_true_is_cut_or_left_out(
    value: object, told: int | None
) -> None:
    assert extras({"web_search_requests": value}).get("web_searches") == told


@pytest.mark.parametrize("tier", ["", None, 7])
def test_a_service_tier_is_a_word(tier: object) -> None:
    assert extras({"service_tier": tier}) == {}


def test_a_response_keeps_the_tier_that_any_of_its_rows_tells() -> None:
    told = rows(
        {"service_tier": None},
        {"service_tier": "flex"},
        {"provider_response_id": "r2", "service_tier": None},
    )
    merged = responses(told)["service_tier"]
    assert merged.iloc[0] == "flex"
    assert pd.isna(merged.iloc[1])
    assert responses(rows({}))["service_tier"].isna().all()


@pytest.mark.parametrize(
    ("told", "mismatch"),
    [
        ({}, False),
        ({"told_total": 117}, False),
        ({"told_total": 116}, True),
        ({"reasoning": 10}, False),
        ({"reasoning": 11}, True),
    ],
)
def test_a_total_or_reasoning_that_contradicts_the_counts_is_flagged(
    told: dict[str, int], *, mismatch: bool
) -> None:
    counts = {"input": 5, "cache_read": 100, "cache_write": 2, "output": 10}
    assert responses(rows(counts | told))["total_mismatch"].item() == mismatch


def test_sums_beyond_64_bits_stop_at_their_end_and_leave_the_others_exact() -> None:
    most = 2**63 - 1
    merged = responses(
        rows({"input": most}, {"input": most}, {"provider_response_id": "r2", "input": 3})
    )
    assert merged["input_sum"].tolist() == [most, 3]


def test_no_rows_are_no_responses() -> None:
    assert responses(rows({}).iloc[:0]).empty
