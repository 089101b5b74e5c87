"""The frame around every page: style, navigation, filters, and checks before the page runs.

Until some browser session has run ``st.navigation``, Streamlit starts a deep link by running
the page's file alone, without ``app.py``. Hence :func:`ensure_shell` at the head of every page.
"""

import gc
import re
from collections.abc import Callable
from copy import copy
from functools import cache
from typing import Any, Final

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.access import Permission
from bridgeboard.model import pages, periods
from bridgeboard.model.deployment import Capabilities, DeploymentError, Trouble
from bridgeboard.model.store import NoStoreError, StoreError
from bridgeboard.runtime import process
from bridgeboard.server.app_folder import home
from bridgeboard.ui import current_user, live_data, login, runner, url, url_parameters
from bridgeboard.ui.components import clock, data_quality, filters, notices, scope_bar
from bridgeboard.ui.current_user import Reader
from bridgeboard.ui.views import saved_views

CONNECT = """\
export CODER_URL=https://coder.example.com
export CODER_SESSION_TOKEN=…        # an owner's or auditor's token
bridgeboard serve"""
DEMO = "bridgeboard demo"
UNTOLD: Final = "The deployment does not let this dashboard read usage. Tell the operator."
UNSAID: Final = "The operator of this dashboard can see why."
"""Shown to readers in place of reasons that may name somebody or quote the deployment."""
UNSTORED: Final = frozenset({"settings"})
"""Pages that say something without a store: why there is none."""
_OTHER: Final = ("The deployment answered something else", ":material/error:")
_TROUBLES: Final[dict[Trouble, tuple[str, str]]] = {
    "token": ("The deployment does not accept this token", ":material/key_off:"),
    "settings": ("The address or the token cannot be used", ":material/settings_alert:"),
    "silent": ("No answer from the deployment", ":material/cloud_off:"),
    "unavailable": ("AI Bridge is not available here", ":material/lock:"),
    "gone": _OTHER,
    "elsewhere": _OTHER,
    "other": _OTHER,
}
_IN_SHELL = "_in_shell"
_LED = "_led_to_shell"


def ensure_shell() -> None:
    """Run the shell around the calling page, unless it runs in it already.

    Once the navigation is known, a new run begins with ``app.py``. Stopping this one after the
    whole app would cut off the parts of the page that are still being drawn beside it.
    """
    if st.session_state.get(_IN_SHELL):
        return
    _navigation(None)
    if not st.session_state.get(_LED):
        st.session_state[_LED] = True
        st.rerun()
    main()
    st.stop()


@current_user.one_run()
@runner.one_state()
def main() -> None:
    """The whole app: frame, gate, and the page the reader asked for."""
    url.begin()
    st.logo(_asset(f"wordmark-{_theme()}.svg"), icon_image=_asset("favicon.svg"), size="large")
    st.html(home() / "static" / "style.css")
    reader = login.admitted()
    page = _navigation(reader)
    st.session_state[_LED] = False
    if reader is None:
        return
    name = page.url_path or pages.FIRST
    url.check(name)
    st.set_page_config(
        page_title=f"{page.title} · Bridgeboard",
        page_icon=_asset("favicon.svg"),
        layout="wide",
        menu_items={},
    )
    bar = st.container(horizontal=True, vertical_alignment="center", key=scope_bar.KEY)
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title(page.title, anchor=False, width="content")
        place = st.container(horizontal=True, vertical_alignment="center", key="strip")
    with st.container(key="question"):
        st.caption(_question(name))
        login.whose(reader)
    alarm = st.container(key="alarm")
    if login.may_open(reader, name):
        try:
            _stored(name, page.run, bar, place, alarm)
        finally:
            with alarm:
                url.tell()


def _navigation(reader: Reader | None) -> Any:
    """The pages of this run. Without a reader there are the same, and no list of them."""
    # A page's own icon would be that of the browser's tab too, and be fetched from another host.
    listed = {
        name: _page(name, title) for shown in pages.SECTIONS.values() for name, title, _ in shown
    }
    hidden = [_page("person", "Person"), _page("session", "Session")]
    # Streamlit's own list of sections is no list to a screen reader.
    page = st.navigation([*listed.values(), *hidden], position="hidden")
    here = page.url_path or pages.FIRST
    url.keep(here)
    with st.sidebar, st.container(key="nav", gap=None):
        for section, shown in pages.SECTIONS.items():
            if mine := [one for one in shown if reader and reader.may_open(one[0])]:
                st.caption(section)
                for name, _, icon in mine:
                    st.page_link(
                        listed[name],
                        icon=icon,
                        width="stretch",
                        query_params=url.carried(name, here),
                    )
    return page


def _stored(name: str, run: Callable[[], None], bar: Any, place: Any, alarm: Any) -> None:
    """A page over the store: it needs no answer of the deployment once there is a store."""
    if not _is_configured():
        _unfiltered(bar)
        if name in UNSTORED:
            _run(run, alarm)
        return
    try:
        runner.current().coverage()
    except (NoStoreError, StoreError) as error:
        _unfiltered(bar)
        if name in UNSTORED:
            _run(run, alarm)
        elif settings.current().reads_only or _gate():
            notices.state("No numbers yet", str(error), icon=":material/hourglass_top:")
            if isinstance(error, NoStoreError):  # else it would rerun as long as it fails
                data_quality.progress()
        return
    if name in url_parameters.UNFILTERED:
        _unfiltered(bar)
        data_quality.show(periods.everything())
    else:
        _filtered(name, bar, place)
    _run(run, alarm)


def _filtered(name: str, bar: Any, place: Any) -> None:
    with bar:
        scope_bar.show()
        clock.zone_picker()
        saved_views.show(name)
        scope_bar.copy_link()
        scope_bar.chips()
    now = filters.chosen()
    with place:
        st.caption(formats.unmarked(now.words), width="content")
    data_quality.show(now.scope)


def _unfiltered(bar: Any) -> None:
    """The bar of a page that no filter concerns."""
    with bar:
        scope_bar.fold(clock.zone().key)
        clock.zone_picker()
        scope_bar.copy_link()


def _run(run: Callable[[], None], alarm: Any) -> None:
    st.session_state[_IN_SHELL] = True
    try:
        with notices.surprises(alarm):
            run()
    finally:
        st.session_state[_IN_SHELL] = False
    _settle()


@cache
def _settle() -> None:
    """Once, after the first page: take what is loaded by now for permanent.

    Looking for garbage goes through all of memory, with everything that pandas and Altair bring,
    while all readers wait; what is frozen is left out.
    """
    gc.collect()
    gc.freeze()


def _page(name: str, title: str) -> st.Page:
    """A page of this run: Streamlit notes on it whether it may run."""
    return copy(_looked_up(name, title))


@cache
def _looked_up(name: str, title: str) -> st.Page:
    """A page as all runs begin with it. To look for its file takes longer than all else of it."""
    return st.Page(home() / "pages" / f"{name}.py", title=title, default=name == pages.FIRST)


def _asset(name: str) -> str:
    return str(home() / "static" / name)


def _theme() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


@cache
def _question(name: str) -> str:
    """What a page answers: its docstring, with which its file begins.

    Python's own parser counts its depth for all threads together until 3.12, and fails at times.
    """
    source = (home() / "pages" / f"{name}.py").read_text("utf-8")
    docstring = re.match(r'"""([^"\\]+)"""$', source, re.MULTILINE)
    return docstring[1] if docstring else ""


def _is_configured() -> bool:
    try:
        keeper = process.current()
        if settings.current().configured or (keeper is not None and keeper.is_remote):
            return True
        _invite()
    except settings.SettingsError as error:
        notices.state("A setting is wrong", str(error), icon=":material/settings_alert:")
    return False


def _gate() -> Capabilities | None:
    """What can be read here; None when nothing can, after saying why and what to do."""
    if not _is_configured():
        return None
    try:
        able = live_data.capabilities()
        if not able.problem:
            return able
        title = "This token may not read" if able.enabled else "AI Bridge is not available here"
        notices.state(title, _reason(able.problem, UNTOLD), icon=":material/lock:")
    except DeploymentError as error:
        title, icon = _TROUBLES[error.trouble]
        notices.state(title, _reason(str(error), UNSAID), icon=icon)
    return None


def _reason(why: str, instead: str) -> str:
    """Why nothing can be read, for who can mend it: it may name the token's owner."""
    return why if current_user.reader().may(Permission.SYNC) else instead


def _invite() -> None:
    notices.state(
        "Not connected to a deployment",
        "Name your Coder deployment and a token of an owner or auditor, then start again. "
        "To look around without one, start the demo company.",
        icon=":material/link_off:",
        commands=f"{CONNECT}\n\n# or\n{DEMO}",
    )
