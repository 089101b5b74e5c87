"""Passes only those websocket messages that our pages need.

By itself Streamlit does whatever any socket asks for: it empties everybody's caches, reads the
checkout with git, offers files for upload, writes files of its own. It also tells every socket
where the program lies, and which versions and system it runs on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import streamlit as st
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.runtime_util import get_max_widget_state_size_bytes

from bridgeboard.server.middleware.asgi import ASGIApp, Message, Receive, Send, Socket
from bridgeboard.server.middleware.identity import Requester

RUN: Final = "rerun_script"
"""Run the page, with what was chosen and pressed: the entrance needs no more."""
FILE: Final = "deferred_file"
"""Make a file that somebody wants to take away."""
MESSAGES: Final = frozenset({RUN, "stop_script", FILE})
"""What readers send: also the button that stops a page."""
NOT_A_MESSAGE: Final = 1002
"""Why a socket is closed, in the numbers of RFC 6455, as are the next two."""
NO_TEXT_FRAMES: Final = 1003
TOO_LARGE: Final = 1009
VERSION: Final = st.__version__.encode()

log = logging.getLogger(__name__)


class WebsocketMessages:
    """Of a socket's messages those in :data:`MESSAGES` are passed on, and only from readers.

    From somebody who is not known it is :data:`RUN` alone, which shows them the entrance; a file
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

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass everything through that is no websocket."""
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        is_reader = partial(self._is_reader, scope)
        socket = _FilteredSocket(is_reader, self.note, receive, send, was_reader=await is_reader())
        await self.app(scope, socket.receive, socket.send)

    async def _is_reader(self, scope: Message) -> bool:
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
