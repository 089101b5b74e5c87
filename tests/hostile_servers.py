"""Servers that are good for a while, and what they may turn into in the middle of a sync."""

import socket
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache
from typing import Any, NamedTuple

import bridge_transport
import demo_sync
import httpx

from aibridge import (
    AIBridgeError,
    AuthenticationError,
    Client,
    DecodeError,
    NameResolutionError,
    RedirectError,
)
from bridgeboard import sync
from bridgeboard.demo import api
from bridgeboard.demo.records import Tables
from bridgeboard.store import Store
from bridgeboard.sync import Options, UnreadableError

PAGE_SIZE = 10
SINCE = demo_sync.NOW - timedelta(days=8)
UNLIMITED = api.Switches(rate_limit=None)
OFF = api.Switches(rate_limit=None, enabled=False)


@cache
def tables() -> Tables:
    """The last requests of the small company, of more than a dozen sessions."""
    return demo_sync.latest(160)


def owner() -> str:
    return api.tokens(tables(), 1)["owner"]


def good(profile: str = "v2.34", **options: Any) -> httpx.BaseTransport:
    return bridge_transport.Transport(demo_sync.bridge(tables(), profile=profile, **options))


def place(request: httpx.Request) -> str:
    """What is asked for: ``interceptions``, ``sessions``, ``details`` or anything else."""
    *_, before, last = request.url.path.split("/")
    return "details" if before == "sessions" else last


class Turning(httpx.BaseTransport):
    """One server until so many requests for a place were answered; from then on another."""

    def __init__(
        self, before: httpx.BaseTransport, after: httpx.BaseTransport, where: str, answers: int
    ) -> None:
        self._lock = threading.Lock()
        self._now = before
        self._after = after
        self._where = where
        self._left = answers

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            self._left -= place(request) == self._where
            if self._left < 0:
                self._now = self._after
            return self._now.handle_request(request)


class Dated(httpx.BaseTransport):
    """A good server that thinks it is another time."""

    def __init__(self, date: str | datetime) -> None:
        self._inner = good()
        self._date = date if isinstance(date, str) else format_datetime(date, usegmt=True)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        told = self._inner.handle_request(request)
        told.headers["Date"] = self._date
        return told


def synced(held: Store, transport: httpx.BaseTransport, **options: Any) -> None:
    """One whole sync."""
    with Client(
        demo_sync.ADDRESS,
        owner(),
        transport=transport,
        retry=demo_sync.at_once(1),
        clock=demo_sync.NOW.timestamp,
    ) as client:
        chosen = Options(**{"page_size": PAGE_SIZE, "workers": 2, "since": SINCE} | options)
        list(sync.run(client, held, chosen, demo_sync.NOW))


def _expired() -> httpx.BaseTransport:
    return bridge_transport.Transport(api.Bridge(tables(), tokens={}, switches=UNLIMITED))


def _demoted() -> httpx.BaseTransport:
    member = api.holders(tables(), api.tokens(tables(), 1))[api.tokens(tables(), 1)["member"]]
    return bridge_transport.Transport(
        api.Bridge(tables(), tokens={owner(): member}, switches=UNLIMITED)
    )


def _login_page(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<!doctype html><title>Sign in</title>")


def _moved(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(302, headers={"Location": "https://elsewhere.example/"})


def _nowhere(request: httpx.Request) -> httpx.Response:
    cause = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    raise httpx.ConnectError("Name or service not known", request=request) from cause


def _lost(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(404, text="404 page not found")


class Trouble(NamedTuple):
    """What a server may turn into, the error that this is, and what it tells people to do."""

    server: Callable[[], httpx.BaseTransport]
    error: type[AIBridgeError]
    told: str


TROUBLES = {
    "token expired": Trouble(_expired, AuthenticationError, "coder tokens create"),
    "role lost": Trouble(_demoted, UnreadableError, "owner or auditor"),
    "switched off": Trouble(lambda: good(switches=OFF), AIBridgeError, "ask the operator"),
    "login page": Trouble(lambda: httpx.MockTransport(_login_page), DecodeError, "login page"),
    "redirect": Trouble(
        lambda: httpx.MockTransport(_moved), RedirectError, "https://elsewhere.example"
    ),
    "no such host": Trouble(lambda: httpx.MockTransport(_nowhere), NameResolutionError, "DNS"),
    "another server": Trouble(lambda: httpx.MockTransport(_lost), AIBridgeError, "404"),
}
