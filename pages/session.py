"""What happened in this session, and where did its tokens go?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

import streamlit as st

from bridgeboard.ui.components import clock, headline_cards, notices, reveal
from bridgeboard.ui.views import (
    session,
    session_charts,
    session_download,
    session_search,
    session_threads,
    session_transcript,
)

asked = session.asked()
zone = clock.zone()

with notices.tile("this session"):
    told = session.found(asked)
    head = told.head
    part = session.part(head, asked)
    session.header(told, zone)
    headline_cards.row(session.cards(head), narrowest=112)
    session.summary(told)
    session.remarks(told)
    if asked.thread and part is None:
        notices.remark("The thread that this link names is not in the session (any more).")
    session_charts.pictures(head, part, asked)

    with st.container(horizontal=True, vertical_alignment="center", key="timeline"):
        st.header("Timeline", anchor=False, width="stretch")
        text = reveal.revealed(reveal.of_session(head.initiator_id, head.id))
        session_download.menu(head, text=text)
    look = session_search.search(head.session, asked, zone, text=text)
    session_threads.listing(head, part, asked, text=text)
    dated = session.spans_days(head, zone)
    session_transcript.timeline(head.session, part, look, dated=dated)
