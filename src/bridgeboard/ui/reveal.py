"""Recorded text: hidden until somebody who may see it says that they want to, and why."""

from typing import Final

import streamlit as st

from bridgeboard import settings
from bridgeboard.audit import AuditError
from bridgeboard.formats import visible
from bridgeboard.ui import entrance, notices

SHOWN: Final = "reveal"
REASON: Final = "reveal_reason"
SHORTEST: Final = 5
"""Characters of a reason."""
_NOTED: Final = "noted_reveals"


def revealed(what: str) -> bool:
    """A switch, off at first, behind which recorded text is shown.

    Each ``what`` that is revealed in a browser session is put in the audit log once, with the
    reason and without the text. When that cannot be written nothing is revealed.
    """
    reader = entrance.reader()
    if not reader.may_reveal:
        st.caption("Recorded text is hidden: only an auditor may reveal it.")
        return False
    # One's own text, and that of a dashboard which only its operator reaches, needs no reason.
    asks = settings.current().guarded and reader.sight.person is None
    reason = _reason() if asks else ""
    on = st.toggle(
        "Show recorded text",
        key=SHOWN,
        disabled=asks and len(reason) < SHORTEST,
        help="Prompts, thinking and tool inputs are private. Looking at them is put in the "
        "audit log.",
    )
    return on and not (asks and len(reason) < SHORTEST) and _is_noted(what, reason)


def _reason() -> str:
    told = st.text_input(
        "Reason for looking at recorded text",
        key=REASON,
        max_chars=200,
        placeholder="Incident 4711, asked for by …",
        help="It is kept in the audit log, with your name and what you look at.",
    )
    return " ".join((told or "").split())


def _is_noted(what: str, reason: str) -> bool:
    noted: set[tuple[str, str]] = st.session_state.setdefault(_NOTED, set())
    if (what, reason) in noted:
        return True
    try:
        entrance.note("reveal", what, reason)
    except AuditError as error:
        notices.remark(f"Recorded text stays hidden. {visible(str(error))}")
        return False
    noted.add((what, reason))
    return True
