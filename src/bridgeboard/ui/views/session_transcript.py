"""The transcript of a session: prompts, thinking and tool calls, call by call."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import session_data
from bridgeboard.model.accuracy import accuracy
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.recorded_text import Hit, Item
from bridgeboard.queries.session_calls import UNMETERED, Call, Part
from bridgeboard.queries.typed_rows import Key
from bridgeboard.ui import runner
from bridgeboard.ui.components import notices, pager, recorded_text
from bridgeboard.ui.components.recorded_text import Look
from bridgeboard.ui.views import session_pauses, session_url

NAMED_TOOLS: Final = 4
OPENING: Final = 90
"""Characters of a prompt on the fold that it is in."""
_OPENED: Final = "opened_for"


@st.fragment
def timeline(session: int, part: Part, look: Look, *, dated: bool) -> None:
    """The calls of a part, a page at a time, oldest first, each in a fold.

    What is in a fold is made when it is opened. ``dated`` tells the day with the time.
    """
    place = session_url.asked()
    if session_data.part(runner.current(), session, place.thread) != part:
        st.rerun()
    if session_url.was_linked():
        st.toast("The address of this page now leads to this request.", icon=":material/link:")
    course = session_data.course(runner.current(), session, part)
    with notices.tile("the calls"):
        page, opened = _page(session, part, place, look, course)
        calls = session_data.page_of_calls(runner.current(), session, part, course, page)
        if not calls:
            st.caption("No request is known here.")
            return
        _span(course, page, len(calls))
        _open_once(opened, look)
        with st.container(key="calls", gap=None):
            _calls(session, calls, opened, look, is_whole=part is None, dated=dated)


def _page(
    session: int, part: Part, place: session_url.Place, look: Look, course: session_data.Course
) -> tuple[int, int | None]:
    """The page that the address leads to, and the call to open on it."""
    if place.call:
        spot = session_data.call_spot(runner.current(), session, place.call, part)
        if spot:
            return spot.page, spot.usage
        notices.remark("The request that this link names is not here (any more).")
    if look.hit and not place.calls:
        return course.page(_key(look.hit)), look.hit.usage
    page = min(place.calls or 1, course.pages)
    return page, None


def _key(hit: Hit) -> Key:
    return Key(hit.started_at, hit.usage)


def _span(course: session_data.Course, page: int, shown: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key="calls-head"):
        words = formats.span((page - 1) * session_data.PAGE + 1, shown, course.count, "call")
        st.markdown(words, width="content")
        pager.numbers(course.pages, page, "page-of-calls", partial(session_url.to_page, "calls"))


def _open_once(usage: int | None, look: Look) -> None:
    """Open the fold that the address leads to; the reader may close it again."""
    turn = (usage, look.turn)
    if usage is not None and st.session_state.get(_OPENED) != turn:
        st.session_state[_OPENED] = turn
        st.session_state[f"call-{usage}"] = True


def _calls(
    session: int,
    calls: Sequence[Call],
    opened: int | None,
    look: Look,
    *,
    is_whole: bool,
    dated: bool,
) -> None:
    usages = [call.usage for call in calls]
    items = session_data.items(runner.current(), usages)
    opening = openings([call.usage for call in calls if call.prompts]) if look.text else {}
    places = session_data.places(runner.current(), session) if is_whole else {}
    before: object = calls
    heads = "".join(f"<span>{head}</span>" for head in HEADS)
    pauses = {each.usage: each for each in session_pauses.pauses(session)}
    kind = "call-heads dated" if dated else "call-heads"
    st.html(f'<div class="{kind}" aria-hidden="true">{heads}</div>')
    for call in calls:
        if len(places) > 1 and call.thread != before:
            before = call.thread
            st.caption(f"**{_thread(call, places)}**")
        if pause := pauses.get(call.usage):
            words = formats.unmarked(session_pauses.sentence(pause))
            st.caption(f":material/hourglass_bottom: {words}")
        fold = st.expander(
            _row(call, items[call.usage], opening.get(call.usage, ""), look, dated=dated),
            key=f"call-{call.usage}",
            type="step",
            icon=_icon(call),
            on_change="rerun",
        )
        if not fold.open:
            fold.caption("Opening …")  # a step without content cannot be opened
            continue
        with fold:
            if call.usage == opened and not look.hit:
                recorded_text.anchor(f"anchor-{call.usage}", look.turn)
            _call(call, items[call.usage], look)


def openings(usages: Sequence[int]) -> dict[int, str]:
    """How the prompts of calls begin, ready for a label."""
    prompts = session_data.texts(runner.current(), usages, ("prompt",), OPENING) if usages else ()
    return {
        text.usage: formats.unmarked(text.text + ("" if text.is_whole else " …"))
        for text in reversed(prompts)
    }


def _thread(call: Call, places: Mapping[UUID | None, int]) -> str:
    if call.thread is None:
        return "Requests outside known threads"
    return f"Thread {places.get(call.thread, formats.DASH)}"


def _icon(call: Call) -> str:
    if call.tool_errors:
        return ":material/error:"
    if call.prompts:
        return ":material/chat:"
    return ":material/build:" if call.tool_calls else ":material/smart_toy:"


HEADS: Final = (
    *("Call", "Time", "Pause", "Activity", "Tools", "Context", "Output", "Cost", "Cost so far"),
    *("Model", "Remarks"),
)


def _row(call: Call, items: Sequence[Item], opening: str, look: Look, *, dated: bool) -> str:
    """The cells of a call as the label of its fold, which ``static/session.css`` lays under heads.

    Each is emphasized, so that it is an element of its own. What its head says is in a piece of
    code, which is drawn where there are no heads and otherwise only read by screen readers.
    """
    at = (formats.moment if dated else formats.clock_time)(call.started_at, look.zone)
    standing = accuracy("spend", call.by_metric).standing
    running = formats.number(call.running_cost, "money", call.running_accuracy.standing)
    cells = (
        at,
        _gap(call),
        _what(call, items),
        _tools(items),
        f"{_tokens(call, call.context)} `context`",
        f"{_tokens(call, call.output)} `output`",
        formats.unmarked(formats.number(call.cost, "money", standing)) + " `cost`",
        f"{formats.unmarked(running)} `so far`",
        formats.unmarked(formats.middle(runner.model_name(call.model, ""), 32)),
        ", ".join(_warnings(call)),
    )
    line = " ".join(f"*{cell or _NOTHING}*" for cell in cells)
    return f"**{call.place:,}** {line}" + (f" **{opening}**" if opening else "")


def _tokens(call: Call, count: int) -> str:
    return formats.compact(None if call.status == UNMETERED else count)


_NOTHING: Final = "\u2060"
"""Holds the place of a cell: emphasis of nothing is none."""


def _gap(call: Call) -> str:
    if call.gap_seconds is None:
        return ""
    return f"+{formats.seconds(call.gap_seconds)}" if call.gap_seconds >= 0 else "parallel"


def _what(call: Call, items: Sequence[Item]) -> str:
    """What a call was about in a few words."""
    if not call.requests:
        return "the rest, known as a sum only"
    kinds = {item.kind for item in items}
    words = ["prompt"] if call.prompts else []
    if "thinking" in kinds:
        words.append("thinking")
    if "tool" not in kinds and not call.prompts:
        words.append("answer")
    return ", ".join(words or ["tool call"])


def _tools(items: Sequence[Item]) -> str:
    """The tools that a call used most, as they were called."""
    tools = Counter(item.tool or "" for item in items if item.kind == "tool").most_common()
    names = [
        (formats.unmarked(formats.middle(tool, 40)) or "unnamed tool")
        + (f" ×{count}" if count > 1 else "")  # noqa: RUF001 - the sign of multiplication
        for tool, count in tools[:NAMED_TOOLS]
    ]
    more = [f"{len(tools) - NAMED_TOOLS} more"] if len(tools) > NAMED_TOOLS else []
    return ", ".join(names + more)


def _warnings(call: Call) -> list[str]:
    own = ["own key"] if call.is_own_key else []
    failed = formats.plural(call.tool_errors, "tool error") if call.tool_errors else ""
    status = "no tokens" if call.status == UNMETERED else ""
    return [*own, *filter(None, (failed, status))]


def _call(call: Call, items: Sequence[Item], look: Look) -> None:
    st.caption(_numbers(call))
    if call.interception is not None:
        with st.container(horizontal=True, vertical_alignment="center", key=f"id-{call.usage}"):
            st.code(str(call.interception), language=None, width="content")
            st.button(
                "Link to this request",
                key=f"link-{call.usage}",
                type="tertiary",
                icon=":material/link:",
                help="Puts this request into the address of the page, for you to copy.",
                on_click=session_url.to_call,
                args=(call.interception,),
            )
    recorded_text.shown(call.usage, items, look)
    if not items:
        st.caption("It has no recorded prompt or tool call.")


def _numbers(call: Call) -> str:
    lasted = call.ended_at - call.started_at if call.ended_at else None
    own = {True: "own key", False: "company key", None: "key unknown"}[call.is_own_key]
    facts = (
        f"Input {_number(call, 'input_tokens')}",
        f"output {_number(call, 'output_tokens')}",
        f"cache read {_number(call, 'cache_read_tokens')}",
        f"cache write {_number(call, 'cache_write_tokens')}",
        f"cost {_number(call, 'spend')}",
        *([f"covered {_number(call, 'shadow_cost')}"] if call.shadow_cost else []),
        f"took {formats.duration(lasted)}",
        call.provider,
        call.model or "model unknown",
        own,
    )
    return " · ".join(map(formats.unmarked, facts))


def _number(call: Call, metric: str) -> str:
    value = None if call.status == UNMETERED else call.by_metric[metric]
    digits = formats.exact_number(value, METRICS[metric].format)
    return formats.marked(digits, value, accuracy(metric, call.by_metric).standing)
