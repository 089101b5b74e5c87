"""Token sums of threads and sessions → priced rows of usage (docs/costs.md 2).

They are less accurate than requests with all their responses: a sum of several responses stays in
the first price tier, a stream's output is counted as the server counts it, and a remainder is
priced at the model of its thread's root (api-contract 4.4).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from aibridge import ToolCall
from bridgeboard import pricing
from bridgeboard.pricing import Book
from bridgeboard.store import UsageTables
from bridgeboard.sync.arrow_columns import MOMENT, moments, series, texts
from bridgeboard.sync.session_usage import Spent
from bridgeboard.sync.translate import input_hash

COUNTS: Final = ("input", "output", "cache_read", "cache_write")

_RESPONSES: Final = {
    "answered_at": MOMENT,
    **dict.fromkeys((*COUNTS, "cache_write_1h", "web_searches"), pa.int64()),
    "negatives": pa.uint8(),
    **dict.fromkeys(("split_unknown", "split_clamped", "total_mismatch"), pa.bool_()),
    **dict.fromkeys(("cost", "shadow_cost", "cache_saving"), pa.int64()),
    "status": pa.string(),
    "tier": pa.int64(),
    **dict.fromkeys(("price_id", "source", "note"), pa.string()),
}
_MONEY: Final = {
    **dict.fromkeys(COUNTS, pa.int64()),
    **dict.fromkeys(("priced_tokens", "cost", "shadow_cost", "cache_saving"), pa.int64()),
    "status": pa.string(),
}


class Sum(NamedTuple):
    """One aggregate row of usage before it is priced.

    ``initiator`` and ``session`` are keys of the store; ``model`` is None where it is unknown;
    ``is_split`` says that cache writes of 5 minutes and of 1 hour are counted separately.
    """

    grain: str
    session: int
    initiator: int
    started_at: datetime
    provider: str
    model: str | None
    client: str | None
    spent: Spent
    id: str | None = None
    thread: str | None = None
    credential_kind: str | None = None
    threads: int = 0
    requests: int = 0
    prompt: str | None = None
    prompts: int = 0
    calls: tuple[ToolCall, ...] = ()
    is_split: bool = False


def aggregates(sums: Sequence[Sum], book: Book, *, text: bool) -> UsageTables | None:
    """The store's tables of priced sums, or None; with ``text``, prompts and tool inputs too."""
    if not sums:
        return None
    priced = _priced(sums, book)
    used = priced[priced[list(COUNTS)].sum(axis="columns") > 0]
    return UsageTables(
        usage=_usage(sums, priced, used),
        responses=_responses(used),
        tool_calls=_tool_calls(sums),
        prompts=_prompts(sums) if text else None,
        tool_inputs=_tool_inputs(sums) if text else None,
    )


def _priced(sums: Sequence[Sum], book: Book) -> pd.DataFrame:
    """One priced response for each sum; the index is the position in ``sums``."""
    counts = np.array([each.spent for each in sums], dtype=np.int64)
    tokens = pd.DataFrame(counts.clip(min=0), columns=list(Spent._fields))
    hour = tokens["cache_write_1h"].clip(upper=tokens["cache_write"])
    responses = tokens.assign(
        split_clamped=tokens["cache_write_1h"] > tokens["cache_write"],
        cache_write_1h=hour,
        negatives=(counts[:, : len(COUNTS)] < 0).sum(axis=1),
        split_unknown=(tokens["cache_write"] > 0)
        & ~np.array([s.is_split for s in sums], dtype=bool),
        total_mismatch=False,
        answered_at=moments(each.started_at for each in sums).to_pandas(),
        provider=[each.provider for each in sums],
        provider_name="",
        model=[each.model or "" for each in sums],
        credential_kind=[each.credential_kind or "" for each in sums],
        accuracy="aggregate",
    )
    prices = pricing.price(responses.assign(created_at=responses["answered_at"]), book)
    return pd.concat([responses, prices], axis="columns")


def _usage(sums: Sequence[Sum], priced: pd.DataFrame, used: pd.DataFrame) -> pa.Table:
    money = pricing.usage_money(used, used.index.to_numpy(dtype=np.int64), len(sums))
    zeros = np.zeros(len(sums), dtype=np.uint32)
    columns = {
        "row": pa.array(np.arange(len(sums), dtype=np.int32)),
        "id": pa.array([each.id for each in sums], pa.string()),
        "grain": pa.array([each.grain for each in sums], pa.string()),
        "started_at": moments(each.started_at for each in sums),
        "initiator": pa.array([each.initiator for each in sums], pa.int32()),
        "provider": texts([each.provider for each in sums]),
        "vendor": texts([str(name) or None for name in priced["vendor"]]),
        "model": texts([each.model for each in sums]),
        "client": texts([each.client for each in sums]),
        "credential_kind": texts([each.credential_kind for each in sums]),
        "session": pa.array([each.session for each in sums], pa.int64()),
        "thread": pa.array([each.thread for each in sums], pa.string()),
        "threads": pa.array([each.threads for each in sums], pa.uint8()),
        "requests": pa.array([each.requests for each in sums], pa.uint8()),
        "responses": zeros,
        "prompts": pa.array([each.prompts for each in sums], pa.uint32()),
        "tool_calls": pa.array([len(each.calls) for each in sums], pa.uint32()),
        "injected": pa.array([sum(c.injected for c in each.calls) for each in sums], pa.uint32()),
        "tool_errors": zeros,
        **{
            f"{name}_sum": pa.array([getattr(each.spent, name) for each in sums], pa.int64())
            for name in COUNTS
        },
        **{name: series(money[name], kind) for name, kind in _MONEY.items()},
        "digest": np.zeros(len(sums), dtype=np.int64),
    }
    return pa.table(columns)


def _responses(used: pd.DataFrame) -> pa.Table:
    row = pa.array(used.index.to_numpy(dtype=np.int32))
    columns = {name: series(used[name], kind) for name, kind in _RESPONSES.items()}
    return pa.table({"row": row} | columns)


def _tool_calls(sums: Sequence[Sum]) -> pa.Table:
    places, calls = _calls_with_rows(sums)
    return pa.table(
        places
        | {
            "called_at": moments(call.created_at for call in calls),
            "tool": texts([call.tool for call in calls]),
            "server_url": texts([call.server_url for call in calls]),
            "injected": pa.array([call.injected for call in calls], pa.bool_()),
            "input_hash": pa.array([input_hash(call.input) for call in calls], pa.int64()),
        }
    )


def _tool_inputs(sums: Sequence[Sum]) -> pa.Table:
    places, calls = _calls_with_rows(sums)
    columns = {"input": texts([call.input for call in calls]), "error": texts([""] * len(calls))}
    return pa.table(places | columns)


def _calls_with_rows(sums: Sequence[Sum]) -> tuple[dict[str, pa.Array], list[ToolCall]]:
    every = [
        (row, ordinal, call)
        for row, each in enumerate(sums)
        for ordinal, call in enumerate(each.calls)
    ]
    places = {
        "row": pa.array([row for row, _, _ in every], pa.int32()),
        "ordinal": pa.array([ordinal for _, ordinal, _ in every], pa.uint32()),
    }
    return places, [call for _, _, call in every]


def _prompts(sums: Sequence[Sum]) -> pa.Table:
    every = [(row, each) for row, each in enumerate(sums) if each.prompt is not None]
    return pa.table(
        {
            "row": pa.array([row for row, _ in every], pa.int32()),
            "ordinal": pa.array([0] * len(every), pa.uint32()),
            "written_at": moments(each.started_at for _, each in every),
            "text": texts([each.prompt for _, each in every]),
        }
    )
