"""A session to take away: files that are made when they are asked for, text only if asked for."""

import re
from functools import partial
from typing import Final

import streamlit as st

from bridgeboard.explorer import account, calls, gaps, passages, story
from bridgeboard.explorer.account import Account
from bridgeboard.explorer.story import Head
from bridgeboard.explorer.typed import typed
from bridgeboard.store import StoreError
from bridgeboard.ui import entrance, files, numbers, reveal

WHOLE: Final = 2**31 - 1
"""More characters than any text has."""


def menu(head: Head, *, text: bool) -> None:
    """One button a kind of file; recorded text only where it is shown, and only if chosen."""
    with st.popover("Download", icon=":material/download:", type="tertiary", key="takeaway"):
        with_text = st.checkbox(
            "With recorded text",
            key="with_text",
            disabled=not text,
            help="Prompts, thinking and tool inputs are private. Taking them away is logged."
            if text
            else "Show recorded text first.",
        )
        st.caption("All threads, calls and tool calls with all digits, and what is not known.")
        with_text = with_text and text
        offered = [
            files.File(
                label,
                partial(made, head.session, ending, with_text=with_text),
                name=f"session-{_plain(head.id)}.{ending}",
                mime=kind,
                key=f"file-{ending}",
                what=_what(head, with_text=with_text),
            )
            for label, ending, kind in _FILES
        ]
        files.buttons(offered, key="session")


def _what(head: Head, *, with_text: bool) -> str:
    """How the log names what is taken away."""
    if with_text:
        return reveal.of_session(head.initiator_id, head.id)
    return f"numbers of person {head.initiator_id}, session {head.id}"


_FILES: Final = (("JSON", "json", "application/json"), ("Markdown", "md", "text/markdown"))


def made(session: int, ending: str, *, with_text: bool) -> bytes:
    """A session as one file. Raises StoreError when it has gone meanwhile."""
    with_text = with_text and entrance.reader().may_reveal
    told = _told(session, with_text=with_text)
    if ending == "json":
        return account.as_json(told, with_text=with_text)
    return account.as_markdown(told, with_text=with_text).encode("utf-8")


def _told(session: int, *, with_text: bool) -> Account:
    with numbers.opened().snapshot() as reader:
        heads = typed(story.Head, reader.rows(*story.head(session)))
        if not heads:
            raise StoreError("The session is not in the store any more.")
        (kept,) = typed(passages.Kept, reader.rows(*passages.kept(session)))
        every = typed(calls.Call, reader.rows(*calls.calls(session, limit=None)))
        usages = [call.usage for call in every]
        texts = passages.texts(usages, most=WHOLE)
        return Account(
            heads[0],
            gaps.missing(heads[0], kept),
            typed(story.Thread, reader.rows(*story.threads(session))),
            every,
            typed(passages.Item, reader.rows(*passages.timeline(usages))),
            typed(passages.Text, reader.rows(*texts)) if with_text else (),
        )


def _plain(session_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", session_id)[:60].strip("-") or "unnamed"
