"""One session as a story: which one the URL names, its headline, and its page of threads."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st

from aibridge import Initiator, SessionSummary, Thread
from bridgeboard import charts, formats
from bridgeboard.ui import data, kpis, notices, tables

LAST = "last_session"


@dataclass(frozen=True)
class Asked:
    """The session, initiator and thread that the URL names."""

    id: str
    initiator: UUID | None
    thread: UUID | None


def asked() -> Asked:
    """What the URL names. Stops the page, with what to do, when it names no session."""
    st.page_link("pages/sessions.py", label="All sessions", icon=":material/arrow_back:")
    _take_up_the_last()
    session_id = st.query_params.get("id", "")
    if not session_id:
        notices.state(
            "No session chosen",
            "Open one from the list of sessions, or follow a link to one.",
            icon=":material/account_tree:",
        )
        st.stop()
    st.session_state[LAST] = st.query_params.to_dict()
    return Asked(session_id, _uuid("person"), _uuid("thread"))


def _take_up_the_last() -> None:
    """Leaving by a link leaves an entry without parameters behind, which Back then leads to."""
    if "id" not in st.query_params:
        last = st.session_state.get(LAST, {})
        for name in {"id", "person"} & last.keys():
            st.query_params[name] = last[name]


def header(told: data.Story, chosen: Asked, zone: ZoneInfo) -> None:
    """Who, with what, when; and all that makes this session unlike others."""
    facts = told.summary or told.detail
    if facts is None:
        notices.empty(_GONE if told.reason in {None, data.UNADDRESSED} else str(told.reason))
        _link_to(told.sharers)
        st.stop()
    client = formats.unmarked(facts.client or "Unknown client")
    st.header(f"{formats.unmarked(_named(facts.initiator))} · {client}", anchor=False)
    span = f"{formats.moment(facts.started_at, zone)} to {formats.moment(facts.ended_at, zone)}"
    models = ", ".join(formats.middle(model, 48) or "(empty)" for model in facts.models)
    st.caption(
        f"{span} · {formats.unmarked(models)} · {formats.unmarked(', '.join(facts.providers))}"
    )
    st.code(formats.visible(chosen.id), language=None, width="content")
    if told.reason:
        notices.remark(told.reason)
    if told.sharers:
        others = formats.plural(len(told.sharers), "other person", "other people")
        notices.remark(
            f"{others} used the same session ID. The totals here are this person's; the deployment "
            "does not tell whose each thread is, so the threads below are everybody's."
        )
        _link_to(told.sharers)


def cards(told: data.Story) -> list[kpis.Card]:
    """The session's headline numbers, from the server's own sums (api-contract 4.6)."""
    facts = told.summary or told.detail
    if facts is None:
        return []
    lasted = facts.ended_at - facts.started_at if facts.ended_at else None
    extra = [
        kpis.Card(
            "Duration", formats.duration(lasted), "From the first request to the end of the last."
        )
    ]
    if told.summary:
        threads = formats.exact(told.summary.threads)
        extra.append(kpis.Card("Threads", threads, "Prompts, each with all that followed it."))
    return kpis.tokens(facts.token_usage_summary) + extra


def thread_page(told: data.Story, chosen: Asked) -> data.ThreadPage:
    """The threads that the reader is on: the chosen page, at first that of the named thread."""
    pages = max(1, -(-_thread_count(told, chosen.id) // data.THREADS))
    start = data.page_of_thread(chosen.id, chosen.thread) if chosen.thread else 1
    if start is None:
        notices.remark("The thread that this link names is not in the session any more.")
    page = 1
    if pages > 1:
        page = st.pagination(
            pages,
            default=min(start or 1, pages),
            key="threads",
            bind="query-params",
            on_change=_forget_thread,
        )
    return data.threads(chosen.id, page)


def spans_days(told: data.Story, zone: ZoneInfo) -> bool:
    """Whether the session goes over midnight, so that times of day alone would mislead."""
    facts = told.summary or told.detail
    if facts is None or facts.ended_at is None:
        return True
    return facts.started_at.astimezone(zone).date() != facts.ended_at.astimezone(zone).date()


def span(page: data.ThreadPage, told: data.Story, session_id: str) -> str:
    """Which threads are shown: "Threads 51-100 of 312"."""
    return formats.span(page.first, len(page.threads), _thread_count(told, session_id), "thread")


def picture(page: data.ThreadPage, told: data.Story, zone: ZoneInfo) -> None:
    """Tokens of each thread, with the table behind it; a click on a bar opens its thread."""
    frame = tables.threads_frame(page.threads, page.first, zone)
    if frame["total"].sum() > 0:
        st.altair_chart(
            charts.tokens_per_thread(frame),
            key="tokens_per_thread",
            on_select=lambda: _open_selected(page),
            alt=_in_words(page.threads, page.first),
        )
    elif frame["total"].notna().any():
        st.caption(
            "No tokens were recorded for these threads: their requests failed, or the provider "
            "reported no usage."
        )
    _tell_gaps(page, told)
    with st.expander("Table", icon=":material/table:"):
        tables.threads(page.threads, page.first, zone)


_GONE = (
    "The deployment has no such session, or this token may not read it. Sessions vanish when the "
    "deployment's retention has purged all their requests (60 days unless configured otherwise)."
)


def _thread_count(told: data.Story, session_id: str) -> int:
    if told.summary:
        return told.summary.threads + sum(row.threads for row in told.sharers)
    page = 1
    while (last := data.threads(session_id, page)).more:
        page += 1
    return last.first - 1 + len(last.threads)


def _tell_gaps(page: data.ThreadPage, told: data.Story) -> None:
    """Say which tokens no bar shows, and why, so that bars and headline can be reconciled."""
    numbered = list(enumerate(page.threads, page.first))
    untold = [number for number, thread in numbered if not tables.tokens_known(thread, number)]
    if untold:
        st.caption(
            f"The server tells no tokens for threads after the {tables.KNOWN_THREADS}th "
            f"({formats.plural(len(untold), 'thread')} here); the totals above do count them."
        )
    if told.sharers or page.first > 1 or page.more or not told.summary:
        return
    shown = sum(thread.token_usage.total_tokens for thread in page.threads)
    missing = told.summary.token_usage_summary.total_tokens - shown
    if missing and not untold:
        st.caption(
            f"{formats.exact(missing)} tokens of this session belong to requests whose thread "
            "began elsewhere, is unfinished or was purged; no bar shows them."
        )


def _in_words(threads: Sequence[Thread], first: int) -> str:
    known = [
        (number, thread.token_usage.total_tokens)
        for number, thread in enumerate(threads, first)
        if tables.tokens_known(thread, number)
    ]
    number, most = max(known, key=lambda pair: pair[1])
    return (
        f"Stacked bars of tokens for {formats.plural(len(known), 'thread')}; the largest is "
        f"thread {number} with {formats.exact(most)} tokens. The table below has all numbers."
    )


def _open_selected(page: data.ThreadPage) -> None:
    event = st.session_state["tokens_per_thread"]
    for point in event["selection"].get("thread", []):
        place = int(point["thread"]) - page.first
        if 0 <= place < len(page.threads):
            opened = page.threads[place].id
            st.session_state[f"thread-{opened}"] = True
            st.query_params["thread"] = str(opened)


def _link_to(sharers: Sequence[SessionSummary]) -> None:
    for row in sharers:
        st.button(
            f"The session of {formats.unmarked(_named(row.initiator))}",
            key=f"sharer-{row.initiator.id}",
            icon=":material/person:",
            on_click=_go_to,
            args=(tables.address(row),),
        )


def _go_to(address: dict[str, str]) -> None:
    """Change the address within this page; a page link to itself would leave it as it is."""
    st.query_params.pop("thread", None)
    for name, value in address.items():
        st.query_params[name] = value


def _forget_thread() -> None:
    st.query_params.pop("thread", None)


def _named(initiator: Initiator) -> str:
    """``Name (username)``: the list knows people by the latter."""
    name = initiator.name
    return f"{name} ({initiator.username})" if name else initiator.username


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(st.query_params.get(name, ""))
    except ValueError:
        return None
