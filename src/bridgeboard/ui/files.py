"""Files that are made when a reader asks for one, and kept until that reader's page runs again.

Each is for that reader alone: nobody else can have it made, or fetch it (``doors.files``).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from bridgeboard import doors
from bridgeboard.access import OPERATOR, RefusedError, Viewer
from bridgeboard.audit import AuditError
from bridgeboard.ui import entrance

log = logging.getLogger(__name__)


def button(
    label: str, make: Callable[[], bytes], *, name: str, mime: str, key: str, what: str
) -> None:
    """A button that makes a file and takes it away, once it is noted who takes what.

    ``make`` runs later, when nobody looks at the page any more, and sees what the reader sees now.
    It raises AuditError instead when that cannot be noted, and RefusedError for anybody else.
    """
    reader, whose, context = entrance.reader(), entrance.viewer(), get_script_run_ctx()

    def made() -> bytes:
        _refuse_others(whose, what)
        with entrance.acting(reader):
            entrance.note("export", what)
            data = make()
        if address := _hold(data, mime, name, key, context):
            doors.made_for(address, whose)
        return data

    st.download_button(label, data=made, file_name=name, mime=mime, key=key, on_click="ignore")


def _refuse_others(whose: Viewer, what: str) -> None:
    """Raise RefusedError unless it is its reader who asks for a file, and note who does instead.

    The id of a button is all that Streamlit asks for, and it makes the file whose-ever it is.
    """
    asking = doors.asking()
    if whose is OPERATOR or whose == asking:
        return
    try:
        entrance.note("refused file", what, who=asking.name if asking else "somebody unnamed")
    except AuditError as error:
        log.warning("a refusal could not be noted: %s", error)
    raise RefusedError("This file was offered to somebody else.")


def _hold(data: bytes, mime: str, name: str, key: str, context: Any) -> str | None:
    """Let a file belong to the session that asked for it; where it is, if anything serves it.

    By itself it belongs to none, and the end of the second run of anybody's page deletes it: among
    many readers that is sooner than it is fetched. Streamlit knows a file by what is in it, so
    that this is the one it is about to hand out.
    """
    if context is None or not runtime.exists():
        return None
    with _as(context):
        return runtime.get_instance().media_file_mgr.add(
            data, mime, f"made-{key}", file_name=name, is_for_static_download=True
        )


@contextmanager
def _as(context: Any) -> Iterator[None]:
    """As a part of that run of a page; the thread is one of a pool."""
    before = get_script_run_ctx(suppress_warning=True)
    add_script_run_ctx(current_thread(), context)
    try:
        yield
    finally:
        add_script_run_ctx(current_thread(), before)
