"""Connecting as a fresh browser tab does, in asyncio or from plain functions."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache, wraps
from http.cookies import SimpleCookie
from inspect import iscoroutinefunction
from ssl import SSLContext
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from .nodes import LateError
from .sessions import PATIENCE, ZONE, Session

_PLACEHOLDER = "PLACEHOLDER_AUTH_TOKEN"
LOOK_SECONDS = 0.1
WAITING_LOOKS = 2
_XSRF = "_streamlit_xsrf"


@asynccontextmanager
async def session(
    address: str,
    page: str = "",
    *,
    headers: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
    keeps: bool = True,
    zone: str = ZONE,
    tls: SSLContext | None = None,
    resumes: str = "",
    **query: str | Sequence[str],
) -> AsyncIterator[Session]:
    """Connect, open a page as a fresh browser tab does, and close in the end.

    ``keeps`` says whether ``raw`` grows; ``resumes`` is the id of a session that was cut off.
    ``query`` is the query of the address, a list where a parameter stands in it several times.
    """
    given = {name.title(): value for name, value in (headers or {}).items()}
    place = urlsplit(address)
    host, path = given.pop("Host", place.netloc), place.path.rstrip("/")
    cookies = SimpleCookie(given.get("Cookie", ""))
    xsrf = cookies[_XSRF].value if _XSRF in cookies else _PLACEHOLDER
    opening = connect(
        f"{'wss' if place.scheme == 'https' else 'ws'}://{host}{path}/_stcore/stream",
        host=place.hostname,
        port=place.port or (443 if place.scheme == "https" else 80),
        origin=Origin(given.pop("Origin", f"{place.scheme}://{host}")),
        additional_headers=given,
        subprotocols=[Subprotocol(word) for word in ("streamlit", xsrf, resumes) if word],
        max_size=None,
        max_queue=None,  # as long as nobody reads, pings are answered all the same
        open_timeout=patience,
        ping_interval=None,  # browsers send none
        proxy=None,
        ssl=tls,
        user_agent_header=None,
    )
    trust = tls or place.scheme == "https"
    http = httpx.AsyncClient(
        base_url=address,
        headers=given | {"Host": host},
        verify=trust,
        trust_env=False,
        timeout=patience,
    )
    text = urlencode(query, doseq=True)
    async with http, opening as socket:
        one = Session(socket, http, query=text, patience=patience, keeps=keeps, zone=zone)
        await one.load(page)
        yield one


class Visit:
    """A session whose calls wait by themselves; made by ``visit``."""

    def __init__(self, told: Session) -> None:
        self._told = told

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._told, name)
        if not iscoroutinefunction(value):
            return value
        return wraps(value)(lambda *args, **named: _wait(value(*args, **named)))


@contextmanager
def visit(address: str, page: str = "", **options: Any) -> Iterator[Visit]:
    """The same as ``session`` for plain functions."""
    opening = session(address, page, **options)
    told = _wait(opening.__aenter__())
    try:
        yield Visit(told)
    finally:
        _wait(opening.__aexit__(None, None, None))


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """The thread that answers the server's pings while a test thinks."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="wire", daemon=True).start()
    return loop


def _wait(work: Any) -> Any:
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


def await_sync(address: str, patience: float = 5 * PATIENCE) -> None:
    """Wait until the dashboard at an address has read all that its deployment lists.

    A round that left details to the next one is good as well, and the next one begins at once: it
    must be found waiting twice in a row.
    """
    until, waiting = monotonic() + patience, 0
    with httpx.Client(base_url=address, trust_env=False, timeout=patience) as asked:
        while waiting < WAITING_LOOKS:
            sync = asked.get("healthz").json()["sync"]
            is_waiting = sync["last_good_at"] and sync["state"] == "waiting"
            waiting = waiting + 1 if is_waiting else 0
            if monotonic() > until:
                raise LateError(f"waited {patience:g} s for the first sync")
            sleep(LOOK_SECONDS)
