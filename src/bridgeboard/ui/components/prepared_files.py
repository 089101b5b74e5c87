"""Files made on request, and kept until the page of their reader runs again.

Each is for that reader alone: nobody else can have it made, or fetch it
(``server.middleware.file_access``).
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import current_thread
from typing import Any, Final

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from bridgeboard import formats
from bridgeboard.access import OPERATOR, Permission, RefusedError, Viewer
from bridgeboard.exports import ExportError
from bridgeboard.model.errors import MetricError
from bridgeboard.model.store import StoreError
from bridgeboard.queries.errors import ListError
from bridgeboard.server import file_owners
from bridgeboard.server.app_folder import home
from bridgeboard.state.audit import AuditError
from bridgeboard.state.logins import ClosedError
from bridgeboard.ui import current_user
from bridgeboard.ui.runner import NoStoreError

log = logging.getLogger(__name__)

_EXPLAINED: Final = (
    AuditError,
    ClosedError,
    ListError,
    ExportError,
    MetricError,
    NoStoreError,
    RefusedError,
    StoreError,
)
"""Errors whose message says to a reader what is wrong and what to do."""
_FAILURES: Final = "download_failures"

_watch = st.components.v2.component(
    "bridgeboard_failed_download",
    html="<span hidden>\n</span>",
    js=(home() / "static" / "failed.js").read_text("utf-8"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class File:
    """A file on offer.

    Attributes:
        label: what its button says.
        make: its bytes; called later, when nobody looks at the page any more.
        name: what the browser calls it.
        mime: its media type.
        key: of the button.
        what: what is in it, for the audit log.
        obstacle: why this file cannot be made, if that is known before; the button is disabled.
    """

    label: str
    make: Callable[[], bytes]
    name: str
    mime: str
    key: str
    what: str
    obstacle: str = ""


def buttons(offered: Sequence[File], *, key: str) -> None:
    """A row of buttons, one a file, and under them why a file that was asked for was not made.

    Streamlit's own button says only that a file failed, and the log says why. The reason is kept
    for the reader who asked, and a component of ours has the page run again to show it.
    """
    if not current_user.reader().may(Permission.EXPORT):
        st.caption("Your role may not download.")
        return
    failures: dict[str, str] = st.session_state.setdefault(_FAILURES, {})
    with st.container(horizontal=True, gap="small", key=f"files-{key}"):
        for file in offered:
            _button(file, failures)
        _watch(
            key=f"failed-{key}",
            data={"title": f"Downloads of {key}"},
            on_failed_change=lambda: None,
            height=1,
        )
    for file in offered:
        if reason := failures.pop(file.key, None):
            st.error(formats.unmarked(reason), icon=":material/error:")


def _button(file: File, failures: dict[str, str]) -> None:
    """A button that makes a file and takes it away, once it is noted who takes what.

    The file is made as the reader sees things now. It raises AuditError instead when the download
    cannot be noted, and RefusedError for anybody else.
    """
    reader, whose, context = current_user.reader(), current_user.viewer(), get_script_run_ctx()

    def data() -> bytes:
        _refuse_others(whose, file.what)
        failures.pop(file.key, None)
        try:
            with current_user.acting(reader):
                current_user.note("export", file.what)
                content = file.make()
        except Exception as error:
            failures[file.key] = f"{file.label}: {_reason(error)}"
            raise
        if address := _hold(content, file.mime, file.name, file.key, context):
            file_owners.made_for(address, whose)
        return content

    st.download_button(
        file.label,
        data=data,
        file_name=file.name,
        mime=file.mime,
        key=file.key,
        on_click="ignore",
        disabled=bool(file.obstacle),
        help=file.obstacle or None,
    )


def _reason(error: Exception) -> str:
    """Why a file was not made, in words for who asked; the log has everything."""
    if isinstance(error, _EXPLAINED):
        return formats.visible(str(error))
    if isinstance(error, MemoryError):
        return "There is not enough memory for this file. Choose a shorter period or a filter."
    if isinstance(error, OSError):
        return f"The file could not be written: {error.strerror or 'an unknown problem'}."
    return "The file could not be made. The log of Bridgeboard says why."


def _refuse_others(whose: Viewer, what: str) -> None:
    """Raise RefusedError unless it is its reader who asks for a file, and note who does instead.

    The id of a button is all that Streamlit asks for, and it makes the file whose-ever it is.
    """
    asking = file_owners.asking()
    if whose is OPERATOR or whose == asking:
        return
    try:
        current_user.note("refused file", what, who=asking.name if asking else "somebody unnamed")
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
