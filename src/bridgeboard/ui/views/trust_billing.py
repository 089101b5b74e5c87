"""Who bills for each provider instance, on the page Trust."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from bridgeboard import settings
from bridgeboard.analysis import prices
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import data_table, notices
from bridgeboard.ui.components.data_table import Column
from bridgeboard.ui.components.filters import Chosen

_COLUMNS: Final = (
    Column("instance", "Instance"),
    Column("provider", "Type"),
    Column("vendor", "Who bills"),
    Column("why", "Why"),
    Column("since", "Since", "moment", meaning="When the server first said so; empty: always"),
    Column("requests", "Requests", "count", exact=True),
    Column("cost", "Spend", "money"),
    Column("share", "Share of spend", "rate"),
)


def instances(now: Chosen) -> None:
    """Every instance of the period, who bills for it, why, since when, and how to settle it."""
    st.header("Who bills?", anchor=False)
    with notices.tile("who bills"):
        if not runner.shows_people():
            st.caption("You see groups of people only. Who sees everything sees who bills, too.")
            return
        scope, file = now.scope, settings.current().prices_path
        try:
            answer = runner.current().read(
                lambda reader: prices.billing(reader, scope.since, scope.until, file)
            )
        except prices.PriceFileError as error:
            notices.failure("Could not read the prices file", error)
            return
        if not answer.rows:
            st.caption("Nothing was used in this period. Filters do not count here.")
            return
        data_table.show(answer.rows, _COLUMNS, key="vendors", alt="Who bills for each instance")
        _proposal(answer.lines)


def _proposal(lines: Sequence[str]) -> None:
    if not lines or not current_user.reader().row_access.is_of_everybody:
        return
    with st.expander("Settle it in prices.toml"):
        st.markdown(
            "What stands in the prices file comes before everything else. Keep the lines that are "
            "right, correct the others, and run `bridgeboard reprice`:"
        )
        st.code("\n".join(["[vendors]", *lines]), language=None)
