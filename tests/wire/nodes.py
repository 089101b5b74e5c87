"""One element or block of a page as the protocol tells it, and the values that its widget has."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

Path = tuple[int, ...]
Value = tuple[str, Any]
"""The field of a widget's state, and what stands in it."""
STATEFUL = ("expandable", "popover", "tab_container")
"""Blocks that are widgets too, when they have an id."""
_KEY = re.compile(r"^\$\$ID-[^-]+-(.*)$", re.DOTALL)
_FIELDS = {
    "checkbox": "bool_value",
    "multiselect": "string_array_value",
    "button_group": "string_array_value",
    "date_input": "string_array_value",
    "selectbox": "string_value",
    "radio": "string_value",
    "text_input": "string_value",
    "text_area": "string_value",
    "number_input": "double_value",
    "pagination": "int_value",
}


class WireError(Exception):
    """The server did not do what a browser would have waited for, or there is no such widget."""


class LateError(WireError):
    """What was waited for did not come in time."""


@dataclass(frozen=True)
class Node:
    """One element or block: its kind as the protocol names it, and what it says."""

    path: Path
    kind: str
    told: Any
    fragment: str
    script: str
    run: str
    container: str = ""
    is_block: bool = False

    @property
    def id(self) -> str:
        return str(getattr(self.told, "id", "") or self.container)

    @property
    def key(self) -> str:
        """The key that the page gave it; empty without one."""
        found = _KEY.match(self.id)
        return found[1] if found and found[1] != "None" else ""

    @property
    def label(self) -> str:
        return str(getattr(self.told, "label", "") or getattr(self.told, "title", ""))

    @property
    def is_disabled(self) -> bool:
        return bool(getattr(self.told, "disabled", False))

    @property
    def options(self) -> list[str]:
        """The words to choose from, as the screen shows them."""
        if self.kind == "button_group":
            return [option.content for option in self.told.options]
        return list(getattr(self.told, "options", ()))

    @property
    def links(self) -> list[str]:
        """The addresses that the rows of a table of our own lead to."""
        drawn = json.loads(self.told.json) if self.kind == "bidi_component" else {}
        links = drawn["columns"][0].get("links") if "columns" in drawn else None
        if not links:
            return []
        return ["" if end is None else links["start"] + end for end in links["ends"]]

    @property
    def default(self) -> Value | None:
        """The value that it begins with."""
        told = self.told
        match self.kind:
            case "expandable":
                return "bool_value", told.expanded
            case "popover":
                return "bool_value", told.open
            case "tab_container":
                return "string_value", told.default_tab_label
        field = _FIELDS.get(self.kind)
        return (field, _default(self)) if field else None

    @property
    def value(self) -> Value | None:
        """The value that the server wants it to have; None when it leaves that to the reader."""
        if self.kind in STATEFUL:
            return self.default
        field = _FIELDS.get(self.kind)
        return (field, _given(self.told)) if field and self.told.set_value else None

    @property
    def texts(self) -> Iterator[str]:
        """Every string in it, those of tables cell by cell."""
        yield from _strings(self.told)


def _default(node: Node) -> Any:
    """The first value of a widget; None where nothing is chosen yet."""
    told = node.told
    match node.kind:
        case "multiselect" | "button_group":
            return [node.options[place] for place in told.default]
        case "date_input":
            return list(told.default)
        case "selectbox" | "radio":
            return node.options[told.default] if told.HasField("default") else None
        case "checkbox" | "pagination":
            return told.default
    return told.default if told.HasField("default") else None


def _given(told: Any) -> Any:
    """The value that a message sets; None where it clears it."""
    name = next(name for name in ("raw_values", "raw_value", "value") if hasattr(told, name))
    about, value = told.DESCRIPTOR.fields_by_name[name], getattr(told, name)
    if about.is_repeated:
        return list(value)
    return None if about.has_presence and not told.HasField(name) else value


def _table(data: bytes) -> pa.Table:
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()


def _strings(told: Any) -> Iterator[str]:
    if told.DESCRIPTOR.name == "ArrowData":
        yield from (str(cell) for row in _table(told.data).to_pylist() for cell in row.values())
        return
    for about, value in told.ListFields():
        many = value.values() if hasattr(value, "values") else value
        for one in many if about.is_repeated else (value,):
            if isinstance(one, str):
                yield one
            elif about.message_type is not None and hasattr(one, "ListFields"):
                yield from _strings(one)
