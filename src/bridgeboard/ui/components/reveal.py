"""Hides recorded text until a reader who may see it gives a reason."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import streamlit as st

from bridgeboard import settings
from bridgeboard.formats import visible
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.text_search import Search
from bridgeboard.runtime import state_files
from bridgeboard.state.audit import AuditError, digest_of_words
from bridgeboard.ui import current_user
from bridgeboard.ui.components import notices

SHOWN: Final = "reveal"
REASON: Final = "reveal_reason"
SHORTEST: Final = 5
"""Characters of a reason."""
_NOTED: Final = "noted_reveals"
_SEARCHED: Final = "noted_search"
_FIRST: Final = ("initiator", "team")
"""Dimensions that say whose text was looked at: an entry that is too long is cut at its end."""


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
    than those of the search before. The words are noted as a keyed digest.
    """
    reason = _wanted()
    if reason is None:
        return False
    question = (find, search, reason)
    if st.session_state.get(_SEARCHED) == question:
        return True
    try:
        key = state_files.audit_log(settings.current()).words_key()
        current_user.note("search", _about(find, search, key), reason)
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


def _about(find: Find, search: Search, key: bytes) -> str:
    """The words as a digest that whoever has the key can compare with that of others; filters."""
    words = digest_of_words(key, " ".join(search.each))
    return f"words {words}; {'; '.join(_filters(find))}"


def _filters(find: Find) -> Iterator[str]:
    scope = find.scope
    pairs = [("", pair) for pair in scope.include] + [("not ", pair) for pair in scope.exclude]
    for no, (name, values) in sorted(pairs, key=lambda one: one[1][0] not in _FIRST):
        yield f"{no}{DIMENSIONS[name].label.lower()} {', '.join(values)}"
    if find.id is not None:
        yield f"session {find.id}"
    yield f"from {scope.since:%Y-%m-%d %H:%M} to {scope.until:%Y-%m-%d %H:%M} UTC"
    if find.has_errors is not None:
        yield "with errors" if find.has_errors else "without errors"
    for one in find.ranges:
        least, most = ("" if end is None else f"{end:g}" for end in (one.least, one.most))
        yield f"{one.name} {least}..{most}"


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
        help="Prompts, thinking and tool inputs are private. The audit log notes who looks at "
        "them.",
    )
    return reason if on and not (asks and len(reason) < SHORTEST) else None


def _reason() -> str:
    reason = st.text_input(
        "Reason for looking at recorded text",
        key=REASON,
        max_chars=200,
        placeholder="Incident 4711, asked for by …",
        help="The audit log keeps it, with your name and what you look at.",
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
