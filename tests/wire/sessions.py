"""One reader's side of the protocol: what a browser sends, and what it waits for."""

import asyncio
import html
import io
import json
import zipfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from uuid import uuid4

import httpx
import pyarrow.parquet as pq
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.asyncio.client import ClientConnection

from .nodes import STATEFUL, LateError, Node, WireError
from .screens import Screen

PATIENCE = 60.0
ZONE = "Europe/Berlin"
TRIGGERS = ("trigger_value", "string_trigger_value", "json_trigger_value")
"""Kinds of values that hold for one run only: presses."""
_EVENTS = "$$STREAMLIT_INTERNAL_KEY_{}__events"


@dataclass(frozen=True)
class Run:
    """What one answer of the server took.

    Attributes:
        seconds: from our message to its last one.
        messages: how many it sent.
        bytes: how large they were, uncompressed.
        runs: how often the script began, reruns of its own included.
    """

    seconds: float
    messages: int
    bytes: int
    runs: int


class Session:
    """One open websocket and the screen behind it; made by ``visits.session``.

    Every call that runs the page returns once the run has ended with all its parts and reruns.
    """

    def __init__(
        self,
        socket: ClientConnection,
        http: httpx.AsyncClient,
        *,
        query: str = "",
        patience: float = PATIENCE,
        keeps: bool = True,
        zone: str = ZONE,
    ) -> None:
        self.screen = Screen(query)
        self.raw: list[bytes] = []
        self._socket = socket
        self._http = http
        self._patience = patience
        self._keeps = keeps
        self._zone = zone
        self._values: dict[str, WidgetState] = {}
        self._shown: dict[str, Node] = {}

    async def load(self, name: str = "") -> Run:
        """Open the page of that name in the address; the start page has none."""
        return await self._run(name=name)

    async def turn(self, name: str) -> Run:
        """Follow the navigation to a page; filters stay, as they do in a browser."""
        if name not in self.screen.pages:
            raise WireError(f"no page {name!r}; there are: {sorted(self.screen.pages)}")
        page = self.screen.pages[name]
        links = [node.told for node in self.screen.of("page_link")]
        query = next((link.query_string for link in links if link.page_script_hash == page), "")
        return await self._leave(page, query)

    async def follow(self, what: str) -> Run:
        """Press a link to a page, with the query that it carries."""
        link = self.screen.find(what, "page_link").told
        return await self._leave(link.page_script_hash, link.query_string)

    async def press(self, what: str | Node) -> Run:
        """Press a button."""
        return await self.set(self._node(what, "button"), "trigger_value", value=True)

    async def pick(self, what: str | Node, entry: str) -> Run:
        """Choose an entry of a menu."""
        return await self.set(self._node(what, "menu_button"), "string_trigger_value", entry)

    async def choose(self, what: str | Node, value: str | Sequence[str]) -> Run:
        """Choose a value of a box, a radio or a group of buttons; a list where there are several.

        Values are words as the screen shows them.
        """
        node = self._node(what, "multiselect", "button_group", "selectbox", "radio")
        if node.kind in {"selectbox", "radio"}:
            return await self.set(node, "string_value", value)
        values = [value] if isinstance(value, str) else list(value)
        return await self.set(node, "string_array_value", values)

    async def clear(self, what: str | Node) -> Run:
        """Choose nothing in a box that may be empty."""
        node = self._node(what, "multiselect", "selectbox")
        if node.kind == "selectbox":
            return await self.set(node, "string_value", None)
        return await self.set(node, "string_array_value", [])

    async def toggle(self, what: str | Node, *, on: bool) -> Run:
        """Set a checkbox or toggle."""
        return await self.set(self._node(what, "checkbox"), "bool_value", on)

    async def write(self, what: str | Node, words: str) -> Run:
        """Write into a text box and leave it."""
        return await self.set(self._node(what, "text_input", "text_area"), "string_value", words)

    async def number(self, what: str | Node, value: float | None) -> Run:
        """Write a number into a box, or nothing; choose a page where pages are turned by number."""
        node = self._node(what, "number_input", "pagination")
        field = "int_value" if node.kind == "pagination" else "double_value"
        return await self.set(node, field, value)

    async def dates(self, what: str | Node, *days: str) -> Run:
        """Choose days, written 2026-11-24."""
        node = self._node(what, "date_input")
        return await self.set(node, "string_array_value", list(days))

    async def open(self, what: str | Node, *, tab: str = "") -> Run:
        """Open an expander or popover, or a tab of a row of tabs.

        Without a key or a reaction of its own a fold is the browser's alone: it is open already.
        """
        node = self._node(what, *STATEFUL)
        if node.kind == "tab_container":
            return await self.set(node, "string_value", tab)
        return await self.set(node, "bool_value", value=True)

    async def close(self, what: str | Node) -> Run:
        """Close an expander or popover."""
        return await self.set(self._node(what, *STATEFUL), "bool_value", value=False)

    async def follow_row(self, what: str | Node, row: int) -> Run:
        """Follow the link of a row in a table of our own, which leads on as Back does."""
        page, _, query = self._node(what, "bidi_component").links[row].partition("?")
        if page:
            return await self._leave(self.screen.pages[page], query, is_history=True)
        self.screen.query = query
        return await self._run(is_history=True)

    async def select_marks(self, what: str | Node, selection: Mapping[str, Any]) -> Run:
        """Click in a chart: names of its selections, and what each holds."""
        told = json.dumps({"selection": selection})
        return await self.set(self._node(what, "vega_lite_chart"), "string_value", told)

    async def trigger(self, what: str | Node, event: str, value: object) -> Run:
        """What a component of our own tells: a table, ``sorted`` and its order."""
        node = self._node(what, "bidi_component")
        told = json.dumps([{"event": event, "value": value}])
        return await self.set(node, "json_trigger_value", told, id_=_EVENTS.format(node.id))

    async def set(self, node: Node, field: str, value: Any, *, id_: str = "") -> Run:
        """Give a widget a value, by the field of the protocol; its part of the page runs."""
        if node.is_disabled:
            raise WireError(f"{node.kind} {node.key or node.label!r} is disabled")
        if not (id_ or node.id):
            return Run(0.0, 0, 0, 0)
        state = _state(id_ or node.id, field, value)
        if field not in TRIGGERS:
            self._values[node.id] = state
        extra = (state,) if field in TRIGGERS else ()
        return await self._run(fragment=node.fragment, extra=extra)

    def holds(self, node: Node) -> Any:
        """What a widget holds now; None without a value."""
        state = self._values.get(node.id)
        field = state.WhichOneof("value") if state else None
        value: Any = getattr(state, field) if field else None
        return list(value.data) if field and field.endswith("array_value") else value

    async def rerun(self) -> Run:
        """Run the page again with nothing changed."""
        return await self._run()

    async def refresh(self) -> list[Run]:
        """Run every part of the page that has a timer, once."""
        runs = [await self._tick(fragment) for fragment in list(self.screen.reruns)]
        return [run for run in runs if run]

    async def rest(self, seconds: float) -> list[Run]:
        """Let so much time go by; parts of the page with timers run at their intervals."""
        runs, until = [], perf_counter() + seconds
        while (left := until - perf_counter()) > 0:
            wait = min(self.screen.reruns.values(), default=left)
            await asyncio.sleep(min(wait, left))
            if wait < left:
                runs += await self.refresh()
        return runs

    async def _tick(self, fragment: str) -> Run | None:
        if fragment not in self.screen.reruns:
            return None
        return await self._run(fragment=fragment, is_auto=True)

    async def download(self, what: str | Node) -> bytes:
        """The file behind a download button."""
        return await self.fetch(await self.made(what))

    async def made(self, what: str | Node) -> str:
        """The address of the file behind a download button, once it is made."""
        button = self._node(what, "download_button").told
        if button.HasField("deferred_file_id"):
            return await self._made(button.deferred_file_id)
        return str(button.url)

    async def fetch(self, url: str) -> bytes:
        """What the server has at an address of its own, asked for as the browser would."""
        answer = await self._http.get(url)
        answer.raise_for_status()
        if self._keeps:
            self.raw.append(plain(answer.content))
        return answer.content

    def was_sent(self, word: str) -> bool:
        """Whether a word was in any message or file so far, also escaped as JSON or HTML does."""
        spelled = {word, json.dumps(word)[1:-1], html.escape(word), html.escape(word, quote=False)}
        return any(one.encode() in sent for sent in self.raw for one in spelled)

    async def _made(self, file: str) -> str:
        """Have a file made that is made when asked for; its address."""
        asked = BackMsg()
        asked.backend_operation_request.request_id = str(uuid4())
        asked.backend_operation_request.session_id = self.screen.session
        asked.backend_operation_request.deferred_file.file_id = file
        await self._socket.send(asked.SerializeToString())
        async with self._bounded("a file to be made"):
            while True:
                told, _ = await self._next()
                if told.HasField("backend_operation_response"):
                    break
        answer = told.backend_operation_response
        if answer.error_msg:
            raise WireError(f"the file was not made: {answer.error_msg}")
        return str(answer.deferred_file.url)

    def _node(self, what: str | Node, *kinds: str) -> Node:
        return self.screen.find(what, *kinds) if isinstance(what, str) else what

    async def _leave(self, page: str, query: str, *, is_history: bool = False) -> Run:
        """Go to another page: only widgets that stand on all pages keep their values."""
        screen = self.screen
        screen.query = query
        stays = {node.id for node in screen.nodes.values() if node.script == screen.main}
        self._values = {id_: one for id_, one in self._values.items() if id_ in stays}
        screen.reruns.clear()
        screen.page = page
        return await self._run(is_history=is_history)

    async def _run(
        self,
        *,
        name: str = "",
        fragment: str = "",
        is_auto: bool = False,
        is_history: bool = False,
        extra: Sequence[WidgetState] = (),
    ) -> Run:
        asked = BackMsg()
        state = asked.rerun_script
        state.query_string = self.screen.query
        state.page_script_hash = self.screen.page
        state.page_name = name
        state.fragment_id = fragment
        state.is_auto_rerun = is_auto
        state.is_history_navigation = is_history
        state.cached_message_hashes.extend(self.screen.cached)
        state.widget_states.CopyFrom(WidgetStates(widgets=[*self._values.values(), *extra]))
        state.context_info.timezone = self._zone
        state.context_info.locale = "en-GB"
        began = perf_counter()
        await self._socket.send(asked.SerializeToString())
        return await self._settled(began)

    async def _settled(self, began: float) -> Run:
        """Read until a run has ended that no other follows: one that did not end for a rerun."""
        messages = size = runs = 0
        async with self._bounded("the script to end"):
            while True:
                told, length = await self._next()
                messages, size = messages + 1, size + length
                runs += told.HasField("new_session")
                if not told.HasField("script_finished") or not runs:
                    continue
                if told.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                    break
        took = perf_counter() - began
        self._adopt()
        return Run(took, messages, size, runs)

    async def _next(self) -> tuple[ForwardMsg, int]:
        raw = await self._socket.recv(decode=False)
        if self._keeps:
            self.raw.append(raw)
        told = ForwardMsg.FromString(raw)
        self.screen.take(told, raw)
        return told, len(raw)

    def _adopt(self) -> None:
        """Take over what the server has set, and begin what is new with its default."""
        shown = {node.id: node for node in self.screen.widgets}
        self._values = {id_: one for id_, one in self._values.items() if id_ in shown}
        for id_, node in shown.items():
            told = node.value if node is not self._shown.get(id_) else None
            if told is None and id_ not in self._values:
                told = node.default
            if told:
                self._values[id_] = _state(id_, *told)
        self._shown = shown

    @asynccontextmanager
    async def _bounded(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience):
                yield
        except TimeoutError:
            raise LateError(f"waited {self._patience:g} s for {what}") from None


def _state(id_: str, field: str, value: Any) -> WidgetState:
    """What a widget is told to hold; nothing for None."""
    state = WidgetState(id=id_)
    if field == "string_trigger_value":
        state.string_trigger_value.data = value
    elif field == "string_array_value":
        state.string_array_value.SetInParent()
        state.string_array_value.data.extend(value)
    elif value is not None:
        setattr(state, field, value)
    return state


def plain(file: bytes) -> bytes:
    """A file as words can be found in it: workbooks and Parquet files unpacked."""
    if file.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(file)) as packed:
            return b"\n".join(map(packed.read, packed.namelist()))
    if file.startswith(b"PAR1"):
        told = pq.read_table(io.BytesIO(file))
        return f"{told.schema.metadata}\n{told.to_pylist()}".encode()
    return file
