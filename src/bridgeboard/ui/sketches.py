"""Pictures of a session, and the list of its threads to jump by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.explorer.calls import REST, Call, Part, Spot
from bridgeboard.explorer.story import THREADS, Head, Thread
from bridgeboard.ui import drawings, lists, notices, place, records, transcript
from bridgeboard.ui.place import Place

DOLLAR: Final = 10**12
NARROWEST: Final = 320
OUTSIDE: Final = "Requests outside known threads"
_MANY: Final = 8
"""Threads that are listed without scrolling."""
_HEIGHT: Final = 360
_LISTED: Final = "listed_threads"
_CALL: Final = "number_of_call"
_SAME: Final = (
    "The table below has the numbers. The box Call opens a call in the timeline as a click does."
)
_KINDS: Final = tuple(charts.TOKEN_KINDS)


def pictures(head: Head, part: Part, named: Place) -> None:
    """Tokens per thread, context per call, running cost; each with its table behind it.

    A click on a thread shows it alone, one on a call opens it in the timeline; so does the box
    below, and the call is in the address.
    """
    known = records.places(head.session)
    threads = _page(head.session, part, named, known)[1] if len(known) > 1 else ()
    course = records.course(head.session, part)
    spot = records.call_spot(head.session, named.call, part) if named.call else None
    calls = _Calls(head.session, part, course.count, spot)
    with st.grid(min_column_width=NARROWEST, gap="medium", key="pictures"):
        if threads:
            with st.container(key="box-threads"), notices.tile("tokens per thread"):
                _per_thread(threads)
        if len(course.marks) > 1:
            frame = _frame(course, known)
            with st.container(key="box-context"), notices.tile("context per call"):
                _context(frame, course, calls, known)
            if frame["running_cost"].notna().any():
                with st.container(key="box-cost"), notices.tile("the running cost"):
                    _cost(frame, course, calls)
    if len(course.marks) > 1:
        _box(calls)
    _table(threads, course, known)


@dataclass(frozen=True)
class _Calls:
    """The calls that are drawn, how many there are, and the one that the address names."""

    session: int
    part: Part
    count: int
    spot: Spot | None

    @property
    def chosen(self) -> int | None:
        """The place of the one that is named, from 1 on."""
        return self.spot.place if self.spot else None


def _box(calls: _Calls) -> None:
    """The keyboard's way to a call; it follows the address."""
    with st.container(horizontal=True, vertical_alignment="center", key="pick-call"):
        st.caption(
            "Click a call in a picture, or give its number, to open it in the timeline.",
            width="content",
        )
        st.session_state[_CALL] = calls.chosen
        st.number_input(
            "Call",
            1,
            calls.count,
            value=None,
            key=_CALL,
            placeholder=f"1 to {calls.count:,}",
            label_visibility="collapsed",
            on_change=lambda: _open(calls, st.session_state[_CALL]),
            width=150,
        )


def _pick(key: str, calls: _Calls) -> None:
    """Take up the call that was clicked; a click on the one that is named already drops it."""
    for point in st.session_state[key]["selection"].get("picked", []):
        number = point.get("place")
        _open(calls, None if number == calls.chosen else number)


def _open(calls: _Calls, number: object) -> None:
    """Open the call of a number; without one, stay on the page of the one that was named."""
    if isinstance(number, int) and 1 <= number <= calls.count:
        _show(calls, number)
    elif calls.spot:
        place.to_page("calls", calls.spot.page)


def _show(calls: _Calls, number: int) -> None:
    course = records.course(calls.session, calls.part)
    page = (number - 1) // records.PAGE + 1
    shown = records.page_of_calls(calls.session, calls.part, course, page)
    call = next((each for each in shown if each.place == number), None)
    id_ = _own_id(calls, call) if call else None
    if id_:
        place.show_call(id_)
    else:
        place.to_page("calls", page)


def _own_id(calls: _Calls, call: Call) -> UUID | None:
    """The id that leads to a call: a sum has that of its thread, which is its first request's."""
    if call.interception is None:
        return None
    spot = records.call_spot(calls.session, call.interception, calls.part)
    return call.interception if spot and spot.usage == call.usage else None


def jumps(head: Head, part: Part, named: Place, zone: ZoneInfo, *, text: bool) -> None:
    """The threads as a list; a press shows one alone."""
    known = records.places(head.session)
    if len(known) <= 1:
        return
    page, threads = _page(head.session, part, named, known)
    roots = [thread.root for thread in threads if thread.root is not None and thread.has_prompt]
    opening = _openings(roots) if text else {}
    with st.container(horizontal=True, vertical_alignment="center", key="threads-head"):
        _pages(page, len(known))
        _way_back(part, known)
    first = (page - 1) * THREADS + 1
    height: Any = _HEIGHT if len(threads) > _MANY else "content"
    with st.container(height=height, border=False, key="jumps"):
        told = lists.List(
            title=formats.span(first, len(threads), len(known), "thread").capitalize(),
            head=_HEAD,
            rows=[_row(each, part, opening, zone) for each in threads],
            note="",
            leads="Shows this thread alone.",
        )
        lists.show(told, "jump", lambda row: place.to_thread(_part(threads[row])))


_HEAD: Final = (
    ("Thread", "A prompt and all that followed it."),
    ("Began", ""),
    ("Model", "Of its first request."),
    ("Requests", ""),
    ("Tool calls", ""),
    ("Tokens", "Input, output, cache read and cache write together."),
    ("Cost", "Estimated at list prices."),
    ("Lasted", ""),
    ("Remarks", ""),
)


def _pages(page: int, count: int) -> None:
    """Which threads are listed; the control follows the address."""
    starts = range(0, count, THREADS)
    if len(starts) == 1:
        return
    st.session_state[_LISTED] = starts[page - 1]
    st.selectbox(
        "Threads",
        starts,
        key=_LISTED,
        format_func=lambda start: f"{start + 1:,}-{min(start + THREADS, count):,}",
        label_visibility="collapsed",
        on_change=_turn,
        width=150,
    )


def _turn() -> None:
    place.to_page("threads", st.session_state[_LISTED] // THREADS + 1)


def _way_back(part: Part, known: Mapping[Any, int]) -> None:
    if part is None:
        return
    here = known[None if part == REST else part]
    order = {number: id_ for id_, number in known.items()}
    for label, number, icon in (
        ("Previous thread", here - 1, ":material/chevron_left:"),
        ("Next thread", here + 1, ":material/chevron_right:"),
    ):
        st.button(
            label,
            key=label,
            icon=icon,
            type="tertiary",
            disabled=number not in order,
            on_click=place.to_thread,
            args=(order.get(number) or REST,),
        )
    st.button(
        "Whole session",
        key="whole",
        icon=":material/unfold_more:",
        type="tertiary",
        on_click=place.to_thread,
        args=(None,),
    )


def _page(
    session: int, part: Part, named: Place, known: Mapping[Any, int]
) -> tuple[int, tuple[Thread, ...]]:
    """The page of threads that the address names, else that of the chosen thread."""
    here = 1 if part is None else known[None if part == REST else part]
    last = max(1, -(-len(known) // THREADS))
    page = min(named.threads or (here - 1) // THREADS + 1, last)
    return page, records.threads(session, page)


def _part(thread: Thread) -> Part:
    return thread.id or REST


def _name(thread: Thread) -> str:
    return str(thread.place) if thread.id else "Rest"


def _openings(usages: Sequence[int]) -> dict[int, str]:
    told = records.texts(usages, ("prompt",), transcript.OPENING) if usages else ()
    return {text.usage: formats.line(text.text) for text in reversed(told)}


def _row(thread: Thread, part: Part, opening: Mapping[int, str], zone: ZoneInfo) -> lists.Row:
    words = opening.get(thread.root or -1, "") if thread.id else OUTSIDE
    name = f"{thread.place}" + (f" · {formats.middle(words, 60)}" if words else "")
    model = formats.line(thread.model or formats.DASH)
    return lists.Row(
        name=f"▸ {name}" if part is not None and _part(thread) == part else name,
        full=words or f"Thread {thread.place}",
        cells=(
            formats.moment(thread.started_at, zone),
            formats.middle(model, 28),
            formats.exact(thread.requests),
            formats.exact(thread.tool_calls),
            formats.compact(_total(thread)),
            formats.money(thread.cost, at_least=bool(thread.unpriced_tokens)),
            formats.duration(thread.ended_at - thread.started_at if thread.ended_at else None),
            ", ".join(_remarks(thread)),
        ),
    )


def _remarks(thread: Thread) -> list[str]:
    failed = formats.plural(thread.tool_errors, "tool error") if thread.tool_errors else ""
    ended = f"failed: {formats.middle(formats.visible(thread.error_type or ''), 24)}"
    own = "own key" if thread.credential_kind == "byok" else ""
    return list(filter(None, (ended if thread.error_type else "", failed, own)))


def _total(thread: Thread) -> int | None:
    counts = [getattr(thread, kind) for kind in _KINDS]
    return None if None in counts else sum(counts)


def _per_thread(threads: Sequence[Thread]) -> None:
    st.header("Tokens per thread", anchor=False)
    frame = pd.DataFrame(
        [(_name(each), *(getattr(each, kind) for kind in _KINDS)) for each in threads],
        columns=["thread", *_KINDS],
    )
    totals = [(_total(each) or 0, _name(each)) for each in threads]
    if not any(total for total, _ in totals):
        st.caption(
            "No tokens are known of these threads: their requests failed, or the provider "
            "reported no usage."
        )
        return
    most, name = max(totals, key=lambda pair: pair[0])
    drawings.show(
        charts.tokens_per_thread(frame),
        key="tokens_per_thread",
        on_select=lambda: _open_selected(threads),
        alt=f"Stacked bars of tokens for {formats.plural(len(threads), 'thread')}; the largest is "
        f"thread {name} with {most:,} tokens. The table below has all numbers.",
    )
    st.html(charts.token_legend())


def _open_selected(threads: Sequence[Thread]) -> None:
    named = {_name(each): each for each in threads}
    for point in st.session_state["tokens_per_thread"]["selection"].get("thread", []):
        if (chosen := named.get(str(point.get("thread")))) is not None:
            place.to_thread(_part(chosen))


def _frame(course: records.Course, known: Mapping[Any, int]) -> pd.DataFrame:
    rows = [
        (
            mark.place,
            "Rest" if mark.thread is None else str(known.get(mark.thread, formats.DASH)),
            mark.context,
            mark.output,
            None if mark.running_cost is None else mark.running_cost / DOLLAR,
        )
        for mark in course.marks
    ]
    names = ["place", "thread", "context", "output", "running_cost"]
    return pd.DataFrame(rows, columns=names).astype({"running_cost": "float64"})


def _context(
    frame: pd.DataFrame, course: records.Course, calls: _Calls, known: Mapping[Any, int]
) -> None:
    part = calls.part
    thread = "the rest" if part == REST else f"thread {known[part]}" if part else ""
    where = f" of {thread}" if thread else ""
    most = max(mark.context for mark in course.marks)
    st.header(f"Context per call{where}", anchor=False)
    drawn = f"context-{calls.chosen}"
    drawings.show(
        charts.context_per_call(frame, calls.chosen),
        key=drawn,  # one of its own for each choice, so that a second click is told, too
        on_select=lambda: _pick(drawn, calls),
        alt=f"A line of the tokens of each prompt over {formats.plural(course.count, 'call')}; the "
        f"largest has {most:,} tokens. {_SAME}",
    )
    few = f", {len(course.marks):,} of {course.count:,} drawn"
    st.caption(
        "Tokens of each whole prompt; the larger the dot, the more was written"
        + (few if len(course.marks) < course.count else "")
        + "."
    )


def _cost(frame: pd.DataFrame, course: records.Course, calls: _Calls) -> None:
    st.header("Cost so far", anchor=False)
    last = formats.money(course.marks[-1].running_cost)
    drawn = f"running_cost-{calls.chosen}"
    drawings.show(
        charts.running_cost(frame, calls.chosen),
        key=drawn,
        on_select=lambda: _pick(drawn, calls),
        alt=f"A line that rises with every call to {last} at the last. {_SAME}",
    )


def _table(threads: Sequence[Thread], course: records.Course, known: Mapping[Any, int]) -> None:
    """The numbers behind the pictures, made when the reader opens them."""
    fold = st.expander("Table", icon=":material/table:", key="fold-pictures", on_change="rerun")
    if not fold.open:
        return
    with fold:
        if threads:
            st.dataframe(
                pd.DataFrame([_thread_line(each) for each in threads], columns=list(_COLUMNS)),
                hide_index=True,
                key="threads_table",
                alt="Tokens and cost of threads",
            )
        frame = _frame(course, known)
        shown = frame.rename(columns={**_CALL_LABELS})
        st.caption(formats.plural(len(shown), "call") + f" of {course.count:,}")
        st.dataframe(shown, hide_index=True, key="calls_table", alt="Context and cost of calls")


_CALL_LABELS: Final = {
    "place": "Call",
    "thread": "Thread",
    "context": "Context",
    "output": "Output",
    "running_cost": "Cost so far, USD",
}
_COLUMNS: Final = ("Thread", "Cache read", "Cache write", "Input", "Output", "Tokens", "Cost, USD")


def _thread_line(thread: Thread) -> tuple[object, ...]:
    cost = None if thread.cost is None else thread.cost / DOLLAR
    return (_name(thread), *(getattr(thread, kind) for kind in _KINDS), _total(thread), cost)
