"""Whether the store has all that the deployment counts: a part of the page Trust."""

from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st

from bridgeboard import formats
from bridgeboard.store import completeness
from bridgeboard.store.completeness import DayCount, LeftOut
from bridgeboard.ui import entrance, filters, notices, numbers

SHOWN: Final = 100


def show() -> None:
    """The deployment's count of closed days beside the store's, and what it fails to list."""
    st.header("Is all of it here?", anchor=False)
    with notices.tile("what is missing"):
        if not entrance.reader().sight.is_of_everybody:
            st.caption("Whether anything is missing is told to those who may see everybody.")
            return
        counts = numbers.read(completeness.day_counts)
        left = numbers.read(completeness.left_out)
        verdicts = completeness.verdicts(counts, left)
        if not verdicts:
            st.caption("No day has been counted yet: a sync does so when it has read everything.")
        for one in verdicts:
            say, icon = (st.success, "verified") if one.good else (st.warning, "warning")
            say(formats.unmarked(one.text), icon=f":material/{icon}:")
        if counts:
            _days(counts)
        if left:
            _left_out(left)


def _days(counts: Sequence[DayCount]) -> None:
    """Days that lack something first, then the newest."""
    shown = sorted(counts, key=lambda one: (one.missing > 0, one.day, one.kind), reverse=True)
    zone = filters.zone()
    st.dataframe(
        pd.DataFrame(
            {
                "Day (UTC)": [formats.day(one.day) for one in shown[:SHOWN]],
                "What": [_WHAT[one.kind] for one in shown[:SHOWN]],
                "The deployment counts": [formats.exact(one.counted) for one in shown[:SHOWN]],
                "The store has": [formats.exact(one.held) for one in shown[:SHOWN]],
                "In quarantine": [formats.exact(one.unreadable) for one in shown[:SHOWN]],
                "Missing": [formats.exact(one.missing) for one in shown[:SHOWN]],
                "Counted at": [formats.moment(one.counted_at, zone) for one in shown[:SHOWN]],
            }
        ),
        hide_index=True,
        height=280,
        key="day-counts",
        alt="Closed days, as the deployment counts them and as the store has them",
    )
    st.caption(
        f"{formats.span(1, min(SHOWN, len(shown)), len(shown), 'count')}, those that lack "
        "something first. A day that the deployment has purged in part counts less there than here."
    )


def _left_out(left: Sequence[LeftOut]) -> None:
    zone = filters.zone()
    st.dataframe(
        pd.DataFrame(
            {
                "From": [formats.moment(one.since, zone) for one in left[:SHOWN]],
                "Until": [formats.moment(one.until, zone) for one in left[:SHOWN]],
                "What": [_WHAT[one.kind] for one in left[:SHOWN]],
                "How many": [_many(one) for one in left[:SHOWN]],
                "What the deployment said": [formats.visible(one.reason) for one in left[:SHOWN]],
                "Tried at": [formats.moment(one.seen_at, zone) for one in left[:SHOWN]],
            }
        ),
        hide_index=True,
        key="left-out",
        alt="What the deployment fails to list",
    )


def _many(one: LeftOut) -> str:
    return "not told" if one.rows is None else formats.exact(one.rows)


_WHAT: Final = {"interceptions": "requests", "sessions": "sessions"}
