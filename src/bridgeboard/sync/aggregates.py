"""Writes token sums of threads and sessions as priced rows of usage (docs/costs.md 2).

They come from a session's details, and from its total beyond these.

They are less accurate than requests with all their responses: a sum of several responses stays in
the first price tier, a stream's output is counted as the server counts it, and a remainder is
priced at the model of its thread's root (api-contract 4.4).
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from aibridge import ToolCall
from bridgeboard import pricing
from bridgeboard.pricing import Book
from bridgeboard.store import Batch, UsageTables
from bridgeboard.store import aggregates as stored_sums
from bridgeboard.store.sessions import SUMS
from bridgeboard.sync import families
from bridgeboard.sync.arrow_columns import moments, texts
from bridgeboard.sync.options import Context
from bridgeboard.sync.session_usage import THREADS_WITH_TOKENS, Piece, Spent, pieces
from bridgeboard.sync.threads import Owned, is_split
from bridgeboard.sync.translate import (
    COUNTS,
    Children,
    money_columns,
    prompt_table,
    response_table,
    tool_call_table,
    tool_input_table,
)


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
    calls = [call for each in sums for call in each.calls]
    called = Children.of([len(each.calls) for each in sums])
    prompts = [(each.started_at, each.prompt) for each in sums if each.prompt is not None]
    written = Children.of([each.prompt is not None for each in sums])
    return UsageTables(
        usage=_usage(sums, priced, used),
        responses=response_table(used, used.index),
        tool_calls=tool_call_table(calls, called),
        prompts=prompt_table(prompts, written) if text else None,
        tool_inputs=tool_input_table(calls, called, [""] * len(calls)) if text else None,
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
        **money_columns(used, used.index.to_numpy(dtype=np.int64), len(sums)),
        "responses": zeros,
        "prompts": pa.array([each.prompts for each in sums], pa.uint32()),
        "tool_calls": pa.array([len(each.calls) for each in sums], pa.uint32()),
        "injected": pa.array([sum(c.injected for c in each.calls) for each in sums], pa.uint32()),
        "tool_errors": zeros,
        **{
            f"{name}_sum": pa.array([getattr(each.spent, name) for each in sums], pa.int64())
            for name in COUNTS
        },
        "digest": np.zeros(len(sums), dtype=np.int64),
    }
    return pa.table(columns)


def put_pieces(batch: Batch, owned: Sequence[Owned], context: Context) -> None:
    """Write the usage of threads for requests that the store does not have one by one."""
    if not owned:
        return
    thread_ids = pa.table({"id": pa.array([each.id for each in owned], pa.string())})
    exact = _members(batch, thread_ids)
    by_session: dict[int, list[Owned]] = defaultdict(list)
    for each in owned:
        by_session[each.owner.session].append(each)
    sums = [one for group in by_session.values() for one in _sums(group, exact)]
    options = context.options
    rows = aggregates(sums, options.book, text=options.text)
    stored_sums.replace_pieces(batch, thread_ids, rows)
    if rows:
        families.learn(batch, rows.usage["model"])


def put_remainders(batch: Batch, sessions: pa.Table, context: Context) -> None:
    """Write the usage of sessions (column ``session``) beyond all rows that the store has of them.

    That is all of it before details are read; later what belongs to no thread that the server
    shows, or to threads whose tokens it leaves out (api-contract 4.4, 4.6).
    """
    missing = stored_sums.lack(batch, sessions, THREADS_WITH_TOKENS).to_pylist()
    sums = [remainder for row in missing if any((remainder := _remainder(row)).spent)]
    rows = aggregates(sums, context.options.book, text=False)
    stored_sums.replace_remainders(batch, sessions, rows)


def _members(batch: Batch, threads: pa.Table) -> dict[str, dict[str, Spent]]:
    exact: dict[str, dict[str, Spent]] = defaultdict(dict)
    for thread, id_, *counts in (
        stored_sums.members(batch, threads).to_pandas().itertuples(index=False)
    ):
        exact[thread][id_] = Spent(*map(int, counts))
    return exact


def _sums(group: Sequence[Owned], exact: dict[str, dict[str, Spent]]) -> list[Sum]:
    by_id = {each.id: each for each in group}
    rows = pieces([each.usage for each in group], exact)
    return [_sum(by_id[row.thread], row) for row in rows]


def _sum(owned: Owned, row: Piece) -> Sum:
    thread, owner = owned.thread, owned.owner
    action = owned.first_actions[row.id] if row.grain == "action" else None
    return Sum(
        **row._asdict(),
        session=owner.session,
        initiator=owner.initiator,
        provider=thread.provider,
        client=owner.client,
        credential_kind=thread.credential_kind,
        prompt=thread.prompt if row.prompts else None,
        calls=action.tool_calls if action else (),
        is_split=is_split(action.token_usage if action else thread.token_usage),
    )


def _remainder(row: dict[str, Any]) -> Sum:
    counts = (row[name] for name in SUMS)
    return Sum(
        grain="session",
        session=row["session"],
        initiator=row["initiator"],
        started_at=row["started_at"].replace(tzinfo=UTC),
        provider=row["provider"],
        model=row["model"],
        client=row["client"],
        spent=Spent(*counts),
    )
