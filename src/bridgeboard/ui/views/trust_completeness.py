"""Whether the store has all that the deployment counts, on the page Trust."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import completeness
from bridgeboard.model.store_status import NOUNS, DayCount, LeftOut
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import notices, tables
from bridgeboard.ui.components.tables import Column

SHOWN: Final = 100


def show() -> None:
    """The deployment's count of closed days beside the store's, and what it fails to list."""
    st.header("Is anything missing?", anchor=False)
    with notices.tile("what is missing"):
        if not current_user.reader().row_access.is_of_everybody:
            st.caption("Only readers who may see everybody's data see whether anything is missing.")
            return
        counts = runner.current().read(completeness.day_counts)
        left = runner.current().read(completeness.left_out)
        verdicts = completeness.verdicts(counts, left)
        if not verdicts:
            st.caption("Nothing has been checked yet: a sync does so once it has read everything.")
        for one in [*verdicts, *runner.current().read(completeness.since_restorations)]:
            say = notices.success if one.good else notices.warning
            say(formats.unmarked(one.text))
        if counts:
            _days(counts)
        if left:
            _left_out(left)


def _days(counts: Sequence[DayCount]) -> None:
    """Days that lack something first, then the newest."""
    shown = sorted(counts, key=lambda one: (one.missing > 0, one.day, one.kind), reverse=True)
    tables.show(
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
            Column("Day (UTC)"),
            Column("Records"),
            Column("The deployment counts", "count", exact=True),
            Column("The store has", "count", exact=True),
            Column("In quarantine", "count", exact=True),
            Column("Deleted on purpose", "count", exact=True),
            Column("Missing", "count", exact=True),
            Column("Counted at", "moment"),
        ),
        key="day-counts",
        label="Closed days, as the deployment counts them and as the store has them",
    )
    st.caption(
        f"{formats.span(1, min(SHOWN, len(shown)), len(shown), 'count')}, those that lack "
        "something first. A day that the deployment has purged in part counts less there than here."
    )


def _left_out(left: Sequence[LeftOut]) -> None:
    tables.show(
        [
            (one.since, one.until, NOUNS[one.kind], one.rows, one.reason, one.seen_at)
            for one in left[:SHOWN]
        ],
        (
            Column("From", "moment"),
            Column("Until", "moment"),
            Column("What"),
            Column("How many", "count", exact=True),
            Column("What the deployment said"),
            Column("Tried at", "moment"),
        ),
        key="left-out",
        label="What the deployment fails to list",
    )
