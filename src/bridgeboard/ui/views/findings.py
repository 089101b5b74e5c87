"""The page Radar: findings with their reasons, links to the evidence, and notes."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.access import Permission
from bridgeboard.analysis.radar.finding import KINDS, SEVERITIES, Finding
from bridgeboard.exports import Column, Sheet
from bridgeboard.model.scope import Scope
from bridgeboard.state import StateError
from bridgeboard.state.errors import SavedViewError
from bridgeboard.state.saved_views import LONGEST_NOTE, Note
from bridgeboard.ui import current_user, navigation, runner, url, url_values
from bridgeboard.ui.components import (
    chart_findings,
    clock,
    data_quality,
    downloads,
    filters,
    notices,
)
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.views import request_list, saved_views

PAGE: Final = 25
KIND: Final = url_values.some_of("kinds", KINDS)
SEVERITY: Final = url_values.some_of("severities", SEVERITIES)
ALL: Final = url_values.switch("acknowledged")
FINDING: Final = url_values.Several(chart_findings.FINDING, str)
_PROBLEM: Final = "note_problem"
_MICROSECOND: Final = timedelta(microseconds=1)
_WHOLE_DAY: Final = timedelta(hours=22)
_LOOKS: Final[Mapping[str, tuple[str, Any]]] = {
    "high": (":material/error:", "red"),
    "medium": (":material/warning:", "orange"),
    "low": (":material/info:", "gray"),
}
USUAL: Final = (
    "What is usual: for the spend of a day and for a session, the median of the days or sessions "
    "that it is compared with; for a share, that of all of them together; for hours of work, the "
    "mean."
)
_PAGES: Final[Mapping[str, str]] = {
    "spend_spike": "spend",
    "new_model": "spend",
    "cache_collapse": "models",
    "failing_tool": "interceptions",
    "provider_outage": "interceptions",
    "data_gap": "overview",
    "credential_drift": "spend",
    "unpriced": "trust",
}
"""Kind → the page that shows it; a session has its own."""


def show(now: Chosen) -> None:
    """All findings of the period that the reader wants to see, the most severe first."""
    with st.spinner("Comparing sessions, days, tools and hours with what is usual …"):
        findings = chart_findings.swept(now.scope)
    notes = _notes()
    with st.container(horizontal=True, vertical_alignment="bottom", key="radar-head"):
        wanted = _wanted(findings)
        every = st.checkbox("Show acknowledged", **ALL.widget_arguments())
    shown = _of_link(findings) or [one for one in wanted if every or one.key not in notes]
    _tell_count(findings, shown, notes, now.scope)
    if problem := st.session_state.pop(_PROBLEM, None):
        notices.remark(problem)
    if shown:
        st.caption(USUAL)
    for one in shown[:PAGE]:
        _finding(one, notes.get(one.key))
    if len(shown) > PAGE:
        st.caption(
            f"The first {PAGE} of {len(shown):,}. Choose a shorter period, a kind or a filter to "
            "see the others, or download them all."
        )
    if findings:
        downloads.menu(_sheet(findings, notes), now, key="radar")


def _of_link(findings: Sequence[Finding]) -> list[Finding]:
    """The findings that the link which was followed names; none where it names none."""
    keys = FINDING.value()
    named = [one for one in findings if one.key in keys]
    if keys:
        with st.container(horizontal=True, vertical_alignment="center", key="radar-link"):
            st.caption(
                "Only the findings of the link that you followed are shown."
                if named
                else "What the link that you followed names is no longer found in this period.",
                width="content",
            )
            st.button("Show all", type="tertiary", on_click=url.put, args=({FINDING.name: ()},))
    return named


def _notes() -> Mapping[str, Note]:
    """What was noted on findings; nothing where that cannot be read, which is said."""
    try:
        return saved_views.current().notes()
    except SavedViewError as error:
        notices.remark(f"Which findings were acknowledged is not known now. {error}")
        return {}


def _wanted(findings: Sequence[Finding]) -> list[Finding]:
    kinds = st.multiselect(
        "Kind",
        list(KINDS),
        format_func=lambda kind: KINDS[kind],
        placeholder="All",
        width=320,
        **KIND.widget_arguments(),
    )
    severities = st.multiselect(
        "Severity",
        list(SEVERITIES),
        format_func=str.capitalize,
        placeholder="All",
        width=240,
        **SEVERITY.widget_arguments(),
    )
    return [
        one
        for one in findings
        if (not kinds or one.kind in kinds) and (not severities or one.severity in severities)
    ]


def _tell_count(
    findings: Sequence[Finding], shown: Sequence[Finding], notes: Mapping[str, Note], scope: Scope
) -> None:
    done = sum(one.key in notes for one in findings)
    if not findings:
        notices.empty(_why_none(scope))
        return
    parts = [f"{sum(one.severity == name for one in shown)} {name}" for name in SEVERITIES]
    acknowledged = f" {formats.plural(done, 'finding')} acknowledged." if done else ""
    st.markdown(f"{formats.plural(len(shown), 'finding')}: {', '.join(parts)}.{acknowledged}")


def _why_none(scope: Scope) -> str:
    """Why there are no findings: nothing looks wrong only where there was something to look at."""
    used = runner.current().totals(("requests", "total_tokens"), scope)
    if used["requests"] or used["total_tokens"]:
        return "Nothing looks wrong in this period. docs/radar.md says what is checked, and how."
    return data_quality.why_empty("No usage of this period passes the filters.")


def _finding(one: Finding, note: Note | None) -> None:
    icon, color = _LOOKS[one.severity]
    with st.container(border=True, key=f"finding-{_short(one.key)}", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(one.severity.capitalize(), icon=icon, color=color)
            st.markdown(f"**{KINDS[one.kind]}**", width="content")
            st.caption(_when(one), width="content")
        st.text(one.reason)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            page, parameters = _evidence(one)
            st.page_link(
                f"pages/{page}.py",
                label="Show the session" if one.evidence.session else "Show the evidence",
                icon=":material/arrow_forward:",
                query_params={**parameters, **url.everywhere()},
            )
            _acknowledging(one, note)


def _acknowledging(one: Finding, note: Note | None) -> None:
    key = _short(one.key)
    if note:
        reason = f": {formats.unmarked(note.text)}" if note.text else ""
        by = f" by {notices.plain(note.by)}" if note.by else ""
        at = formats.moment(note.written_at, clock.zone())
        st.caption(f":material/check: Acknowledged {at}{by}{reason}", width="content")
    if not current_user.reader().may(Permission.NOTES):
        return
    if note:
        st.button("Reopen", key=f"reopen-{key}", type="tertiary", on_click=_reopen, args=(one.key,))
        return
    with st.popover("Acknowledge", type="tertiary", key=f"ack-{key}"):
        st.text_input(
            "Note", key=f"note-{key}", max_chars=LONGEST_NOTE, placeholder="Why it is fine"
        )
        st.button(
            "Acknowledge", key=f"done-{key}", type="primary", on_click=_write, args=(one.key, key)
        )


def _write(finding: str, key: str) -> None:
    """Acknowledge a finding, once it is in the audit log who does.

    The text of the note is not: admins, who read that log, may not see whom it is about.
    """
    try:
        current_user.note("acknowledge", finding)
        text = " ".join((st.session_state.get(f"note-{key}") or "").split())
        by = current_user.reader().viewer.name
        saved_views.current().write(finding, Note(text, clock.now(), by))
    except StateError as error:
        st.session_state[_PROBLEM] = str(error)


def _reopen(finding: str) -> None:
    try:
        current_user.note("reopen", finding)
        saved_views.current().erase(finding)
    except StateError as error:
        st.session_state[_PROBLEM] = str(error)


def _evidence(one: Finding) -> tuple[str, dict[str, Any]]:
    """The page that shows what a finding is about, and its parameters."""
    if session := one.evidence.session:
        return "session", dict(navigation.session(session.id, session.initiator_id))
    page = _PAGES[one.kind]
    more = request_list.NARROWED if page == "interceptions" else {}
    parameters = filters.parameters(one.evidence.scope, more)
    if one.kind == "failing_tool":
        parameters[request_list.ERRORS.name] = ["true"]
    return page, parameters


def _when(one: Finding) -> str:
    zone = clock.zone()
    first, last = one.first_at.astimezone(zone), (one.last_at - _MICROSECOND).astimezone(zone)
    if one.last_at - one.first_at >= _WHOLE_DAY and first.time() == time.min:
        return formats.days(first.date(), last.date())
    return formats.stretch(first, last, zone)


def _short(key: str) -> str:
    """A key as a name of an element: what is in it may be any text."""
    return "".join(letter if letter.isalnum() else "-" for letter in key)[-80:]


def _sheet(findings: Sequence[Finding], notes: Mapping[str, Note]) -> Sheet:
    columns = (
        Column("severity", "Severity", "text"),
        Column("kind", "Kind", "text"),
        Column("about", "About", "text"),
        Column("name", "Name", "text"),
        Column("first_at", "First seen", "moment"),
        Column("last_at", "Last seen", "moment"),
        Column("reason", "Reason", "text"),
        Column("note", "Note", "text"),
        Column("acknowledged_by", "Acknowledged by", "text"),
        Column("acknowledged_at", "Acknowledged at", "moment"),
    )
    rows = tuple(
        (
            one.severity,
            KINDS[one.kind],
            one.subject.about,
            one.subject.name,
            one.first_at,
            one.last_at,
            one.reason,
            *_noted(notes.get(one.key)),
        )
        for one in findings
    )
    return Sheet("Radar", columns, rows)


def _noted(note: Note | None) -> tuple[str | None, str | None, datetime | None]:
    """The cells of a note: its text, by whom, and when."""
    return (note.text, note.by or None, note.written_at) if note else (None, None, None)
