"""The page Settings: whether the mirror in ClickHouse is up to date."""

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.runtime import process
from bridgeboard.ui.components import clock, notices, tables


def mirror() -> None:
    """Which state of the store its readers see, and what stands in the way of a later one."""
    keeper = process.current()
    status = keeper.mirror_status if keeper else None
    if status is None:
        return
    st.header("Mirror", anchor=False)
    with notices.tile("the mirror"):
        lines = {
            "ClickHouse": settings.shown(settings.current().mirror),
            "State of the store": formats.moment(status.at, clock.zone()),
            "Version": formats.exact(status.version) if status.version else formats.DASH,
        }
        tables.facts(lines, key="mirror", label="Mirror")
        if status.problem:
            why = settings.unsecret(status.problem, settings.current())
            notices.problem("**The mirror is not up to date.** It is tried again by itself.", why)
