"""Whether an empty list is really empty.

The server does not refuse a token whose owner lost the role: it returns empty lists and no session
(api-contract 1.5). A window that counted as read then would never be asked for again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from aibridge import AIBridgeError, Capabilities, Client, DecodeError
from bridgeboard.sync.errors import UnreadableError

ATTEMPTS: Final = 5


def require_read_access(client: Client) -> Capabilities:
    """What server and token can do, if the token can read everybody's usage.

    To be called after an empty answer: if the token can still read, the answer was true.

    Raises:
        UnreadableError: when the token cannot.
        AIBridgeError: whatever the client could not overcome.
    """
    can = _capabilities(client)
    if can.problem:
        raise UnreadableError(can.problem)
    return can


@contextmanager
def confirming_empty_windows(
    client: Client, finish_empty: Callable[[Callable[[], object]], object]
) -> Iterator[None]:
    """Call ``finish_empty`` at the end of the block, with the check that empty answers were true.

    One check at the end holds for all answers before it. It is made after a failure too: a sync
    that fails now and then would otherwise never finish.
    """
    try:
        yield
    except AIBridgeError:
        with suppress(AIBridgeError):
            finish_empty(lambda: require_read_access(client))
        raise
    finish_empty(lambda: require_read_access(client))


def _capabilities(client: Client) -> Capabilities:
    for _ in range(ATTEMPTS - 1):
        try:
            return client.capabilities()
        except DecodeError:
            continue
    return client.capabilities()
