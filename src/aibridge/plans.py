"""Types of the plans that tell a client which request to send next.

A plan is a generator. It yields a ``Call`` and is sent the value of its answer, or thrown the
error; it yields ``Resolve`` and is sent a ``Route``; it yields a ``Batch`` to hand items to the
caller. Plans hold all that is to be known about order, so that the synchronous and the
asynchronous client cannot drift apart.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from aibridge.calls import Call, Route
from aibridge.errors import AIBridgeError, EndpointGoneError, RouteNotFoundError

T = TypeVar("T")


@dataclass(frozen=True)
class Resolve:
    """Ask where AI Bridge is; anew, if ``stale`` is what is remembered."""

    stale: Route | None = None


@dataclass(frozen=True)
class Batch(Generic[T]):
    """Items for the caller, in order."""

    items: tuple[T, ...]


Plan: TypeAlias = Generator[Call[Any] | Resolve, Any, T]
Walk: TypeAlias = Generator[Call[Any] | Resolve | Batch[T], Any, None]


def routed(call: Call[T]) -> Plan[T]:
    """The call at the place where this server keeps it; once more if the server has changed.

    A server that is upgraded or rolled back between two calls moves the prefix (api-contract
    6.3) and takes or brings back ``/interceptions``.
    """
    route: Route = yield Resolve()
    try:
        value: T = yield call.on(route)
    except (RouteNotFoundError, EndpointGoneError) as error:
        refused = error
    else:
        return value
    fresh: Route = yield Resolve(stale=route)
    if fresh == route:
        raise refused
    value = yield call.on(fresh)
    return value


class Runner(Generic[T]):
    """A plan or walk on its way. ``result`` is what a plan returned, once it has ended."""

    result: T

    def __init__(self, plan: Generator[Any, Any, T]) -> None:
        self._plan = plan

    def proceed(self, value: object = None, error: AIBridgeError | None = None) -> Any:
        """Give it the outcome of its last step; take its next one, or None when it has ended."""
        try:
            return self._plan.throw(error) if error else self._plan.send(value)
        except StopIteration as stop:
            self.result = stop.value
            return None
