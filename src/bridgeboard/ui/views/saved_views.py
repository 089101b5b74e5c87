"""Saved views: pages kept under a name for all who see the same rows."""

from html import escape
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.access import Permission
from bridgeboard.runtime import state_files
from bridgeboard.state.errors import SavedViewError
from bridgeboard.state.saved_views import LONGEST_NAME, SavedViews, View
from bridgeboard.ui import current_user, runner, url
from bridgeboard.ui.components import notices
from bridgeboard.ui.url_parameters import PLACES

_NAME: Final = "view_name"
_PROBLEM: Final = "view_problem"


def current() -> SavedViews:
    """Where views and notes lie. Raises NoStoreError before there is a store."""
    database = state_files.state_database(settings.current())
    return SavedViews(database, runner.current().path.stem, current_user.reader().audience)


def show(page: str) -> None:
    """The views that there are, and a way to keep this page as one more."""
    if not current_user.reader().may(Permission.VIEWS):
        return
    menu = st.popover("Saved views", key="views", icon=":material/bookmarks:", on_change="rerun")
    if not menu.open:
        return
    with menu, notices.tile("the saved views"):
        views = current().views()
        for place, view in enumerate(views):
            _row(view, place)
        if not views:
            st.caption("None yet. Choose a period and filters, then save the page under a name.")
        st.text_input("Name", key=_NAME, max_chars=LONGEST_NAME, placeholder="Payments, last month")
        st.button("Save view", key="keep-view", on_click=_keep, args=(page,))
        if problem := st.session_state.pop(_PROBLEM, None):
            st.caption(f":material/warning: {formats.unmarked(problem)}")


def _row(view: View, place: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        name = escape(formats.visible(view.name))
        st.html(f'<a class="view" href="{escape(view.address)}">{name}</a>', width="stretch")
        st.button(
            "Forget",
            key=f"forget-view-{place}",
            type="tertiary",
            on_click=_forget,
            args=(view.name,),
            help=f"Forgets the view {formats.unmarked(view.name)} for everybody.",
        )


def _keep(page: str) -> None:
    facts = [
        (name, value)
        for name, values in url.current().items()
        if name not in PLACES  # a view begins at the beginning of a list
        for value in values
    ]
    try:
        current().keep(View(st.session_state.get(_NAME) or "", page, urlencode(facts)))
        st.session_state[_NAME] = ""
    except SavedViewError as error:
        st.session_state[_PROBLEM] = str(error)


def _forget(name: str) -> None:
    try:
        current().drop(name)
    except SavedViewError as error:
        st.session_state[_PROBLEM] = str(error)
