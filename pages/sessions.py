"""Which sessions took place, whose were they, and how many tokens did they use?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

import streamlit as st

from bridgeboard import formats
from bridgeboard.ui import data, filters, notices, tables, transcript

filters.come_back()
tables.follow_choice()
choice = filters.choice()

with notices.tile("the list of sessions"):
    count = data.sessions(choice.search, 1, data.PAGE).count
    head, body = st.container(horizontal=True, vertical_alignment="center"), st.container()
    page = filters.page_number(-(-count // data.PAGE))
    found = data.sessions(choice.search, page, data.PAGE)
    with head:
        st.markdown(formats.span(found.first, len(found.rows), found.count, "session"))
        text = transcript.revealed(f"sessions from {found.first} on, filter: {choice.search.q}")
    with body:
        filters.caution(choice)
        notices.unreadable(found.unreadable, "session")
        if found.rows:
            tables.sessions(found.rows, choice.zone, prompts=text)
        else:
            notices.nothing_found(narrowed=choice.narrowed, count=found.count)
