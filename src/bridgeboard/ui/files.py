"""Files that are made when a reader asks for one, and kept until that reader's page runs again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import current_thread
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from bridgeboard.ui import entrance


def button(
    label: str, make: Callable[[], bytes], *, name: str, mime: str, key: str, what: str
) -> None:
    """A button that makes a file and takes it away, once it is noted who takes what.

    ``make`` runs later, when nobody looks at the page any more, and sees what the reader sees now.
    It raises AuditError instead when that cannot be noted.
    """
    reader, context = entrance.reader(), get_script_run_ctx()

    def made() -> bytes:
        with entrance.acting(reader):
            entrance.note("export", what)
            data = make()
        _hold(data, mime, name, key, context)
        return data

    st.download_button(label, data=made, file_name=name, mime=mime, key=key, on_click="ignore")


def _hold(data: bytes, mime: str, name: str, key: str, context: Any) -> None:
    """Let a file belong to the session that asked for it.

    By itself it belongs to none, and the end of the second run of anybody's page deletes it: among
    many readers that is sooner than it is fetched. Streamlit knows a file by what is in it, so
    that this is the one it is about to hand out.
    """
    if context is None or not runtime.exists():
        return
    with _as(context):
        runtime.get_instance().media_file_mgr.add(
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
