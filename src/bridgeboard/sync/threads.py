"""Translates a session's details from the API into tables (api-contract 4.4 to 4.6, 5.7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Final

import pyarrow as pa

from aibridge import AgenticAction, SessionDetail, Thread, TokenCounts, TokenSums
from bridgeboard import pricing
from bridgeboard.store.sessions import SUMS, Details
from bridgeboard.sync import session_usage
from bridgeboard.sync.arrow_columns import moments, texts
from bridgeboard.sync.session_usage import NOTHING, Spent
from bridgeboard.sync.translate import COUNTS, MOST

SPLIT = frozenset({"cache_ephemeral_1h_input", "cache_ephemeral_5m_input"})
"""Metadata with separate counts of cache writes of 1 hour and 5 minutes (docs/costs.md 2)."""

token_counts: Final = attrgetter(*COUNTS.values())
"""The four token counts of anything that the server counts, in our order."""


@dataclass(frozen=True)
class Owner:
    """A session of the store: its keys, and the columns that its usage rows copy."""

    session: int
    initiator: int
    initiator_id: str
    digest: int
    client: str | None


@dataclass(frozen=True)
class Fetched:
    """The details of one session id, or why there are none.

    ``is_final``: reading again is useless until the session changes in the list. ``owners`` are
    initiator ids by thread id, as far as they were looked up.
    """

    id: str
    header: SessionDetail | None = None
    threads: tuple[Thread, ...] = ()
    problem: str | None = None
    is_final: bool = True
    owners: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Owned:
    """A thread with the session it belongs to."""

    owner: Owner
    session_id: str
    thread: Thread

    @cached_property
    def id(self) -> str:
        """The thread's id, which is that of its root request."""
        return str(self.thread.id)

    @cached_property
    def actions(self) -> tuple[tuple[str, AgenticAction], ...]:
        """The actions whose request is known, with its id: only tool calls name a request."""
        return tuple(
            (str(each.tool_calls[0].interception_id), each)
            for each in self.thread.agentic_actions
            if each.tool_calls
        )

    @cached_property
    def first_actions(self) -> Mapping[str, AgenticAction]:
        """The first action of each request that called tools."""
        return dict(reversed(self.actions))

    @cached_property
    def usage(self) -> session_usage.Thread:
        """The thread as ``session_usage`` takes it."""
        thread = self.thread
        return session_usage.Thread(
            self.id,
            thread.model,
            thread.started_at,
            spent(thread.token_usage),
            thread.prompt is not None,
            tuple(
                session_usage.Action(
                    id_, each.model, each.tool_calls[0].created_at, spent(each.token_usage)
                )
                for id_, each in self.actions
            ),
        )


def counted(counts: TokenCounts) -> dict[str, int]:
    """The four sums under our names, cut to ``MOST`` (docs/costs.md 4)."""
    return dict(zip(SUMS, map(_cut, token_counts(counts)), strict=True))


def spent(sums: TokenSums) -> Spent:
    """The four sums, with the counts from the summed metadata (api-contract 4.7)."""
    if not sums.metadata:
        return Spent(*map(_cut, token_counts(sums)))
    extras = pricing.extras(sums.metadata)
    hour, searches = (int(extras.get(name, 0)) for name in ("cache_write_1h", "web_searches"))
    return Spent(*map(_cut, (*token_counts(sums), hour, searches)))


def is_split(sums: TokenSums) -> bool:
    """Whether the metadata counts the two kinds of cache writes separately."""
    return not SPLIT.isdisjoint(sums.metadata or {})


def details(
    read: Mapping[Owner, Fetched], owned: Sequence[Owned], alone: Iterable[Owner], *, text: bool
) -> Details:
    """The store's tables of details.

    Args:
        read: the details of each session that was read.
        owned: the threads whose session is known.
        alone: sessions whose id nobody shares: only their headers describe one session.
        text: whether thoughts are kept.
    """
    headers = [(owner, header) for owner in alone if (header := read[owner].header)]
    return Details(
        read=pa.table(
            {
                "session": pa.array([owner.session for owner in read], pa.int64()),
                "digest": pa.array(
                    [owner.digest if item.is_final else None for owner, item in read.items()],
                    pa.int64(),
                ),
                "problem": pa.array([item.problem for item in read.values()], pa.string()),
            }
        ),
        headers=pa.table(
            {
                "session": pa.array([owner.session for owner, _ in headers], pa.int64()),
                "started_at": moments(header.started_at for _, header in headers),
                "ended_at": moments(header.ended_at for _, header in headers),
                **_sums([header.token_usage_summary for _, header in headers]),
            }
        ),
        threads=_threads(owned),
        thinking=_thinking(owned if text else ()),
    )


def requests(owned: Sequence[Owned]) -> pa.Table:
    """All requests that threads name, for ``request_links.by_id``, each once."""
    # A thread names its root, and those requests that called tools.
    named = [(each.id, *(id_ for id_, _ in each.actions)) for each in owned]
    threads = pa.table(
        {
            "session_id": texts([each.session_id for each in owned]),
            "thread": pa.array([each.id for each in owned], pa.string()),
            "credential_kind": texts([each.thread.credential_kind for each in owned]),
            "started_at": moments(each.thread.started_at for each in owned),
            "ended_at": moments(_end(each.thread) for each in owned),
        }
    )
    rows = pa.array([place for place, ids in enumerate(named) for _ in ids], pa.int64())
    ids = pa.array([id_ for ids in named for id_ in ids], pa.string())
    table = threads.take(rows).append_column("id", ids)
    return table.group_by(table.column_names).aggregate([])


def _threads(owned: Sequence[Owned]) -> pa.Table:
    threads = [each.thread for each in owned]
    acted = [_acted(each.usage) for each in owned]
    sums = _sums([thread.token_usage for thread in threads])
    return pa.table(
        {
            "session": pa.array([each.owner.session for each in owned], pa.int64()),
            "id": pa.array([each.id for each in owned], pa.string()),
            "initiator": pa.array([each.owner.initiator for each in owned], pa.int32()),
            "provider": texts([thread.provider for thread in threads]),
            "model": texts([thread.model for thread in threads]),
            "credential_kind": texts([thread.credential_kind for thread in threads]),
            "credential_hint": texts([thread.credential_hint for thread in threads]),
            "started_at": moments(thread.started_at for thread in threads),
            "ended_at": moments(_end(thread) for thread in threads),
            **sums,
            **{
                f"{name}_acted": pa.array([each[place] for each in acted], pa.int64())
                for place, name in enumerate(sums)
            },
            "actions": pa.array([len(thread.agentic_actions) for thread in threads], pa.uint32()),
            "error_type": texts([thread.error_type for thread in threads]),
            "error_message": texts([thread.error_message for thread in threads]),
        }
    )


def _acted(thread: session_usage.Thread) -> Spent:
    total = NOTHING
    for action in thread.actions:
        total = total.plus(action.spent)
    return total


def _thinking(owned: Iterable[Owned]) -> pa.Table:
    thoughts = [
        (each, id_, ordinal, thought.text)
        for each in owned
        for id_, action in each.actions
        for ordinal, thought in enumerate(action.thinking)
    ]
    return pa.table(
        {
            "session": pa.array([each.owner.session for each, *_ in thoughts], pa.int64()),
            "interception": pa.array([id_ for _, id_, *_ in thoughts], pa.string()),
            "started_at": moments(each.thread.started_at for each, *_ in thoughts),
            "ordinal": pa.array([ordinal for *_, ordinal, _ in thoughts], pa.uint32()),
            "text": texts([text for *_, text in thoughts]),
        }
    )


def _sums(counts: Sequence[TokenCounts]) -> dict[str, pa.Array]:
    rows = [counted(each) for each in counts]
    return {name: pa.array([row[name] for row in rows], pa.int64()) for name in SUMS}


def _end(thread: Thread) -> datetime:
    return thread.ended_at or thread.started_at


def _cut(count: int) -> int:
    return count if -MOST <= count <= MOST else max(-MOST, min(count, MOST))
