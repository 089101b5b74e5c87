"""From priced responses to what each request used and cost."""

import numpy as np
import pandas as pd
import pytest
from costly_laws import tried
from hypothesis import given
from hypothesis import strategies as st
from token_rows import response, rows

from bridgeboard.pricing import (
    UNMETERED,
    WORST,
    Book,
    Status,
    price,
    responses,
    usage_money,
    vendors,
)

BOOK = Book()
TOKENS = ("input", "output", "cache_read", "cache_write")
MONEY = ("cost", "shadow_cost", "cache_saving")
MOST = 2**63 - 1


def money(*statuses: tuple[Status, int | None, int | None]) -> pd.DataFrame:
    """Responses of ten tokens each with a status, a cost and a shadow cost."""
    frame = pd.DataFrame(
        {
            "input": 4,
            "output": 3,
            "cache_read": 2,
            "cache_write": 1,
            "status": [status for status, _, _ in statuses],
            "cost": pd.array([cost for _, cost, _ in statuses], dtype="Int64"),
            "shadow_cost": pd.array([shadow for _, _, shadow in statuses], dtype="Int64"),
        }
    )
    return frame.assign(cache_saving=frame["cost"])


def one(*statuses: tuple[Status, int | None, int | None]) -> pd.Series:
    return usage_money(money(*statuses), np.zeros(len(statuses), dtype=np.int64), 1).iloc[0]


usage = st.fixed_dictionaries(
    {
        "interception_id": st.integers(0, 4),
        "model": st.sampled_from(["gpt-5", "gpt-imaginary", "gpt-5-pro"]),
        "credential_kind": st.sampled_from(["centralized", "byok"]),
        **dict.fromkeys(TOKENS, st.one_of(st.integers(-5, 10**6), st.just(MOST))),
    }
)


@tried(40)
@given(st.lists(usage, min_size=1, max_size=12))
def test_every_sum_is_what_plain_counting_gives(drawn: list[dict[str, object]]) -> None:
    told = [
        row | {"provider_response_id": str(n), "provider": "openai", "provider_name": "openai"}
        for n, row in enumerate(drawn)
    ]
    merged = responses(rows(*told))
    priced = merged.join(price(merged, BOOK))
    found = usage_money(priced, priced["interception_id"].to_numpy(), 5)
    for number in range(5):
        mine = priced[priced["interception_id"] == number]
        told_here = found.iloc[number]
        assert told_here["responses"] == len(mine)
        for name in (*TOKENS, *(f"{name}_sum" for name in TOKENS)):
            assert told_here[name] == min(sum(mine[name].tolist()), MOST)
        for name in MONEY:
            known = [amount for amount in mine[name].tolist() if not pd.isna(amount)]
            assert (told_here[name] == sum(known)) if known else pd.isna(told_here[name])


def test_a_request_without_responses_is_unmetered_and_costs_the_unknown() -> None:
    found = usage_money(money((Status.PRICED, 5, 0)), np.array([1]), 3)
    assert found["status"].tolist() == [UNMETERED, Status.PRICED, UNMETERED]
    assert found["cost"].isna().tolist() == [True, False, True]
    assert found["priced_tokens"].tolist() == [0, 10, 0]


def test_no_responses_at_all_leave_every_request_unmetered() -> None:
    found = usage_money(money(), np.zeros(0, dtype=np.int64), 2)
    assert found["status"].tolist() == [UNMETERED, UNMETERED]


def test_the_known_part_of_a_request_is_summed_and_its_coverage_told() -> None:
    told = one((Status.PRICED, 5, 0), (Status.UNPRICED, None, None))
    assert (told["status"], told["cost"], told["shadow_cost"]) == (Status.UNPRICED, 5, 0)
    assert (told["input"], told["priced_tokens"]) == (8, 10)


@pytest.mark.parametrize("place", range(len(WORST) - 1))
def test_the_worse_of_two_statuses_is_the_status_of_the_request(place: int) -> None:
    worse, better = WORST[place : place + 2]
    assert one((better, 1, 1), (worse, 1, 1))["status"] == worse


def test_every_status_has_its_place_among_the_worst() -> None:
    assert set(WORST) == set(Status)


def test_money_beyond_64_bits_makes_a_request_unpriced() -> None:
    told = one((Status.PRICED, 8 * 10**18, 0), (Status.PRICED, 8 * 10**18, 0))
    assert told[list(MONEY)].isna().all()
    assert (told["status"], told["priced_tokens"], told["input"]) == (Status.UNPRICED, 0, 8)


def test_the_servers_sums_are_left_out_where_nobody_has_them() -> None:
    assert "input_sum" not in one((Status.PRICED, 1, 0))


def test_the_vendor_of_a_request_is_the_one_of_its_price() -> None:
    asked = pd.concat(
        [response("gpt-5"), response("qwen3", provider_name="vllm"), response("us.meta.llama")],
        ignore_index=True,
    )
    found = vendors(asked, BOOK)
    assert found.tolist()[::2] == ["openai", "aws"]
    assert pd.isna(found.iloc[1])
    assert found.fillna("").tolist() == price(asked, BOOK)["vendor"].tolist()
