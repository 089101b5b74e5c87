"""What happened in this session, and where did its tokens go?"""

from bridgeboard.ui.shell import ensure_shell

ensure_shell()

import streamlit as st

from bridgeboard.ui import data, filters, kpis, notices, story, transcript

asked = story.asked()
zone = filters.zone()

with notices.tile("this session"):
    told = data.story(asked.id, asked.initiator)
    story.header(told, asked, zone)
    kpis.row(story.cards(told))

    if told.detail:
        st.header("Tokens per thread", anchor=False)
        page = story.thread_page(told, asked)
        notices.unreadable(page.unreadable, "thread")
        story.picture(page, told, zone)

        st.header("Timeline", anchor=False)
        st.markdown(story.span(page, told, asked.id))
        text = transcript.revealed(f"session {asked.id}")
        dated = story.spans_days(told, zone)
        transcript.timeline(page, zone, asked.thread, dated=dated, text=text)
