"""Charts of a session, and the list of its threads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import pandas as pd
import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import session_data
from bridgeboard.queries.session_calls import REST, Call, Mark, Part, Spot, running_accuracy
from bridgeboard.queries.session_detail import THREADS, Head, Thread
from bridgeboard.ui import runner
from bridgeboard.ui.components import chart, notices, tables
from bridgeboard.ui.components.tables import Column, Links
from bridgeboard.ui.views import session_tables, session_transcript, session_url
from bridgeboard.ui.views.session_url import Place

NARROWEST: Final = 320
OUTSIDE: Final = "Requests outside known threads"
_THREADS_SHOWN: Final = "listed_threads"
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
    known = session_data.places(runner.current(), head.session)
    threads = _page(head.session, part, named, known)[1] if len(known) > 1 else ()
    course = session_data.course(runner.current(), head.session, part)
    spot = (
        session_data.call_spot(runner.current(), head.session, named.call, part)
        if named.call
        else None
    )
    calls = _Calls(head.session, part, course.count, spot)
    with st.grid(min_column_width=NARROWEST, gap="medium", key="pictures"):
        if threads:
            with st.container(key="box-threads"), notices.tile("tokens per thread"):
                _per_thread(threads, has_rest=None in known)
        if len(course.calls) > 1:
            with st.container(key="box-context"), notices.tile("context per call"):
                _context(course, calls, known)
        if len(course.marks) > 1 and course.marks[-1].running_cost is not None:
            with st.container(key="box-cost"), notices.tile("the running cost"):
                _cost(course, calls, known)
    if len(course.marks) > 1:
        _box(calls)
    session_tables.show(threads, course, known)


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


def _pick(point: chart.Point, calls: _Calls) -> None:
    """Take up the call that was clicked; a click on the one that is named already drops it."""
    number = point.get("place")
    _open(calls, None if number == calls.chosen else number)


def _open(calls: _Calls, number: object) -> None:
    """Open the call of a number; without one, stay on the page of the one that was named."""
    if isinstance(number, int) and 1 <= number <= calls.count:
        _show(calls, number)
    elif calls.spot:
        session_url.to_page("calls", calls.spot.page)


def _show(calls: _Calls, number: int) -> None:
    course = session_data.course(runner.current(), calls.session, calls.part)
    page = (number - 1) // session_data.PAGE + 1
    shown = session_data.page_of_calls(runner.current(), calls.session, calls.part, course, page)
    call = next((each for each in shown if each.place == number), None)
    id_ = _own_id(calls, call) if call else None
    if id_:
        session_url.show_call(id_)
    else:
        session_url.to_page("calls", page)


def _own_id(calls: _Calls, call: Call) -> UUID | None:
    """The id that leads to a call: a sum has that of its thread, which is its first request's."""
    if call.interception is None:
        return None
    spot = session_data.call_spot(runner.current(), calls.session, call.interception, calls.part)
    return call.interception if spot and spot.usage == call.usage else None


def jumps(head: Head, part: Part, named: Place, *, text: bool) -> None:
    """The threads as a list; a press shows one alone."""
    known = session_data.places(runner.current(), head.session)
    if len(known) <= 1:
        return
    page, threads = _page(head.session, part, named, known)
    roots = [thread.root for thread in threads if thread.root is not None and thread.has_prompt]
    opening = _openings(roots) if text else {}
    with st.container(horizontal=True, vertical_alignment="center", key="threads-head"):
        _pages(page, len(known))
        _way_back(part, known)
    first = (page - 1) * THREADS + 1
    rows = [_row(each, part, opening) for each in threads]
    title = formats.span(first, len(threads), len(known), "thread").capitalize()
    links = Links("", [session_url.thread_address(_part(each)) for each in threads])
    columns = [replace(_NAMES, links=links), *_COLUMNS]
    with st.container(key="jumps"):
        tables.show(rows, columns, key="jump", label=title, title=title, is_sortable=False)


_NAMES: Final = Column("Thread", meaning="A prompt and all that followed it. Shows it alone.")
_COLUMNS: Final = (
    Column("Began", "moment"),
    Column("Model", meaning="Of its first request.", longest=28),
    Column("Requests", "count", exact=True),
    Column("Tool calls", "count", exact=True),
    Column("Tokens", "count", "Input, output, cache read and cache write together."),
    Column("Cost", "money", "Estimated at list prices."),
    Column("Lasted", "seconds"),
    Column("Remarks"),
)


def _pages(page: int, count: int) -> None:
    """Which threads are listed; the control follows the address."""
    starts = range(0, count, THREADS)
    if len(starts) == 1:
        return
    st.session_state[_THREADS_SHOWN] = starts[page - 1]
    st.selectbox(
        "Threads",
        starts,
        key=_THREADS_SHOWN,
        format_func=lambda start: f"{start + 1:,}-{min(start + THREADS, count):,}",
        label_visibility="collapsed",
        on_change=_turn,
        width=150,
    )


def _turn() -> None:
    session_url.to_page("threads", st.session_state[_THREADS_SHOWN] // THREADS + 1)


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
            on_click=session_url.to_thread,
            args=(order.get(number) or REST,),
        )
    st.button(
        "Whole session",
        key="whole",
        icon=":material/unfold_more:",
        type="tertiary",
        on_click=session_url.to_thread,
        args=(None,),
    )


def _page(
    session: int, part: Part, named: Place, known: Mapping[Any, int]
) -> tuple[int, tuple[Thread, ...]]:
    """The page of threads that the address names, else that of the chosen thread."""
    here = 1 if part is None else known[None if part == REST else part]
    last = max(1, -(-len(known) // THREADS))
    page = min(named.threads or (here - 1) // THREADS + 1, last)
    return page, session_data.threads(runner.current(), session, page)


def _part(thread: Thread) -> Part:
    return thread.id or REST


def _openings(usages: Sequence[int]) -> dict[int, str]:
    prompts = (
        session_data.texts(runner.current(), usages, ("prompt",), session_transcript.OPENING)
        if usages
        else ()
    )
    return {text.usage: formats.line(text.text) for text in reversed(prompts)}


def _row(thread: Thread, part: Part, opening: Mapping[int, str]) -> tuple[object, ...]:
    words = opening.get(thread.root or -1, "") if thread.id else OUTSIDE
    name = f"{thread.place}" + (f" · {formats.middle(words, 60)}" if words else "")
    is_shown = part is not None and _part(thread) == part
    return (
        tables.Words(f"▸ {name}" if is_shown else name, words or f"Thread {thread.place}"),
        thread.started_at,
        thread.model or formats.DASH,
        session_tables.number(thread, "requests", thread.requests),
        session_tables.number(thread, "tool_calls", thread.tool_calls),
        session_tables.number(thread, "total_tokens", thread.total_tokens),
        session_tables.number(thread, "spend", thread.cost),
        (thread.ended_at - thread.started_at).total_seconds() if thread.ended_at else None,
        ", ".join(_remarks(thread)),
    )


def _remarks(thread: Thread) -> list[str]:
    failed = formats.plural(thread.tool_errors, "tool error") if thread.tool_errors else ""
    ended = f"failed: {formats.middle(formats.visible(thread.error_type or ''), 24)}"
    own = "own key" if thread.credential_kind == "byok" else ""
    return list(filter(None, (ended if thread.error_type else "", failed, own)))


def _per_thread(threads: Sequence[Thread], *, has_rest: bool) -> None:
    st.header("Tokens per thread", anchor=False)
    frame = pd.DataFrame(
        [
            (session_tables.name(each), *(getattr(each, kind) for kind in _KINDS))
            for each in threads
        ],
        columns=["thread", *_KINDS],
    )
    totals = [(each.total_tokens or 0, session_tables.name(each)) for each in threads]
    untold = _token_gap(threads, totals, has_rest=has_rest)
    if not any(total for total, _ in totals):
        st.caption(untold)
        return
    most, name = max(totals, key=lambda pair: pair[0])
    chart.show(
        charts.tokens_per_thread(frame),
        key="tokens_per_thread",
        parameter="thread",
        on_pick=lambda point: _open_thread(point, threads),
        alt=f"Stacked bars of tokens for {formats.plural(len(threads), 'thread')}; the largest is "
        f"thread {name} with {most:,} tokens. The table below has all numbers.",
    )
    st.html(charts.token_legend())
    if untold:
        st.caption(untold)


def _token_gap(
    threads: Sequence[Thread], totals: Sequence[tuple[int, str]], *, has_rest: bool
) -> str:
    """How many of the threads have no tokens, and why; "" when all have some."""
    count = sum(not total for total, _ in totals)
    if not count:
        return ""
    which = "No thread here has" if count == len(threads) else f"{count:,} of these threads have no"
    why = (
        "the server tells those of a session's first 50 threads only. What the others used together"
        ' is the last one, "Rest"'
        if has_rest
        else "their requests failed, or the provider reported no usage"
    )
    return f"{which} tokens on record: {why}."


def _open_thread(point: chart.Point, threads: Sequence[Thread]) -> None:
    named = {session_tables.name(each): each for each in threads}
    if (chosen := named.get(str(point.get("thread")))) is not None:
        session_url.to_thread(_part(chosen))


def _steps(marks: Sequence[Mark], known: Mapping[Any, int]) -> list[charts.Step]:
    return [
        charts.Step(
            mark.place,
            session_tables.called(mark, known),
            mark.context,
            mark.output,
            mark.running_cost,
            running_accuracy(mark).standing,
        )
        for mark in marks
    ]


def _context(course: session_data.Course, calls: _Calls, known: Mapping[Any, int]) -> None:
    part = calls.part
    thread = "the rest" if part == REST else f"thread {known[part]}" if part else ""
    where = f" of {thread}" if thread else ""
    most = max(mark.context for mark in course.calls)
    st.header(f"Context per call{where}", anchor=False)
    chart.show(
        charts.context_per_call(_steps(course.calls, known), calls.chosen),
        key="context",
        chosen=calls.chosen,
        on_pick=lambda point: _pick(point, calls),
        alt=f"A line of the tokens of each prompt over "
        f"{formats.plural(course.calls_count, 'call')}; the largest has {most:,} tokens. {_SAME}",
    )
    st.caption(" ".join(_about_context(course)))


def _about_context(course: session_data.Course) -> Iterator[str]:
    few = f", {len(course.calls):,} of {course.calls_count:,} drawn"
    yield (
        "Tokens of each whole prompt; the larger the dot, the more was written"
        f"{few if len(course.calls) < course.calls_count else ''}."
    )
    if course.sums:
        yield (
            f"Not drawn: {formats.compact(course.sums_tokens)} tokens of requests that are only"
            f" known as {formats.plural(course.sums, 'sum')}."
        )
    if course.untold:
        yield f"Of {formats.plural(course.untold, 'more call')} the server tells no tokens."


def _cost(course: session_data.Course, calls: _Calls, known: Mapping[Any, int]) -> None:
    st.header("Cost so far", anchor=False)
    how = running_accuracy(course.marks[-1])
    last = formats.money(course.marks[-1].running_cost)
    chart.show(
        charts.running_cost(_steps(course.marks, known), calls.chosen),
        key="running_cost",
        chosen=calls.chosen,
        on_pick=lambda point: _pick(point, calls),
        alt=f"A line that rises with every call to {how.in_words(last)} at the last. {_SAME}",
    )
    if how.reasons:
        st.caption(formats.unmarked(how.sentence(last)))
