"""The page Audit log: the newest entries, and whether all are unchanged."""

import re
from typing import Final

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.runtime import state_files
from bridgeboard.state import StateError
from bridgeboard.state.audit import Audit
from bridgeboard.ui import url_values
from bridgeboard.ui.components import notices, pager, tables
from bridgeboard.ui.components.tables import Column
from bridgeboard.ui.url_parameters import AFTER

PAGE: Final = 50
_COLUMNS: Final = (
    Column("Time", "moment"),
    *(Column(name) for name in ("User", "Action", "Object", "Reason")),
    Column("Entry", "count", exact=True),
)


def verdict() -> None:
    """A button that looks through all of the log, and what it found."""
    st.caption(
        "Logins, refused logins and pages, recorded text that somebody looked at or searched, "
        "downloads, changed settings, syncs begun and tests of alerts sent by hand. Each line has "
        "a keyed digest of the line before, so that a line that is changed or removed is noticed."
    )
    not_handed_on()
    if not st.button("Check every line", key="verify", icon=":material/fact_check:"):
        return
    result = _log().verify()
    if result.key_missing:
        notices.warning(
            "**The end of the log cannot be checked**: it was signed with a key that is not here. "
            "Set audit_key as it was, and check again.",
            icon=":material/key_off:",
        )
    elif result.broken is not None:
        notices.problem(
            f"**Line {result.broken:,} is not as it was written.** {notices.plain(result.why)} "
            f"The {result.right:,} lines before it are."
        )
    else:
        notices.success(
            f"All {result.right:,} lines are as they were written.", icon=":material/check:"
        )
    if result.unkeyed:
        first = formats.plural(result.unkeyed, "line")
        st.caption(f"The first {first} were written before the log had a key.")
    if result.unchecked:
        st.caption(
            f"The digests of {formats.plural(result.unchecked, 'line')} cannot be checked: the key "
            "that they were signed with is not here."
        )


def not_handed_on() -> None:
    """What keeps the target of the audit log from taking entries, if something does."""
    try:
        done = state_files.handed_on(settings.current())
    except StateError as error:
        unknown = "**Whether entries of the audit log are handed on is not known.**"
        notices.problem(unknown, str(error))
        return
    if done and done.problem:
        notices.problem("**Entries of the audit log are not handed on.**", done.explained)


def entries() -> None:
    """A page of entries and the ways to older and newer ones."""
    after = _AFTER.value()
    rows = _log().entries(PAGE, after)
    if not rows:
        notices.empty("No entry is older than this." if after else "The log has no entries yet.")
        return
    tables.show(
        [(one.at, one.who, one.what, one.about, one.why, one.number) for one in rows],
        _COLUMNS,
        key="audit-entries",
        label="Entries of the audit log, the newest first",
        is_sortable=False,
    )
    with st.container(horizontal=True, gap="small", key="audit-turns"):
        pager.turn("Newest", {} if after else None)
        oldest = rows[-1].number
        pager.turn("Older", {AFTER: str(oldest)} if oldest > 1 else None)


def _entry_number(word: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,17}", word, re.ASCII):
        raise ValueError(word)
    return int(word)


_AFTER: Final = url_values.Parameter(AFTER, _entry_number)
"""The number of the entry that the shown ones are older than; none for the newest."""


def _log() -> Audit:
    return state_files.audit_log(settings.current())
