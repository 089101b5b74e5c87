"""Whose the threads of a session id are that several people share (api-contract 4.3, 4.6).

Details merge the threads of all of them and do not say whose each is. The list does: narrowed to
the session id and the moment at which a thread began, it has a row of whoever made a request then.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

from aibridge import AIBridgeError, Client, Search, Thread

_INSTANT: Final = timedelta(microseconds=1)
"""The server knows no window of a single instant (api-contract 3.10)."""
_ROWS: Final = 100


def whose(
    client: Client, session_id: str, threads: Sequence[Thread], known: Collection[str]
) -> tuple[dict[str, str], int]:
    """The initiators of threads by the threads' ids, and how many questions that took.

    Left out are threads that are ``known``, and those of a moment in which several people began a
    request. A server that does not answer is asked no further: nobody is guessed at.
    """
    owners: dict[str, str] = {}
    asked = 0
    with suppress(AIBridgeError):
        for thread in threads:
            if str(thread.id) not in known:
                asked += 1
                if (owner := _owner(client, session_id, thread)) is not None:
                    owners[str(thread.id)] = owner
    return owners, asked


def _owner(client: Client, session_id: str, thread: Thread) -> str | None:
    at = thread.started_at
    search = Search(session_id=session_id, started_after=at, started_before=at + _INSTANT)
    page = client.sessions_page(search, limit=_ROWS)
    begun = {str(row.initiator.id) for row in page.sessions if row.started_at == at}
    is_whole = page.count == len(page.sessions)
    return begun.pop() if is_whole and len(begun) == 1 else None
