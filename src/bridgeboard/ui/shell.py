"""The frame around every page: its look, the navigation, and the gate.

Until some browser session has run ``st.navigation``, Streamlit starts a deep link by running
the page's file alone, without ``app.py``. Hence :func:`ensure_shell` at the head of every page.
"""

import ast
from typing import Any

import streamlit as st

from aibridge import (
    AIBridgeError,
    AuthenticationError,
    Capabilities,
    ConfigurationError,
    ConnectionFailedError,
    FeatureUnavailableError,
)
from bridgeboard import formats, settings
from bridgeboard.server import home
from bridgeboard.ui import data, filters, notices

CONNECT = """\
export CODER_URL=https://coder.example.com
export CODER_SESSION_TOKEN=…        # an owner's or auditor's token
bridgeboard serve"""
DEMO = "bridgeboard demo"
_IN_SHELL = "_in_shell"


def ensure_shell() -> None:
    """Run the shell around the calling page, unless it runs in it already."""
    if not st.session_state.get(_IN_SHELL):
        main()
        st.stop()


def main() -> None:
    """The whole app: frame, gate, and the page the reader asked for."""
    st.set_page_config(
        page_title="Bridgeboard", page_icon=_asset("favicon.svg"), layout="wide", menu_items={}
    )
    st.logo(_asset(f"wordmark-{_theme()}.svg"), icon_image=_asset("favicon.svg"), size="large")
    page = st.navigation(
        {
            "Explore": [
                _page("sessions", "Sessions", ":material/forum:", default=True),
                _page("session", "Session", ":material/account_tree:", visibility="hidden"),
            ]
        }
    )
    st.set_page_config(page_title=f"{page.title} · Bridgeboard")
    st.html(home() / "static" / "style.css")
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title(page.title, anchor=False, width="content")
        strip = st.container(horizontal=True, vertical_alignment="center", key="strip")
    with st.container(key="question"):
        st.caption(_question(page.url_path or "sessions"))
    alarm = st.container(key="alarm")
    data.start_noting()
    filters.zone_picker()
    able = _gate()
    if able is None:
        st.stop()
    with strip:
        read_at = _tell_source(able)
    st.session_state[_IN_SHELL] = True
    try:
        with notices.surprises(alarm):
            page.run()
    finally:
        st.session_state[_IN_SHELL] = False
    if data.oldest_reading():
        read_at.caption(f"read at {formats.clock_time(data.oldest_reading(), filters.zone())}")


def _page(name: str, title: str, icon: str, **options: Any) -> st.Page:
    return st.Page(home() / "pages" / f"{name}.py", title=title, icon=icon, **options)


def _asset(name: str) -> str:
    return str(home() / "static" / name)


def _theme() -> str:
    return "dark" if st.context.theme.type == "dark" else "light"


def _question(name: str) -> str:
    tree = ast.parse((home() / "pages" / f"{name}.py").read_text("utf-8"))
    return ast.get_docstring(tree) or ""


def _gate() -> Capabilities | None:
    """What can be read here; None when nothing can, after saying why and what to do."""
    try:
        if not settings.current().configured:
            _invite()
            return None
        able = data.capabilities()
        if not able.problem:
            return able
        title = "This token may not read" if able.enabled else "AI Bridge is not available here"
        notices.state(title, able.problem, icon=":material/lock:")
    except settings.SettingsError as error:
        notices.state("A setting is wrong", str(error), icon=":material/settings_alert:")
    except AIBridgeError as error:
        title, icon = _state_of(error)
        notices.state(title, str(error), icon=icon)
    return None


def _state_of(error: AIBridgeError) -> tuple[str, str]:
    match error:
        case AuthenticationError():
            return "The deployment does not accept this token", ":material/key_off:"
        case ConfigurationError():
            return "The address or the token cannot be used", ":material/settings_alert:"
        case ConnectionFailedError():
            return "No answer from the deployment", ":material/cloud_off:"
        case FeatureUnavailableError():
            return "AI Bridge is not available here", ":material/lock:"
        case _:
            return "The deployment answered something else", ":material/error:"


def _invite() -> None:
    notices.state(
        "Not connected to a deployment",
        "Name your Coder deployment and a token of an owner or auditor, then start again. "
        "To look around without one, start the demo company.",
        icon=":material/link_off:",
        commands=f"{CONNECT}\n\n# or\n{DEMO}",
    )


def _tell_source(able: Capabilities) -> Any:
    """Say whose numbers these are; returns the place for how old they are."""
    if settings.current().demo:
        st.badge("Demo company, invented data", icon=":material/science:", color="orange")
    st.caption(f"AI Bridge {formats.unmarked(able.version)}", width="content")
    read_at = st.container(width="content")
    st.button(
        "Refresh",
        on_click=data.refresh,
        type="tertiary",
        icon=":material/refresh:",
        key="refresh",
    )
    return read_at
