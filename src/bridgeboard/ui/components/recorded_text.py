"""Shows recorded text as plain text: hidden, folded or whole, with search hits marked.

Everything here was typed by people or made by models, so nothing of it is ever read as Markdown
or HTML, and characters that act on the screen are made visible.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import session_data
from bridgeboard.queries.recorded_text import FOLD, Hit, Item, Kind, Text
from bridgeboard.ui import runner
from bridgeboard.ui.components.elements import element

PART: Final = 50_000
"""Characters that are shown at a time."""
SCROLL: Final = 420

_passage = element("passage", '<div class="passage">\n</div>', "passage.js")


@dataclass(frozen=True)
class Look:
    """How texts are looked at.

    Attributes:
        zone: whose clocks times are shown by.
        text: whether recorded text is shown, or only how long it is.
        words: what is marked in it; "" is nothing.
        hit: the text that the reader has come for, which is scrolled to.
        turn: changes whenever something else is to be scrolled to.
    """

    zone: ZoneInfo
    text: bool
    words: str
    hit: Hit | None
    turn: str


@dataclass(frozen=True)
class _Recorded:
    """One text: what it is called, which one it is, how long, and its beginning if revealed."""

    label: str
    usage: int
    kind: Kind
    ordinal: int
    length: int | None
    begun: Text | None

    @property
    def key(self) -> str:
        return f"{self.kind}-{self.usage}-{self.ordinal}"


Begun = Mapping[tuple[str, int], Text]


def shown(usage: int, items: Sequence[Item], look: Look) -> None:
    """What was written and called in a call: prompts, thoughts, tool calls."""
    begun: Begun = {}
    if look.text:
        texts = session_data.texts(
            runner.current(), [usage], ("prompt", "thinking", "tool_input", "tool_error"), FOLD
        )
        begun = {(text.kind, text.ordinal): text for text in texts}
    for item in items:
        if item.kind == "tool":
            _tool(item, begun, look)
        else:
            _text(_of(item, item.kind, item.kind.capitalize(), item.length, begun), look)


def anchor(key: str, turn: str) -> None:
    """A place that is scrolled to when the turn changes."""
    _passage(key=key, data={"parts": [], "label": "", "turn": turn})


def _of(item: Item, kind: Kind, label: str, length: int | None, begun: Begun) -> _Recorded:
    text = begun.get((kind, item.ordinal))
    return _Recorded(label, item.usage, kind, item.ordinal, length, text)


def _tool(item: Item, begun: Begun, look: Look) -> None:
    facts = [f"**{formats.unmarked(item.tool or '') or 'unnamed tool'}**"]
    if item.at:
        facts.append(formats.clock_time(item.at, look.zone))
    if item.injected:
        facts.append(f"injected from {formats.unmarked(item.server_url or '')}")
    if item.failed:
        facts.append(":material/error: failed")
    st.markdown(" · ".join(facts))
    _text(_of(item, "tool_input", "Input", item.length, begun), look)
    if item.error_length:
        _text(_of(item, "tool_error", "What the tool said", item.error_length, begun), look)


def _text(recorded: _Recorded, look: Look) -> None:
    """One text: absent, hidden, whole, folded, in parts, or with marks."""
    if recorded.length is None:
        st.caption(f"{recorded.label}: not kept.")
        return
    size = formats.plural(recorded.length, "character")
    if not look.text or recorded.begun is None:
        st.caption(f"{recorded.label}: hidden, {size}.")
    elif _is_hit(recorded, look) or _is_marked(recorded, look):
        _marked(recorded, look, size)
    elif recorded.begun.is_whole:
        st.caption(f"{recorded.label} · {size}")
        _code(recorded.begun.text, recorded.kind)
    elif st.toggle(f"{recorded.label} · show all of {size}", key=f"all-{recorded.key}"):
        _in_parts(recorded)
    else:
        _code(recorded.begun.text + " …", None)


def _is_hit(recorded: _Recorded, look: Look) -> bool:
    hit = look.hit
    mine = (recorded.usage, recorded.kind, recorded.ordinal)
    return hit is not None and (hit.usage, hit.kind, hit.ordinal) == mine


def _is_marked(recorded: _Recorded, look: Look) -> bool:
    begun = recorded.begun.text if recorded.begun else ""
    return bool(look.words and session_data.marks(begun, look.words, most=1))


def _marked(recorded: _Recorded, look: Look, size: str) -> None:
    """A text with the words marked, on the part with the first of them."""
    whole = recorded.begun.text if recorded.begun and recorded.begun.is_whole else _whole(recorded)
    pretty = formats.pretty_json(whole) if recorded.kind == "tool_input" else None
    if pretty and session_data.marks(pretty, look.words, most=1):
        whole = pretty
    first = next(iter(session_data.marks(whole, look.words, most=1)), (0, 0))[0]
    st.caption(f"{recorded.label} · {size}")
    part = _part(len(whole), recorded.key, first // PART + 1)
    piece = whole[(part - 1) * PART : part * PART]
    data: dict[str, Any] = {
        "parts": list(split(piece, session_data.marks(piece, look.words))),
        "label": recorded.label,
        "turn": look.turn if _is_hit(recorded, look) else "",
    }
    _passage(key=f"marked-{recorded.key}", data=data)


def split(text: str, marks: Iterable[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """A text in parts, each made visible by itself: that changes how long they are."""
    at = 0
    for start, end in marks:
        if start > at:
            yield {"text": formats.visible(text[at:start]), "marked": False}
        yield {"text": formats.visible(text[start:end]), "marked": True}
        at = end
    if at < len(text):
        yield {"text": formats.visible(text[at:]), "marked": False}


def _in_parts(recorded: _Recorded) -> None:
    whole = _whole(recorded)
    pretty = formats.pretty_json(whole) if recorded.kind == "tool_input" else None
    text = whole if pretty is None else pretty
    part = _part(len(text), recorded.key, 1)
    piece = text[(part - 1) * PART : part * PART]
    st.code(formats.visible(piece), language=None, wrap_lines=True, height=SCROLL)


def _part(length: int, key: str, at_first: int) -> int:
    parts = -(-length // PART)
    if parts <= 1:
        return 1
    chosen = st.selectbox(
        "Part",
        range(1, parts + 1),
        index=min(at_first, parts) - 1,
        key=f"part-{key}-{at_first}",
        format_func=lambda part: f"Part {part:,} of {parts:,}",
        label_visibility="collapsed",
        width=160,
    )
    return int(chosen or 1)


def _code(text: str, kind: Kind | None) -> None:
    pretty = formats.pretty_json(text) if kind == "tool_input" else None
    # Without a language: the colours of one are too pale to be read by everybody.
    st.code(formats.visible(text if pretty is None else pretty), language=None, wrap_lines=True)


def _whole(recorded: _Recorded) -> str:
    return session_data.whole(runner.current(), recorded.usage, recorded.kind, recorded.ordinal)
