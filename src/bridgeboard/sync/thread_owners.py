"""The owners of threads, where several people share a session id (api-contract 4.3, 4.6).

Details merge the threads of all of them without owners. The list has owners: filtered by session id
and the time at which a thread began, it has a row of whoever made a request then.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Final

import pyarrow as pa

from aibridge import AIBridgeError, Client, Search, Thread
from bridgeboard.store import Batch
from bridgeboard.store.erasure import Erased
from bridgeboard.sync.threads import Fetched, Owned, Owner

_INSTANT: Final = timedelta(microseconds=1)
"""The server knows no window of a single instant (api-contract 3.10)."""
_ROWS: Final = 100
_OWNERS: Final = """
SELECT s.id, s.session, s.initiator, i.id::VARCHAR, s.digest, s.client
FROM sessions s JOIN initiators i USING (initiator) JOIN wanted a ON a.id = s.id ORDER BY s.session
"""
_ROOTS: Final = """
SELECT id::VARCHAR, initiator FROM usage
WHERE grain = 'interception' AND id IN (SELECT id::UUID FROM roots)
UNION SELECT id::VARCHAR, initiator FROM threads WHERE id IN (SELECT id::UUID FROM roots)
"""


def initiators_of_threads(
    client: Client, session_id: str, threads: Sequence[Thread], known: Collection[str]
) -> tuple[dict[str, str], int]:
    """The initiators of threads by the threads' ids, and the number of requests sent.

    Left out are threads that are ``known``, and those of a time at which several people began a
    request. After an error no more threads are looked up; no owner is guessed.
    """
    owners: dict[str, str] = {}
    requests = 0
    with suppress(AIBridgeError):
        for thread in threads:
            if str(thread.id) not in known:
                requests += 1
                if (owner := _owner(client, session_id, thread)) is not None:
                    owners[str(thread.id)] = owner
    return owners, requests


def _owner(client: Client, session_id: str, thread: Thread) -> str | None:
    at = thread.started_at
    search = Search(session_id=session_id, started_after=at, started_before=at + _INSTANT)
    page = client.sessions_page(search, limit=_ROWS)
    initiators = {str(row.initiator.id) for row in page.sessions if row.started_at == at}
    is_whole = page.count == len(page.sessions)
    return initiators.pop() if is_whole and len(initiators) == 1 else None


def sessions_of(batch: Batch, ids: Sequence[str]) -> dict[str, list[Owner]]:
    """The sessions of each id, with their owners."""
    with batch.registered(wanted=pa.table({"id": pa.array(sorted(set(ids)), pa.string())})):
        rows = batch.rows(_OWNERS)
    ordered = sorted(rows, key=itemgetter(0))
    return {
        id_: [Owner(*row[1:]) for row in group] for id_, group in groupby(ordered, itemgetter(0))
    }


def is_alone(owners: Sequence[Owner], details: Fetched, erased: Erased) -> bool:
    """Whether the details of a session id belong to one initiator alone."""
    initiator = str(details.header.initiator.id) if details.header else ""
    return [each.initiator_id for each in owners] == [erased.present_id(initiator)]


def owned_threads(
    batch: Batch,
    fetched: Sequence[Fetched],
    owners: Mapping[str, Sequence[Owner]],
    alone: Collection[int],
    erased: Erased,
) -> list[Owned]:
    """Threads with their sessions; of a shared id only threads whose owner is known."""
    shared = [
        item
        for item in fetched
        if not {o.session for o in owners.get(item.id, ())}.intersection(alone)
    ]
    roots = _roots(batch, [str(thread.id) for item in shared for thread in item.threads])
    owned = []
    for item in fetched:
        by_initiator = {owner.initiator: owner for owner in owners.get(item.id, ())}
        by_id = {owner.initiator_id: owner for owner in owners.get(item.id, ())}
        only = next((o for o in by_initiator.values() if o.session in alone), None)
        for thread in item.threads:
            id_ = str(thread.id)
            owner = only or by_initiator.get(roots.get(id_, -1))
            owner = owner or by_id.get(erased.present_id(item.owners.get(id_, "")))
            if owner:
                owned.append(Owned(owner, item.id, thread))
    return owned


def _roots(batch: Batch, ids: list[str]) -> dict[str, int]:
    if not ids:
        return {}
    with batch.registered(roots=pa.table({"id": pa.array(ids, pa.string())})):
        return dict(batch.rows(_ROOTS))
