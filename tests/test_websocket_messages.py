"""What a page's websocket may say: the kinds that pages send, from readers, and no garbage."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest
import streamlit as st
from hypothesis import given, strategies
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bridgeboard.server.middleware.websockets import WebsocketMessages

Message = MutableMapping[str, Any]
KINDS = [one.name for one in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields]
PAYLOADS = [
    one.name
    for one in BackMsg.DESCRIPTOR.fields_by_name["backend_operation_request"]
    .message_type.oneofs_by_name["payload"]
    .fields
]
GONE = {"type": "websocket.disconnect", "code": 1001}


class Known:
    """Knows who is at the other end: somebody, or nobody."""

    def __init__(self, *, knows: bool) -> None:
        self.knows = knows

    def viewer(self, _scope: Message) -> object | None:
        return object() if self.knows else None


def passed(*frames: object, knows: bool = True) -> tuple[list[Any], list[Message]]:
    """What Streamlit hears of these frames, and what is sent back."""
    waiting = [
        {"type": "websocket.receive", "bytes" if isinstance(each, bytes) else "text": each}
        for each in frames
    ]
    heard: list[Any] = []
    sent: list[Message] = []

    async def streamlit(_scope: Message, receive: Any, _send: Any) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            heard.append(message["bytes"])
        heard.append(message["code"])

    async def receive() -> Message:
        return waiting.pop(0) if waiting else GONE

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(
        WebsocketMessages(streamlit, Known(knows=knows))(  # type: ignore[arg-type]  # it is asked that alone
            {"type": "websocket"}, receive, send
        )
    )
    return heard, sent


def message(kind: str) -> bytes:
    told = BackMsg()
    if kind in PAYLOADS:
        getattr(told.backend_operation_request, kind).SetInParent()
    elif BackMsg.DESCRIPTOR.fields_by_name[kind].message_type:
        getattr(told, kind).SetInParent()
    else:
        setattr(told, kind, True)
    return bytes(told.SerializeToString())


@pytest.mark.parametrize("kind", sorted({*KINDS, *PAYLOADS} - {"backend_operation_request"}))
def test_only_what_pages_need_is_passed_on_and_to_strangers_the_login_page_alone(kind: str) -> None:
    frame, run = message(kind), message("rerun_script")
    reader = {"rerun_script", "stop_script", "deferred_file"}
    assert passed(frame, run) == ([frame, run, 1001] if kind in reader else [run, 1001], [])
    heard, sent = passed(frame, run, knows=False)
    assert heard == [*([frame] if kind == "rerun_script" else []), run, 1001]
    assert bool(sent) == (kind == "deferred_file")
    for told in (ForwardMsg.FromString(each["bytes"]) for each in sent):
        assert "Log in again" in told.backend_operation_response.error_msg


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("clear_cache", 1003),
        ("", 1003),
        (b"", 1002),
        (b"\xff" * 40, 1002),
        (b"garbage that is long enough to be cut", 1002),
        (message("rerun_script")[:-1] + b"\x7f", 1002),
        (BackMsg(backend_operation_request={}).SerializeToString(), 1002),  # type: ignore[arg-type]  # as the library takes it
        (b"\0" * 1_048_577, 1009),
    ],
)
def test_what_is_no_message_ends_its_socket_and_is_not_passed_on(frame: object, code: int) -> None:
    heard, sent = passed(frame, message("rerun_script"))
    assert heard == [code]
    assert sent == [{"type": "websocket.close", "code": code}]


@given(
    frames=strategies.lists(strategies.binary(max_size=60), max_size=5),
    knows=strategies.booleans(),
)
def test_whatever_bytes_are_sent_none_but_known_kinds_get_through(
    frames: list[bytes], *, knows: bool
) -> None:
    heard, _ = passed(*frames, knows=knows)
    for frame in heard[:-1]:
        kind = BackMsg.FromString(frame).WhichOneof("type")
        assert kind == "rerun_script" or (knows and kind is not None)


def shown(told: ForwardMsg, *, knows: bool) -> bytes:
    """A message to the browser as it is sent."""
    sent: list[Message] = []

    async def streamlit(_scope: Message, _receive: Any, send: Any) -> None:
        await send({"type": "websocket.send", "bytes": told.SerializeToString()})

    async def send(message: Message) -> None:
        sent.append(message)

    begun = WebsocketMessages(streamlit, Known(knows=knows))  # type: ignore[arg-type]  # likewise
    asyncio.run(begun({"type": "websocket"}, None, send))  # type: ignore[arg-type]  # nothing comes
    return bytes(sent[0]["bytes"])


def test_a_page_that_names_a_version_is_sent_as_it_is() -> None:
    told = ForwardMsg()
    told.delta.new_element.text.body = f"Model {st.__version__}"
    assert shown(told, knows=False) == told.SerializeToString()
