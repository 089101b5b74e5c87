"""What only the page Overview shows: the way to the sessions behind its numbers."""

import streamlit as st

from bridgeboard.ui import current_user, url
from bridgeboard.ui.views import session_list


def link_to_sessions() -> None:
    """A link to the sessions of the same period and filters, for who may see single ones."""
    if current_user.reader().may_open("sessions"):
        st.page_link(
            "pages/sessions.py",
            label="Sessions by cost",
            icon=":material/forum:",
            help="Sessions of this period, with the same filters, the most expensive first.",
            query_params={**url.filters(), session_list.SORT.name: session_list.SORT.words("cost")},
        )
