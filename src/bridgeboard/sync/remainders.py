"""Writes aggregate rows of sessions: from their details, and from totals beyond these."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import pyarrow as pa

from bridgeboard.store import Batch, aggregates
from bridgeboard.store.sessions import SUMS
from bridgeboard.sync.aggregates import Sum
from bridgeboard.sync.aggregates import aggregates as priced
from bridgeboard.sync.options import Context
from bridgeboard.sync.session_usage import THREADS_WITH_TOKENS, Piece, Spent, pieces
from bridgeboard.sync.threads import Owned, is_split


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
    rows = priced(sums, options.book, text=options.text)
    aggregates.replace_pieces(batch, thread_ids, rows)


def put_remainders(batch: Batch, sessions: pa.Table, context: Context) -> None:
    """Write the usage of sessions (column ``session``) beyond all rows that the store has of them.

    That is all of it before details are read; later what belongs to no thread that the server
    shows, or to threads whose tokens it leaves out (api-contract 4.4, 4.6).
    """
    missing = aggregates.lack(batch, sessions, THREADS_WITH_TOKENS).to_pylist()
    sums = [remainder for row in missing if any((remainder := _remainder(row)).spent)]
    rows = priced(sums, context.options.book, text=False)
    aggregates.replace_rests(batch, sessions, rows)


def _members(batch: Batch, threads: pa.Table) -> dict[str, dict[str, Spent]]:
    exact: dict[str, dict[str, Spent]] = defaultdict(dict)
    for thread, id_, *counts in (
        aggregates.members(batch, threads).to_pandas().itertuples(index=False)
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
        grain=row.grain,
        session=owner.session,
        initiator=owner.initiator,
        started_at=row.started_at,
        provider=thread.provider,
        model=row.model,
        client=owner.client,
        spent=row.spent,
        id=row.id,
        thread=row.thread,
        credential_kind=thread.credential_kind,
        threads=row.threads,
        requests=row.requests,
        prompt=thread.prompt if row.prompts else None,
        prompts=row.prompts,
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
