"""Takes a check out of the dashboard of this process, one at a time, while it runs.

For a process of its own that tests start: which check is missing stands in a file.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from bridgeboard import access
from bridgeboard.access import EVERYTHING
from bridgeboard.analysis.runner import Runner
from bridgeboard.server.middleware import file_access
from bridgeboard.state.audit import Audit
from bridgeboard.ui import current_user
from bridgeboard.ui.components import downloads, reveal

MISSING = ("row_access", "pages", "reason", "cache", "saved_views", "session_owner", "files", "log")
"""Checks: what somebody may see, which pages they may open, that a reason is given, that answers
are kept apart, that views are, that a session is its reader's, that a file is, and that the log was
written."""


def graft(chosen: Path) -> None:
    """Let every check be missing while the file says its name."""

    def missing(name: str, instead: Callable[..., Any], check: Callable[..., Any]) -> Any:
        def either(*told: Any, **named: Any) -> Any:
            is_missing = chosen.read_text("utf-8") == name
            return (instead if is_missing else check)(*told, **named)

        return either

    def unreasoned(what: str) -> bool:
        reveal.SHORTEST = 0  # type: ignore[misc]  # put back below
        try:
            return revealed(what)
        finally:
            reveal.SHORTEST = shortest  # type: ignore[misc]  # likewise

    def anybody() -> Any:
        st.session_state.pop(current_user._WHOSE, None)
        return viewer()

    shortest, revealed, viewer = reveal.SHORTEST, reveal.revealed, current_user.viewer
    told: Any = current_user.Reader
    told.may_open = missing("pages", lambda *_: True, told.may_open)
    downloads._refuse_others = missing("files", lambda *_: None, downloads._refuse_others)
    told.audience = property(missing("saved_views", lambda _: "", told.audience.fget))
    places: dict[str, tuple[Any, str, Callable[..., Any]]] = {
        "row_access": (access, "row_access_of", lambda _, **__: EVERYTHING),
        "reason": (reveal, "revealed", unreasoned),
        "cache": (Runner, "state", lambda held: (str(held.path), held.version, None)),
        "session_owner": (current_user, "viewer", anybody),
        "files": (file_access, "_is_for", lambda *_: True),
        "log": (Audit, "write", lambda *_, **__: None),
    }
    for name, (place, attribute, instead) in places.items():
        setattr(place, attribute, missing(name, instead, getattr(place, attribute)))
