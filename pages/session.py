"""What happened in this session, and where did its tokens go?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

import streamlit as st

from bridgeboard.ui import (
    filters,
    inside,
    kpis,
    notices,
    records,
    reveal,
    sketches,
    story,
    takeaway,
    transcript,
)

asked = story.asked()
zone = filters.zone()

with notices.tile("this session"):
    told = story.found(asked)
    head = told.head
    part = records.part(head.session, asked.thread)
    story.header(told, zone)
    kpis.row(story.cards(head), narrowest=112)
    story.remarks(told)
    if asked.thread and part is None:
        notices.remark("The thread that this link names is not in the session (any more).")
    sketches.pictures(head, part, asked)

    with st.container(horizontal=True, vertical_alignment="center", key="timeline"):
        st.header("Timeline", anchor=False, width="stretch")
        text = reveal.revealed(reveal.of_session(head.initiator_id, head.id))
        takeaway.menu(head, text=text)
    look = inside.search(head.session, asked, zone, text=text)
    sketches.jumps(head, part, asked, zone, text=text)
    dated = story.spans_days(head, zone)
    transcript.timeline(head.session, part, look, dated=dated)
