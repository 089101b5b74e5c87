"""Whether nothing is really nothing.

A token whose owner loses the role is not refused: its lists are empty and no session exists
(api-contract 1.5). What is taken for read then would never be asked for again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from aibridge import AIBridgeError, Capabilities, Client, DecodeError
from bridgeboard.sync.errors import UnreadableError

ATTEMPTS: Final = 5


def readable(client: Client) -> Capabilities:
    """What server and token can do, if they can let us see everybody's usage.

    Whoever was told of nothing asks afterwards: only then it was the truth.

    Raises:
        UnreadableError: when they cannot.
        AIBridgeError: whatever the client could not overcome.
    """
    can = _capabilities(client)
    if can.problem:
        raise UnreadableError(can.problem)
    return can


@contextmanager
def believing(client: Client, believe: Callable[[Callable[[], object]], object]) -> Iterator[None]:
    """Let ``believe`` count as read what was told to be empty in the block.

    One question at the end answers for all that was told before it. After a failure it is asked
    too: or what fails now and then would never come to its end.
    """
    try:
        yield
    except AIBridgeError:
        with suppress(AIBridgeError):
            believe(lambda: readable(client))
        raise
    believe(lambda: readable(client))


def _capabilities(client: Client) -> Capabilities:
    for _ in range(ATTEMPTS - 1):
        try:
            return client.capabilities()
        except DecodeError:
            continue
    return client.capabilities()
