"""Websockets: only of our own pages, only messages that these need, and not for ever.

A browser sends the cookies of its reader along with a websocket that any page opens, and tells
whose page it was in the ``Origin`` header. That header is compared here, before Streamlit sees the
handshake: Streamlit accepts every port of this machine, and asks a host on the internet for our
own address before it refuses a name that it does not know.

By itself Streamlit does whatever any socket asks for: it empties everybody's caches, reads the
checkout with git, offers files for upload, writes files of its own. It also tells every socket
where the program lies, and which versions and system it runs on.

A proxy is asked who a reader is when a socket opens, and never again: without an end a page that
stands in a tab would be its reader's for ever. The browser opens a new socket by itself, for which
the proxy is asked anew.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import streamlit as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.runtime_util import get_max_widget_state_size_bytes

from bridgeboard.server.middleware.headers import comes_by_tls
from bridgeboard.server.middleware.requester import Requester
from bridgeboard.settings import Settings
from bridgeboard.settings.addresses import origin

RUN: Final = "rerun_script"
"""Run the page, with what was chosen and pressed: the login page needs no more."""
FILE: Final = "deferred_file"
"""Make a file that somebody wants to take away."""
MESSAGES: Final = frozenset({RUN, "stop_script", FILE})
"""What readers send: also the button that stops a page."""
NOT_A_MESSAGE: Final = 1002
"""Why a socket is closed, in the numbers of RFC 6455, as are the next three."""
NO_TEXT_FRAMES: Final = 1003
NOT_PERMITTED: Final = 1008
TOO_LARGE: Final = 1009
LOOKS: Final = 30
"""Seconds after which it is looked whether an idle socket's time is over."""
VERSION: Final = st.__version__.encode()

log = logging.getLogger(__name__)


class WebsocketOrigins:
    """Only websockets of our own pages are passed on; all others are answered with 403.

    A page is ours if its ``Origin`` is the address of that very request (scheme, host and port),
    or one that the settings name: that of ``redirect_url``, or a whole address in
    ``allowed_hosts``. A handshake without ``Origin`` is refused too: browsers always send one, so
    it is missing only where something on the way takes it out, and then nobody could tell a
    foreign page from ours.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.proxy = settings.proxy
        self.named = settings.origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on everything that is no websocket, and the websockets of our own pages."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        claimed, host = _only(scope, b"origin"), _only(scope, b"host")
        if not self._is_ours(scope, claimed, host):
            log.warning("a websocket of a page of %r was refused: its Host was %r", claimed, host)
            await send({"type": "websocket.close", "code": NOT_PERMITTED})
            return
        # Streamlit compares these two as texts: here they are one site already, whatever a proxy
        # made of the Host, and it has nothing left to ask.
        same = (b"host", urlsplit(claimed).netloc.encode("latin-1"))
        others = [pair for pair in scope["headers"] if pair[0].lower() != b"host"]
        await self.app({**scope, "headers": [same, *others]}, receive, send)

    def _is_ours(self, scope: Scope, claimed: str, host: str) -> bool:
        theirs = origin(claimed)
        if not theirs or theirs in self.named:
            return bool(theirs)
        if any(origin(f"{scheme}://{host}") in self.named for scheme in ("http", "https")):
            return False  # the settings say by which scheme browsers come to this host
        is_tls = scope.get("scheme") == "wss" or comes_by_tls(self.proxy, scope)
        return theirs == origin(f"{'https' if is_tls else 'http'}://{host}")


def _only(scope: Scope, name: bytes) -> str:
    """The value of a header that came exactly once; empty for every other."""
    values = [value for key, value in scope["headers"] if key.lower() == name]
    return str(values[0].decode("latin-1")) if len(values) == 1 else ""


class WebsocketExpiry:
    """A socket ends after ``login.hours``, and once the operator ends the logins of its reader."""

    def __init__(self, app: ASGIApp, requester: Requester, *, looks: float = LOOKS) -> None:
        self.app = app
        self.requester = requester
        self.looks = looks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through until a socket's time is over."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        socket = Socket(receive, send)
        login = self.requester.opened(scope)

        async def hear() -> Message:
            while True:
                message = None
                until = min(self.looks, self.requester.seconds_left(login))
                with suppress(TimeoutError):
                    message = await asyncio.wait_for(receive(), until)
                if await asyncio.to_thread(self.requester.is_over, login):  # it may ask a database
                    return await socket.close(NOT_PERMITTED)
                if message is not None:
                    return message

        await self.app(scope, hear, socket.send)


class Socket:
    """A websocket that can be closed on its way to the app, to which it has ended then."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._is_closed = False

    async def send(self, message: Message) -> None:
        """Pass a message on to the browser; after the end nothing is sent any more."""
        if not self._is_closed:
            await self._send(message)

    async def close(self, code: int) -> Message:
        """Close it, with a reason in the numbers of RFC 6455; what the app hears of that."""
        self._is_closed = True
        await self._send({"type": "websocket.close", "code": code})
        return {"type": "websocket.disconnect", "code": code}


class WebsocketMessages:
    """Of a socket's messages those in :data:`MESSAGES` are passed on, and only from readers.

    From somebody who is not known it is :data:`RUN` alone, which shows them the login page; a file
    that they ask for is refused and noted. Other kinds are dropped, and what is no message at all
    closes its socket.

    Args:
        requester: who is at the other end; None where nobody is asked, and everybody is a reader.
        note: what to do once in a socket that is refused a file.
    """

    def __init__(
        self,
        app: ASGIApp,
        requester: Requester | None,
        note: Callable[[], None] = lambda: None,
    ) -> None:
        self.app = app
        self.requester = requester
        self.note = note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through that is no websocket."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        is_reader = partial(self._is_reader, scope)
        socket = _FilteredSocket(is_reader, self.note, receive, send, was_reader=await is_reader())
        await self.app(scope, socket.receive, socket.send)

    async def _is_reader(self, scope: Scope) -> bool:
        if self.requester is None:
            return True
        return await asyncio.to_thread(self.requester.viewer, scope) is not None  # asks a database


class _FilteredSocket(Socket):
    """One socket as Streamlit sees it; ``is_reader`` says whether a reader is at its other end."""

    def __init__(
        self,
        is_reader: Callable[[], Awaitable[bool]],
        note: Callable[[], None],
        receive: Receive,
        send: Send,
        *,
        was_reader: bool,
    ) -> None:
        super().__init__(receive, send)
        self._is_reader = is_reader
        self._note = note
        self._dropped: set[str] = set()
        self._was_reader = was_reader

    async def receive(self) -> Message:
        """The next message that is passed on; the end of the socket if there is none."""
        while True:
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return message
            request = _read(message)
            if isinstance(request, int):
                log.warning("a socket was closed (%d): it sent what is no message", request)
                return await self.close(request)
            kind = _kind(request)
            if kind == RUN or (kind in MESSAGES and await self._is_reader()):
                return message
            await self._drop(kind, request)

    async def _drop(self, kind: str, request: BackMsg) -> None:
        """Do nothing with a message; who waits for a file is told that there is none."""
        is_new = kind not in self._dropped
        self._dropped.add(kind)
        if is_new:
            log.warning("messages of the kind %s were dropped", kind)
        if kind == FILE:
            if is_new:
                await asyncio.to_thread(self._note)  # it waits for the disk
            await self.send({"type": "websocket.send", "bytes": _refusal(request)})

    async def send(self, message: Message) -> None:
        """Send a message, without what it tells of the machine."""
        if VERSION in (message.get("bytes") or b""):
            data = _discreet(message["bytes"], to_reader=self._was_reader)
            message = {**message, "bytes": data}
        await super().send(message)


def _read(message: Message) -> BackMsg | int:
    """A message of a page, or the number that says why it is none."""
    data = message.get("bytes")
    if data is None:
        return NO_TEXT_FRAMES
    if len(data) > get_max_widget_state_size_bytes():
        return TOO_LARGE
    try:
        request = BackMsg.FromString(data)
    except Exception:  # noqa: BLE001 - protobuf's error, a dependency of Streamlit's and not of ours
        return NOT_A_MESSAGE
    return request if _kind(request) else NOT_A_MESSAGE


def _kind(request: BackMsg) -> str:
    """What a message asks for; empty if it asks for nothing."""
    kind = request.WhichOneof("type")
    if kind == "backend_operation_request":
        return request.backend_operation_request.WhichOneof("payload") or ""
    return kind or ""


def _refusal(request: BackMsg) -> bytes:
    """The answer to who asked for a file and is no reader."""
    answer = ForwardMsg()
    answer.backend_operation_response.request_id = request.backend_operation_request.request_id
    answer.backend_operation_response.error_msg = "Log in again: this file is not for you."
    return bytes(answer.SerializeToString())


def _discreet(data: bytes, *, to_reader: bool) -> bytes:
    """A message without what it tells of the machine and of where the program lies.

    Streamlit's version stays for readers: their page loads itself anew when it changes.
    """
    message = ForwardMsg.FromString(data)
    if not message.HasField("new_session"):
        return data
    message.new_session.main_script_path = ""
    initialize = message.new_session.initialize
    version = initialize.environment_info.streamlit_version if to_reader else ""
    initialize.ClearField("environment_info")
    initialize.environment_info.streamlit_version = version
    initialize.environment_info.SetInParent()
    initialize.ClearField("user_info")
    initialize.user_info.SetInParent()
    return bytes(message.SerializeToString())
