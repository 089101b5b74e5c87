"""Whether the store has all that the deployment counts, on the page Trust."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import completeness
from bridgeboard.model.store_status import NOUNS, DayCount, LeftOut
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import data_table, notices
from bridgeboard.ui.components.data_table import Column

SHOWN: Final = 100


def show() -> None:
    """The deployment's count of closed days beside the store's, and what it fails to list."""
    st.header("Is all of it here?", anchor=False)
    with notices.tile("what is missing"):
        if not current_user.reader().row_access.is_of_everybody:
            st.caption("Whether anything is missing is told to those who may see everybody.")
            return
        counts = runner.current().read(completeness.day_counts)
        left = runner.current().read(completeness.left_out)
        verdicts = completeness.verdicts(counts, left)
        if not verdicts:
            st.caption("No day has been counted yet: a sync does so when it has read everything.")
        for one in [*verdicts, *runner.current().read(completeness.since_restorations)]:
            say, icon = (st.success, "verified") if one.good else (st.warning, "warning")
            say(formats.unmarked(one.text), icon=f":material/{icon}:")
        if counts:
            _days(counts)
        if left:
            _left_out(left)


def _days(counts: Sequence[DayCount]) -> None:
    """Days that lack something first, then the newest."""
    shown = sorted(counts, key=lambda one: (one.missing > 0, one.day, one.kind), reverse=True)
    data_table.show(
        [
            (
                formats.day(one.day),
                NOUNS[one.kind],
                one.counted,
                one.held,
                one.unreadable,
                one.deleted,
                one.missing,
                one.counted_at,
            )
            for one in shown[:SHOWN]
        ],
        (
            Column("day", "Day (UTC)"),
            Column("kind", "What"),
            Column("counted", "The deployment counts", "count", exact=True),
            Column("held", "The store has", "count", exact=True),
            Column("unreadable", "In quarantine", "count", exact=True),
            Column("deleted", "Deleted on purpose", "count", exact=True),
            Column("missing", "Missing", "count", exact=True),
            Column("counted_at", "Counted at", "moment"),
        ),
        height=280,
        key="day-counts",
        alt="Closed days, as the deployment counts them and as the store has them",
    )
    st.caption(
        f"{formats.span(1, min(SHOWN, len(shown)), len(shown), 'count')}, those that lack "
        "something first. A day that the deployment has purged in part counts less there than here."
    )


def _left_out(left: Sequence[LeftOut]) -> None:
    data_table.show(
        [
            (one.since, one.until, NOUNS[one.kind], one.rows, one.reason, one.seen_at)
            for one in left[:SHOWN]
        ],
        (
            Column("since", "From", "moment"),
            Column("until", "Until", "moment"),
            Column("kind", "What"),
            Column("rows", "How many", "count", exact=True),
            Column("reason", "What the deployment said"),
            Column("seen_at", "Tried at", "moment"),
        ),
        key="left-out",
        alt="What the deployment fails to list",
    )
