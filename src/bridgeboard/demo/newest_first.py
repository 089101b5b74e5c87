"""A bridge that answers about its newest days while the rest of its rows are still being made."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime

from bridgeboard.demo.api import query_parameters
from bridgeboard.demo.api.bridge import Bridge
from bridgeboard.demo.api.query_parameters import Endpoint


class NewestFirst:
    """Two bridges: one that has all calls that start from ``since`` on, and one that has all.

    ``make_whole`` makes the second in a thread of its own. Requests that the first would answer
    differently wait for it. No call starts at ``end`` or later.
    """

    def __init__(
        self, newest: Bridge, since: datetime, end: datetime, make_whole: Callable[[], Bridge]
    ) -> None:
        self._newest = newest
        self._first: dict[Endpoint, datetime] = {
            "interceptions": since,
            "sessions": end,  # one that goes on began earlier, perhaps before ``since``
        }
        self._whole: Future[Bridge] = Future()
        # As of one that runs: a request that is given up while it waits cancels its wait alone.
        self._whole.set_running_or_notify_cancel()
        # A daemon: who ends the process does not wait for it.
        threading.Thread(target=self._make, args=(make_whole,), daemon=True).start()

    async def bridge(self, path: str, query: bytes) -> Bridge:
        """The bridge to answer this request: at once, or when there is one that can."""
        if not self._whole.done() and self._is_in_newest(path, query):
            return self._newest
        return await asyncio.wrap_future(self._whole)

    def _make(self, make_whole: Callable[[], Bridge]) -> None:
        try:
            self._whole.set_result(make_whole())
        except BaseException as error:  # noqa: BLE001 - raised where a request waits for it
            self._whole.set_exception(error)

    def _is_in_newest(self, path: str, query: bytes) -> bool:
        """Whether the answer is about calls that the newest bridge has, or about none."""
        if "/ai/spend" in path:
            return False
        if not any(f"/{name}" in path for name in query_parameters.KEYS):
            return True
        endpoint = next((each for each in self._first if path.endswith(f"/{each}")), None)
        if endpoint is None:
            return False
        text = " ".join(query_parameters.parse_query(query).get("q", ()))
        try:
            wanted = query_parameters.parse(endpoint, text)
        except query_parameters.Invalid:
            return False
        after = wanted.started_after
        return after is not None and after >= self._first[endpoint]
