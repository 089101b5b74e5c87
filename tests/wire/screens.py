"""What a reader has on the screen, put together from the messages of a Streamlit server.

``Screen.take`` is given one message after the other, as a browser is. It keeps the tree of elements
flat (``nodes``, by delta path, in the order of the page), the pages of the navigation, the query of
the address, the parts that want to run again by themselves, and whatever went wrong.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NewSession_pb2 import NewSession

from .nodes import STATEFUL, Node, Path, WireError

_MEDIA = re.compile(rb"/media/[0-9A-Za-z]+(?:\.\w+)?")


@dataclass
class Screen:
    """Everything that the messages so far have put before the reader.

    Attributes:
        nodes: the elements by path, in the order of the page; path 0 is the page, 1 its sidebar.
        pages: the pages' hashes by their names in addresses; the start page's name is empty.
        page: the hash of the page that is shown.
        query: the query of the address, without a question mark.
        reruns: seconds by fragment that wants to run again by itself.
        sent_to: where a login or logout sent the reader, empty where nobody was sent away.
        media: addresses of files that were named, each ``/media/…``.
        exceptions: every exception that was shown since the last ``forget``, even if for a moment.
        complaints: likewise every error box.
        begun: what the server said of itself when it began to run the page.
        cached: the messages that the server need not send again, by hash, and their age in runs.
    """

    query: str = ""
    nodes: dict[Path, Node] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    page: str = ""
    main: str = ""
    session: str = ""
    begun: NewSession = field(default_factory=NewSession)
    reruns: dict[str, float] = field(default_factory=dict)
    sent_to: str = ""
    media: set[str] = field(default_factory=set)
    exceptions: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    cached: dict[str, tuple[ForwardMsg, int]] = field(default_factory=dict)
    _run: str = ""
    _fragments: frozenset[str] = frozenset()
    _lifetime: int = 2

    def forget(self) -> None:
        """Begin anew to collect what goes wrong."""
        self.exceptions.clear()
        self.complaints.clear()

    def take(self, told: ForwardMsg, raw: bytes = b"") -> None:
        """One more message; ``raw`` is as it was sent."""
        self.media.update(found.decode() for found in _MEDIA.findall(raw))
        match told.WhichOneof("type"):
            case "new_session":
                self._begin(told)
            case "delta":
                self._keep(told)
                self._draw(told, told.delta)
            case "ref_hash":
                self._draw(told, self._known(told.ref_hash))
            case "navigation":
                self.page = told.navigation.page_script_hash or self.page
                self.pages = _addresses(told.navigation.app_pages)
            case "page_info_changed":
                self.query = told.page_info_changed.query_string.removeprefix("?")
            case "auto_rerun":
                self.reruns[told.auto_rerun.fragment_id] = told.auto_rerun.interval
            case "stop_auto_rerun":
                for fragment in told.stop_auto_rerun.fragment_ids:
                    self.reruns.pop(fragment, None)
            case "script_finished":
                self._finish(told.script_finished)
            case _:
                self._note(told)

    def _note(self, told: ForwardMsg) -> None:
        """What is no part of the page."""
        if told.HasField("page_not_found"):
            self.complaints.append(f"page not found: {told.page_not_found.page_name}")
        elif told.HasField("auth_redirect"):
            self.sent_to = told.auth_redirect.url
        elif told.session_event.HasField("script_compilation_exception"):
            self._blame(told.session_event.script_compilation_exception)

    def _begin(self, told: ForwardMsg) -> None:
        self.begun = new = told.new_session
        self._run = told.metadata.run.script_run_id
        self._fragments = frozenset(told.metadata.run.fragment_ids)
        self.session = new.initialize.session_id or self.session
        self._lifetime = new.config.max_cached_message_age
        if not self._fragments:
            self.reruns.clear()
            self.page, self.main = new.page_script_hash, new.main_script_hash

    def _keep(self, told: ForwardMsg) -> None:
        if told.metadata.cacheable:
            self.cached[told.hash] = told, 0

    def _known(self, name: str) -> Any:
        if name not in self.cached:
            raise WireError("the server refers to a message that it never sent")
        self.cached[name] = self.cached[name][0], 0
        return self.cached[name][0].delta

    def _draw(self, told: ForwardMsg, delta: Any) -> None:
        path = tuple(told.metadata.delta_path)
        place = {
            "path": path,
            "fragment": delta.fragment_id,
            "script": told.metadata.active_script_hash,
            "run": self._run,
        }
        match delta.WhichOneof("type"):
            case "new_element":
                self._below(path)
                kind = delta.new_element.WhichOneof("type")
                self.nodes[path] = node = Node(
                    kind=kind, told=getattr(delta.new_element, kind), **place
                )
                self._judge(node)
            case "add_block":
                block = delta.add_block
                kind = block.WhichOneof("type") or "vertical"
                self.nodes[path] = Node(
                    kind=kind, told=getattr(block, kind), container=block.id, is_block=True, **place
                )
            case "new_transient":
                for element in delta.new_transient.elements:
                    if element.WhichOneof("type") == "exception":
                        self._blame(element.exception)

    def _below(self, path: Path) -> None:
        """An element takes the place of a block with all that was in it."""
        if path in self.nodes and self.nodes[path].is_block:
            self.nodes = {one: node for one, node in self.nodes.items() if not _in(one, path)}

    def _judge(self, node: Node) -> None:
        if node.kind == "exception":
            self._blame(node.told)
        elif node.kind == "alert" and node.told.format == Alert.ERROR:
            self.complaints.append(node.told.body)

    def _blame(self, told: Any) -> None:
        self.exceptions.append("\n".join((f"{told.type}: {told.message}", *told.stack_trace)))

    def _finish(self, status: int) -> None:
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        self.nodes = {path: node for path, node in sorted(self.nodes.items()) if self._stays(node)}
        if not self._fragments:
            aged = {name: (told, age + 1) for name, (told, age) in self.cached.items()}
            self.cached = {name: one for name, one in aged.items() if one[1] <= self._lifetime}

    def _stays(self, node: Node) -> bool:
        """Whether the run that ended has drawn it, or had nothing to do with it."""
        if node.run == self._run:
            return True
        return bool(self._fragments) and node.fragment not in self._fragments

    def of(self, *kinds: str) -> list[Node]:
        """The elements and blocks of these kinds, in the order of the page."""
        return [node for node in self.nodes.values() if node.kind in kinds]

    def find(self, what: str, *kinds: str) -> Node:
        """The widget of these kinds, or of any, with that key or, if no key is it, that label."""
        among = [node for node in self.nodes.values() if not kinds or node.kind in kinds]
        found = [node for node in among if node.key == what]
        found = found or [node for node in among if node.label == what]
        if len(found) != 1:
            known = ", ".join(f"{node.kind} {node.key or node.label!r}" for node in among)
            raise WireError(f"{len(found)} of {kinds} are {what!r}; there are: {known}")
        return found[0]

    def inside(self, what: str, *kinds: str) -> list[Node]:
        """The elements of these kinds in the container with that key or label."""
        outer = self.find(what).path
        return [node for node in self.of(*kinds) if _in(node.path, outer)]

    @property
    def widgets(self) -> list[Node]:
        """Everything that a reader can set, open or press."""
        named = (node for node in self.nodes.values() if node.id.startswith("$$"))
        return [node for node in named if not node.is_block or node.kind in STATEFUL]

    @property
    def texts(self) -> list[str]:
        """Every string on the screen, in the order of the page."""
        return [text for node in self.nodes.values() for text in node.texts]

    @property
    def title(self) -> str:
        """The heading of the page."""
        return next((node.told.body for node in self.of("heading") if node.told.tag == "h1"), "")

    @property
    def metrics(self) -> dict[str, str]:
        """The headline numbers by their labels, those of cards, too."""
        drawn = [json.loads(node.told.json) for node in self.of("bidi_component")]
        cards = [card for data in drawn for card in data.get("cards", ()) if card["value"]]
        told = {node.told.label: node.told.body for node in self.of("metric")}
        return told | {card["label"]: card["value"] for card in cards}


def _addresses(pages: Any) -> dict[str, str]:
    start = next((one.page_script_hash for one in pages if one.is_default), "")
    return {"": start, **{one.url_pathname: one.page_script_hash for one in pages}}


def _in(path: Path, outer: Path) -> bool:
    return path[: len(outer)] == outer
