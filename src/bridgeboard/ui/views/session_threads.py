"""The threads of a session: the tokens of each as a chart, and a list that leads to each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import pandas as pd
import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import session_data
from bridgeboard.model.accuracy import Accuracy, accuracy, together
from bridgeboard.queries.session_calls import REST, Part
from bridgeboard.queries.session_detail import THREADS, Head, Thread
from bridgeboard.ui import runner
from bridgeboard.ui.components import chart, pager, tables
from bridgeboard.ui.components.tables import Column, Inexact, Links
from bridgeboard.ui.views import session_tables, session_transcript, session_url
from bridgeboard.ui.views.session_url import Place

OUTSIDE: Final = "Requests outside known threads"
LONGEST_MODEL: Final = 24
_THREADS_SHOWN: Final = "listed_threads"
_KINDS: Final = tuple(charts.TOKEN_KINDS)


def listing(head: Head, part: Part, named: Place, *, text: bool) -> None:
    """The threads with their numbers; a press on one shows it alone."""
    known = session_data.places(runner.current(), head.session)
    if len(known) <= 1:
        return
    number, threads = page(head.session, part, named, known)
    roots = [thread.root for thread in threads if thread.root is not None and thread.has_prompt]
    opening = _openings(roots) if text else {}
    with st.container(horizontal=True, vertical_alignment="center", key="threads-head"):
        _pages(number, len(known))
        _way_back(part, known)
    first = (number - 1) * THREADS + 1
    rows = [_row(each, head, part, opening) for each in threads]
    title = formats.span(first, len(threads), len(known), "thread").capitalize()
    links = Links("", [session_url.thread_address(_part(each)) for each in threads])
    columns = [replace(_NAMES, links=links), *_COLUMNS]
    with st.container(key="jumps"):
        tables.show(rows, columns, key="jump", label=title, title=title, is_sortable=False)


_NAMES: Final = Column("Thread", meaning="A prompt and all that followed it. Shows it alone.")
_COLUMNS: Final = (
    Column("Began", "moment"),
    Column("Model", meaning="Of its first request."),
    Column("Requests", "count", exact=True),
    Column("Tool calls", "count", exact=True),
    Column("Tokens", "count", "Input, output, cache read and cache write together."),
    Column("Cost", "money", "Estimated at list prices."),
    Column("Share of cost", "rate", "Of the cost of the whole session."),
    Column("Lasted", "seconds"),
    Column("Remarks"),
)


def _pages(page: int, count: int) -> None:
    """Which threads are listed; the control follows the address."""
    st.session_state[_THREADS_SHOWN] = (page - 1) * THREADS
    pager.box(
        "Threads",
        count,
        THREADS,
        key=_THREADS_SHOWN,
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


def page(
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


def _row(thread: Thread, head: Head, part: Part, opening: Mapping[int, str]) -> tuple[object, ...]:
    words = opening.get(thread.root or -1, "") if thread.id else OUTSIDE
    name = f"{thread.place}" + (f" · {formats.middle(words, 60)}" if words else "")
    is_shown = part is not None and _part(thread) == part
    return (
        tables.Words(f"▸ {name}" if is_shown else name, words or f"Thread {thread.place}"),
        thread.started_at,
        runner.model_name(thread.model, formats.DASH),
        session_tables.number(thread, "requests", thread.requests),
        session_tables.number(thread, "tool_calls", thread.tool_calls),
        session_tables.number(thread, "total_tokens", thread.total_tokens),
        session_tables.number(thread, "spend", thread.cost),
        _share_of_cost(thread, head),
        (thread.ended_at - thread.started_at).total_seconds() if thread.ended_at else None,
        ", ".join(_remarks(thread)),
    )


def _model(model: str | None) -> tables.Words:
    """What a model is called, with its id for who points at it."""
    name = runner.model_name(model, formats.DASH)
    return tables.Words(formats.middle(formats.visible(name), 28), model or name)


def _share_of_cost(thread: Thread, head: Head) -> Any:
    if thread.cost is None or not head.cost:
        return None
    share = thread.cost / head.cost
    is_exact = all(accuracy("spend", one.by_metric).is_exact for one in (thread, head))
    return share if is_exact else Inexact(share, "about")


def _remarks(thread: Thread) -> list[str]:
    failed = formats.plural(thread.tool_errors, "tool error") if thread.tool_errors else ""
    ended = f"failed: {formats.middle(formats.visible(thread.error_type or ''), 24)}"
    own = "own key" if thread.credential_kind == "byok" else ""
    return list(filter(None, (ended if thread.error_type else "", failed, own)))


def tokens(head: Head, threads: Sequence[Thread], known: Mapping[Any, int]) -> None:
    """The tokens of each thread by kind; of the whole session where none of a thread are known."""
    st.header("Tokens per thread", anchor=False)
    totals = [each.total_tokens or 0 for each in threads]
    captions = list(_about_tokens(threads, totals, known))
    bars = [
        _Bar(_long_name(each, len(threads)), each, accuracy("total_tokens", each.by_metric))
        for each in threads
    ]
    if not any(totals):
        bars = [_Bar("Whole session", head, accuracy("total_tokens", head.by_metric))]
        totals = [head.total_tokens]
        captions = captions or ["Which threads it has is not known; these are all of its tokens."]
    if any(totals):
        _draw_tokens(bars, totals, threads)
    else:
        captions = captions or ["No tokens are on record."]
    for words in captions:
        st.caption(words)


def _draw_tokens(bars: Sequence["_Bar"], totals: Sequence[int], threads: Sequence[Thread]) -> None:
    frame = pd.DataFrame(
        [
            (bar.name, bar.accuracy.standing, *(getattr(bar.of, kind) for kind in _KINDS))
            for bar in bars
        ],
        columns=["thread", "standing", *_KINDS],
    )
    most, bar = max(zip(totals, bars, strict=True), key=lambda pair: pair[0])
    count = formats.plural(len(bars), "thread") if threads else "the whole session"
    chart.show(
        charts.tokens_per_thread(frame),
        key="tokens_per_thread",
        parameter="thread",
        on_pick=lambda point: _open_thread(point, threads),
        alt=f"Stacked bars of tokens for {count}; the largest is {bar.name} with {most:,} tokens. "
        "The table below has all numbers.",
    )
    st.html(charts.token_legend())


@dataclass(frozen=True)
class _Bar:
    """A bar of the chart: its name, what it shows, and how its counts stand."""

    name: str
    of: Thread | Head
    accuracy: Accuracy


def _about_tokens(
    threads: Sequence[Thread], totals: Sequence[int], known: Mapping[Any, int]
) -> Iterator[str]:
    """How many of the threads are drawn, why their counts are not exact, and which have none."""
    if len(known) > len(threads):
        yield f"{len(threads):,} of {len(known):,} threads; the list below has the others."
    standings = [accuracy("total_tokens", each.by_metric) for each in threads]
    if reasons := together(standings).reasons:
        yield formats.unmarked(f"Not exact: {'; '.join(reasons)}.")
    if gap := _token_gap(totals, has_rest=None in known):
        yield gap


def _long_name(thread: Thread, count: int) -> str:
    """What a thread is called beside a bar that lies; bars that stand have room for a number."""
    name = session_tables.name(thread)
    if count > charts.LYING or not thread.id:
        return name
    model = runner.model_name(thread.model, "model unknown")
    return f"{name} · {formats.middle(model, LONGEST_MODEL)}"


def _token_gap(totals: Sequence[int], *, has_rest: bool) -> str:
    """How many of the threads have no tokens, and why; "" when all have some."""
    count = sum(not total for total in totals)
    if not count:
        return ""
    has = "has" if count == 1 else "have"
    which = "No thread here has" if count == len(totals) else f"{count:,} of these threads {has} no"
    why = (
        "the server tells those of a session's first 50 threads only. What the others used together"
        ' is the last one, "Rest"'
        if has_rest
        else "their requests failed, or the provider reported no usage"
    )
    return f"{which} tokens on record: {why}."


def _open_thread(point: chart.Point, threads: Sequence[Thread]) -> None:
    named = {_long_name(each, len(threads)): each for each in threads}
    if (chosen := named.get(str(point.get("thread")))) is not None:
        session_url.to_thread(_part(chosen))
