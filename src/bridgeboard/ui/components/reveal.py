"""Hides recorded text until a reader who may see it gives a reason."""

from typing import Final
from uuid import UUID

import streamlit as st

from bridgeboard import settings
from bridgeboard.formats import visible
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.text_search import Search
from bridgeboard.runtime import state_files
from bridgeboard.state.audit import AuditError
from bridgeboard.ui import current_user, search_audit
from bridgeboard.ui.components import notices

SHOWN: Final = "reveal"
REASON: Final = "reveal_reason"
SHORTEST: Final = 5
"""Characters of a reason."""
_NOTED: Final = "noted_reveals"
_SEARCHED: Final = "noted_search"


def revealed(what: str) -> bool:
    """A switch, off at first, behind which recorded text is shown.

    Each ``what`` that is revealed in a browser session is put in the audit log once, with the
    reason and without the text. When that cannot be written nothing is revealed.

    Args:
        what: whose text, and which: ``of_session`` or ``of_request``.
    """
    reason = _wanted()
    return reason is not None and _is_noted(what, reason)


def searched(find: Find, search: Search) -> bool:
    """The same switch, for what a search finds in everybody's text.

    Every search is put in the audit log: whenever the words, the filters or the reason are others
    than those of the search before. The words are noted as a keyed digest (``ui.search_audit``).
    """
    reason = _wanted()
    if reason is None:
        return False
    question = (find, search, reason)
    if st.session_state.get(_SEARCHED) == question:
        return True
    try:
        key = state_files.audit_log(settings.current()).words_key()
        current_user.note("search", search_audit.about(find, search, key), reason)
    except AuditError as error:
        return _stays_hidden(error)
    st.session_state[_SEARCHED] = question
    return True


def of_session(person: UUID, session: str) -> str:
    """How the log names text of a session: several people may have used the same id."""
    return f"text of person {person}, session {session}"


def of_request(person: UUID | None, request: UUID | None) -> str:
    """How the log names text of one request."""
    return f"text of person {person or 'unknown'}, request {request or 'unknown'}"


def _wanted() -> str | None:
    """The reason for which somebody wants to see text, "" where none is asked for; None if not."""
    reader = current_user.reader()
    if not reader.may_reveal:
        st.caption("Recorded text is hidden: only an auditor may reveal it.")
        return None
    # One's own text, and that of a dashboard which only its operator reaches, needs no reason.
    asks = settings.current().guarded and reader.row_access.person is None
    reason = _reason() if asks else ""
    on = st.toggle(
        "Show recorded text",
        key=SHOWN,
        disabled=asks and len(reason) < SHORTEST,
        help="Prompts, thinking and tool inputs are private. Looking at them is put in the "
        "audit log.",
    )
    return reason if on and not (asks and len(reason) < SHORTEST) else None


def _reason() -> str:
    reason = st.text_input(
        "Reason for looking at recorded text",
        key=REASON,
        max_chars=200,
        placeholder="Incident 4711, asked for by …",
        help="It is kept in the audit log, with your name and what you look at.",
    )
    return " ".join((reason or "").split())


def _is_noted(what: str, reason: str) -> bool:
    noted: set[tuple[str, str]] = st.session_state.setdefault(_NOTED, set())
    if (what, reason) in noted:
        return True
    try:
        current_user.note("reveal", what, reason)
    except AuditError as error:
        return _stays_hidden(error)
    noted.add((what, reason))
    return True


def _stays_hidden(error: AuditError) -> bool:
    notices.remark(f"Recorded text stays hidden. {visible(str(error))}")
    return False
