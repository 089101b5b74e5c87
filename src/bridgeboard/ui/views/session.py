"""The page Session: which one the address names, its headline, and its remarks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from bridgeboard import formats
from bridgeboard.access import Permission
from bridgeboard.analysis import session_data
from bridgeboard.model.accuracy import NOT_BILLED, accuracy
from bridgeboard.queries.session_calls import REST, Part
from bridgeboard.queries.session_detail import Head, Owner
from bridgeboard.runtime import process
from bridgeboard.state import StateError
from bridgeboard.state.wishes import Wish
from bridgeboard.ui import current_user, navigation, runner, url
from bridgeboard.ui.components import data_quality, headline_cards, notices
from bridgeboard.ui.views import session_pauses, session_url
from bridgeboard.ui.views.session_url import Place

SOON: Final = timedelta(seconds=3)
PATIENCE: Final = 40
"""How many times it is looked whether details have come."""
NAMED_TOOLS: Final = 5
KEYS: Final = {"byok": "own key", "centralized": "company key"}
_WANTED: Final = "details_wanted"
_LOOKED: Final = "looked_for_details"


@dataclass(frozen=True)
class SessionFacts:
    """A session, what is not known of it, and the sessions of others under its id."""

    head: Head
    missing: tuple[str, ...]
    sharers: tuple[Owner, ...]


def asked() -> Place:
    """What the address names. Stops the page, with what to do, when it names no session."""
    st.page_link(
        "pages/sessions.py",
        label="All sessions",
        icon=":material/arrow_back:",
        query_params=url.carried("sessions"),
    )
    session_url.keep()
    named = session_url.asked()
    if not named.id:
        notices.state(
            "No session chosen",
            "Open one from the list of sessions, or follow a link to one.",
            icon=":material/account_tree:",
        )
        url.stop()
    return named


def found(named: Place) -> SessionFacts:
    """The session that is named; of several people's the newest. Stops the page without one."""
    owners = session_data.owners(runner.current(), named.id)
    mine = next((one for one in owners if named.initiator in {None, one.initiator_id}), None)
    head = session_data.head(runner.current(), mine.session) if mine else None
    if mine is None or head is None:
        _absent(owners)
        url.stop()
    gaps = session_data.missing(head, session_data.kept(runner.current(), head.session))
    return SessionFacts(head, gaps, tuple(one for one in owners if one is not mine))


def header(details: SessionFacts, zone: ZoneInfo) -> None:
    """Who, with what, when; and all that makes this session unlike others."""
    head = details.head
    with st.container(horizontal=True, vertical_alignment="center", key="who"):
        client = formats.unmarked(head.client or "Unknown client")
        st.header(f"{formats.unmarked(_named(head))} · {client}", anchor=False, width="content")
        navigation.link_to_person(head.person)
        st.code(formats.visible(head.id), language=None, width="content")
    st.caption(" · ".join(map(formats.unmarked, _facts(head, zone))))
    _freshen(head)
    _sharing(details.sharers)


def summary(details: SessionFacts) -> None:
    """What a reader asks first: which thread cost most, which tools ran, what pauses cost."""
    head = details.head
    sentences = (
        _not_billed(head),
        _costliest(head),
        _tools(head),
        session_pauses.together(session_pauses.pauses(head.session)),
    )
    if words := " ".join(filter(None, sentences)):
        st.markdown(formats.unmarked(words))


def _not_billed(head: Head) -> str:
    """What all of it is worth, where none of it is billed."""
    standing = accuracy("spend", head.by_metric).standing
    if standing not in NOT_BILLED or not head.shadow_cost:
        return ""
    worth = accuracy("shadow_cost", head.by_metric).in_words(formats.money(head.shadow_cost))
    name = "" if standing == "not billed" else f" ({standing})"
    return f"Nothing of it is billed{name}; at list prices its usage is worth {worth}."


def _costliest(head: Head) -> str:
    most = session_data.costliest(runner.current(), head.session)
    if most is None or not head.cost:
        return ""
    thread, cost = most
    name = (
        "Requests outside known threads"
        if thread == REST
        else f"Thread {session_data.places(runner.current(), head.session)[thread]}"
    )
    how = accuracy("spend", head.by_metric)
    share = formats.number(cost / head.cost, "rate", how.loose.standing)
    verb = "cost" if how.standing == "exact" else "is known to have cost"
    return f"{name} {verb} most: {formats.money(cost)}, {share} of the session."


def _tools(head: Head) -> str:
    tools = session_data.tools(runner.current(), head.session)
    if not tools:
        return ""
    named = [
        f"{formats.middle(formats.visible(each.tool), 40) or 'unnamed tool'} {each.calls:,}"
        for each in tools[:NAMED_TOOLS]
    ]
    more = len(tools) - len(named)
    others = [f"{formats.plural(more, 'other tool')}"] if more else []
    failed = [
        f"{formats.middle(formats.visible(each.tool), 40)} {each.failures:,}"
        for each in tools
        if each.failures
    ]
    ended = f" Failed calls: {', '.join(failed[:NAMED_TOOLS])}." if failed else ""
    return f"Tool calls: {', '.join(named + others)}.{ended}"


def part(head: Head, asked: Place) -> Part:
    """The thread that the link names if the session has it; else None, which is all of it."""
    return session_data.part(runner.current(), head.session, asked.thread)


def remarks(details: SessionFacts) -> None:
    """What a reader would miss without noticing."""
    if details.missing:
        st.caption(f":material/info: {formats.unmarked(' '.join(details.missing))}")


def cards(head: Head) -> list[headline_cards.Card]:
    """The session's headline numbers."""
    prompt = head.input + head.cache_read + head.cache_write
    hits = {**head.by_metric, "cache_hit_rate": head.cache_read / prompt if prompt else None}
    return [
        headline_cards.of_metric("spend", head.by_metric, _spend(head)),
        headline_cards.of_metric("total_tokens", head.by_metric, _tokens(head)),
        headline_cards.of_number(
            "Duration",
            head.duration_seconds,
            "seconds",
            "From the first request to the end of the last.",
        ),
        headline_cards.of_metric(
            "threads", head.by_metric, "Prompts, each with all that followed it."
        ),
        headline_cards.of_metric(
            "requests", head.by_metric, "Requests that its client made to models."
        ),
        headline_cards.of_metric(
            "tool_calls", head.by_metric, "Uses of tools that models asked for."
        ),
        headline_cards.of_metric(
            "tool_errors", head.by_metric, "Only tools that the bridge injects report errors."
        ),
        headline_cards.of_number(
            "Cache hits",
            hits["cache_hit_rate"],
            "rate",
            "The share of all prompt tokens that was read from a cache.",
            accuracy("cache_hit_rate", hits),
        ),
        *_network(head),
    ]


def _network(head: Head) -> list[headline_cards.Card]:
    """What the agent firewall saw; nothing where it saw nothing of the session."""
    if head.network_total is None:
        return []
    return [
        headline_cards.of_number(
            "Network calls",
            head.network_total,
            "count",
            "Calls of agents to other hosts, as the agent firewall logged them.",
        ),
        headline_cards.of_number(
            "Blocked calls",
            head.network_blocked,
            "count",
            "Network calls that no rule of the agent firewall allowed.",
        ),
    ]


def spans_days(head: Head, zone: ZoneInfo) -> bool:
    """Whether the session goes over midnight or a change of clocks: times of day would mislead."""
    if head.ended_at is None:
        return True
    first, last = (at.astimezone(zone) for at in (head.started_at, head.ended_at))
    return (first.date(), first.utcoffset()) != (last.date(), last.utcoffset())


_GONE: Final = (
    "This session is not here. Check that the link has the whole session ID and person. The "
    "session may also be older than all that was read: the deployment deletes sessions after 60 "
    "days by default. All sessions that are here are in the list."
)
_COMING: Final = (
    "This session is not here yet: the first sync is still running, and it reads the newest days "
    "first. The session appears here by itself as soon as it has been read."
)
_CUT_SHORT: Final = (
    "This session is not here: the first sync was stopped before its end, and syncing is off. "
    "The session appears here once a sync has read it."
)
_NOT_THEIRS: Final = (
    "The person in this link has no session with this ID, or not any more. Other people have one:"
)


def _absent(owners: Sequence[Owner]) -> None:
    if owners:
        notices.empty(_NOT_THEIRS)
        _link_to(owners)
    else:
        notices.empty(_why_absent())


def _why_absent() -> str:
    if runner.current().coverage().is_whole:
        return _GONE
    return _COMING if data_quality.syncs() else _CUT_SHORT


def _sharing(sharers: Sequence[Owner]) -> None:
    if sharers:
        others = formats.plural(len(sharers), "other person", "other people")
        notices.remark(f"{others} used the same session ID. Only this person's session is shown.")
        _link_to(sharers)


def _link_to(owners: Sequence[Owner]) -> None:
    for one in owners:
        st.button(
            f"The session of {formats.unmarked(one.person)}",
            key=f"sharer-{one.initiator_id}",
            icon=":material/person:",
            on_click=session_url.to_session,
            args=(navigation.session(one.id, one.initiator_id),),
        )


def _named(head: Head) -> str:
    """``Name (username)``: the lists know people by the latter."""
    return f"{head.name} ({head.person})" if head.name else head.person


def _facts(head: Head, zone: ZoneInfo) -> list[str]:
    models = ", ".join(map(_model, head.models))
    kinds = [KEYS.get(kind, kind) for kind in head.credential_kinds]
    keys = ", ".join([*kinds, *head.credential_hints])
    span = formats.stretch(head.started_at, head.ended_at, zone, "seconds")
    return [span, models or "no model", ", ".join(head.providers), keys or "key unknown", head.team]


def _model(model: str) -> str:
    """What a model is called, and its id, where that is something else."""
    name = runner.model_name(model, "(empty)")
    shown = formats.middle(model, 48)
    return name if name == model or not model else f"{formats.middle(name, 48)} ({shown})"


def _spend(head: Head) -> str:
    words = "An estimate at list prices."
    if head.shadow_cost:
        money = formats.exact_money(head.shadow_cost)
        covered = accuracy("shadow_cost", head.by_metric).in_words(money)
        words += f" Covered by subscriptions beside it: {covered}."
    return words


def _tokens(head: Head) -> str:
    return (
        f"Input {head.input:,}, output {head.output:,}, cache read {head.cache_read:,}, "
        f"cache write {head.cache_write:,}."
    )


State = tuple[int, datetime | None]
"""A session, and when its details were read."""


def _freshen(head: Head) -> None:
    """Have the details read now, if they are not there or not of now, and wait for them."""
    keeper = process.current()
    is_behind = head.detailed_at is None or head.is_outdated
    if not is_behind or head.detail_problem or keeper is None:
        return
    if not keeper.sync_seconds:
        return
    state = (head.session, head.detailed_at)
    wanted: set[State] = st.session_state.setdefault(_WANTED, set())
    try:
        if state not in wanted:
            keeper.want(head.session)
            wanted.add(state)
            st.session_state[_LOOKED] = 0
        wish = keeper.wish(head.session)
    except StateError as error:
        st.caption(f"Its details cannot be read now. {formats.unmarked(_reason(error))}")
        return
    if wish and wish.state in {"failed", "expired"}:
        st.caption(_not_read(wish))
    elif st.session_state.get(_LOOKED, 0) < PATIENCE:
        _wait(head.session, head.detailed_at, runner.current().version)


def _reason(error: StateError) -> str:
    """Why they cannot be read, for who can mend it."""
    return str(error) if current_user.reader().may(Permission.SYNC) else ""


def _not_read(wish: Wish) -> str:
    """What became of a wish that another process did not fulfil."""
    if wish.state == "expired":
        return "Its details were asked for, and the process that syncs did not take that up."
    if not current_user.reader().may(Permission.SYNC):
        return "Its details could not be read from the deployment."
    return formats.unmarked(wish.problem)


@st.fragment(run_every=SOON)
def _wait(session: int, detailed_at: datetime | None, version: int) -> None:
    """Look whether details have come; not for ever, as the deployment may not tell them now."""
    st.session_state[_LOOKED] = st.session_state.get(_LOOKED, 0) + 1
    is_over = st.session_state[_LOOKED] >= PATIENCE or _was_refused(session)
    if is_over or (runner.current().version != version and _has_news(session, detailed_at)):
        st.rerun()
    st.caption(":material/sync: Reading its details from the deployment …")


def _was_refused(session: int) -> bool:
    """Whether another process was asked for the details, and will not read them."""
    keeper = process.current()
    try:
        wish = keeper.wish(session) if keeper else None
    except StateError:
        return False
    return wish is not None and wish.state in {"failed", "expired"}


def _has_news(session: int, detailed_at: datetime | None) -> bool:
    head = session_data.head(runner.current(), session)
    return head is None or head.detailed_at != detailed_at or bool(head.detail_problem)
