"""Downloads of a session, made on request; with text only if asked for."""

import re
from functools import partial
from typing import Final

import streamlit as st

from bridgeboard.analysis import session_file
from bridgeboard.queries.session_detail import Head
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import downloads, reveal


def menu(head: Head, *, text: bool) -> None:
    """One button a kind of file; recorded text only where it is shown, and only if chosen."""
    with st.popover("Download", icon=":material/download:", type="tertiary", key="session-file"):
        with_text = st.checkbox(
            "With recorded text",
            key="with_text",
            disabled=not text,
            help="Prompts, thinking and tool inputs are private. The audit log notes the download."
            if text
            else "Show recorded text first.",
        )
        st.caption("All threads, calls and tool calls with all digits, and what is not known.")
        with_text = with_text and text
        offered = [
            downloads.File(
                label,
                partial(made, head.session, ending, with_text=with_text),
                name=f"session-{_plain(head.id)}.{ending}",
                mime=kind,
                key=f"file-{ending}",
                what=_what(head, with_text=with_text),
            )
            for label, ending, kind in _FILES
        ]
        downloads.offer(offered, key="session")


def _what(head: Head, *, with_text: bool) -> str:
    """How the log names what is taken away."""
    if with_text:
        return reveal.of_session(head.initiator_id, head.id)
    return f"numbers of person {head.initiator_id}, session {head.id}"


_FILES: Final = (("JSON", "json", "application/json"), ("Markdown", "md", "text/markdown"))


def made(session: int, ending: str, *, with_text: bool) -> bytes:
    """A session as one file. Raises StoreError when it has gone meanwhile."""
    with_text = with_text and current_user.reader().may_reveal
    account = runner.current().read(
        lambda reader: session_file.account(reader, session, with_text=with_text)
    )
    if ending == "json":
        return session_file.as_json(account, with_text=with_text)
    return session_file.as_markdown(account, with_text=with_text).encode("utf-8")


def _plain(session_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", session_id)[:60].strip("-") or "unnamed"
