"""Charts of a session's calls: how large their prompts were, and what they cost together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import session_data
from bridgeboard.queries.session_calls import REST, Call, Mark, Part, Spot
from bridgeboard.queries.session_detail import Head
from bridgeboard.ui import runner
from bridgeboard.ui.components import chart, notices
from bridgeboard.ui.views import session_pauses, session_tables, session_threads, session_url
from bridgeboard.ui.views.session_url import Place

_CALL: Final = "number_of_call"
_SAME: Final = (
    "The table below has the numbers. The box Call opens a call in the timeline as a click does."
)


def pictures(head: Head, part: Part, named: Place) -> None:
    """Tokens per thread over the whole width, then context and cost per call beside each other.

    Each has its table behind it. A click on a thread shows it alone, one on a call opens it in the
    timeline; so does the box below, and the call is in the address.
    """
    known = session_data.places(runner.current(), head.session)
    threads = session_threads.page(head.session, part, named, known)[1]
    course = session_data.course(runner.current(), head.session, part)
    spot = (
        session_data.call_spot(runner.current(), head.session, named.call, part)
        if named.call
        else None
    )
    pauses = session_pauses.pauses(head.session)
    calls = _Calls(head.session, part, course.count, spot, session_pauses.places(pauses, part))
    with st.container(key="box-threads"), notices.tile("tokens per thread"):
        session_threads.tokens(head, threads, known)
    drawn = []
    if len(course.calls) > 1:
        drawn.append(("context", "context per call", _context))
    if len(course.marks) > 1 and course.marks[-1].running_cost:
        drawn.append(("cost", "the running cost", _cost))
    if drawn:
        with st.container(key="pictures"):
            for place, (key, name, draw) in zip(st.columns(len(drawn)), drawn, strict=True):
                with place, st.container(key=f"box-{key}"), notices.tile(name):
                    draw(course, calls, known)
    if drawn and calls.pauses:
        many = formats.plural(len(calls.pauses), "pause")
        st.caption(f"Dashed lines: {many} longer than the cache is kept; the timeline says more.")
    if len(course.marks) > 1:
        _box(calls)
    session_tables.show(threads, course, known)


@dataclass(frozen=True)
class _Calls:
    """The calls that are drawn, how many, the one that the address names, those after pauses."""

    session: int
    part: Part
    count: int
    spot: Spot | None
    pauses: Sequence[int]

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


def _steps(marks: Sequence[Mark], known: Mapping[Any, int]) -> list[charts.Step]:
    return [
        charts.Step(
            mark.place,
            session_tables.called(mark, known),
            mark.context,
            mark.output,
            mark.running_cost,
            mark.running_accuracy.standing,
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
        charts.context_per_call(_steps(course.calls, known), calls.chosen, calls.pauses),
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
        yield f"Not drawn: {formats.plural(course.untold, 'call')} without tokens on record."


def _cost(course: session_data.Course, calls: _Calls, known: Mapping[Any, int]) -> None:
    st.header("Cost so far", anchor=False)
    how = course.marks[-1].running_accuracy
    last = formats.money(course.marks[-1].running_cost)
    chart.show(
        charts.running_cost(_steps(course.marks, known), calls.chosen, calls.pauses),
        key="running_cost",
        chosen=calls.chosen,
        on_pick=lambda point: _pick(point, calls),
        alt=f"A line that rises with every call to {how.in_words(last)} at the last. {_SAME}",
    )
    if how.reasons:
        st.caption(formats.unmarked(how.sentence(last)))
