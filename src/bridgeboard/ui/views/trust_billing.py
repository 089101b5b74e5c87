"""Who bills for each provider instance, on the page Trust."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from bridgeboard import settings
from bridgeboard.analysis import prices
from bridgeboard.model.accuracy import Accuracy, Standing
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import notices, tables
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Column, Inexact

_COLUMNS: Final = (
    Column("Instance"),
    Column("Type"),
    Column("Who bills"),
    Column("Why"),
    Column("Since", "moment", meaning="When the server first said so; empty: always"),
    Column("Requests", "count", exact=True),
    Column("Spend", "money"),
    Column("Share of spend", "rate"),
)


def instances(now: Chosen) -> None:
    """Every instance of the period, who bills for it, why, since when, and how to settle it."""
    st.header("Who bills?", anchor=False)
    with notices.tile("who bills"):
        if not runner.shows_people():
            st.caption("Only readers who may see everybody's data see who bills.")
            return
        questions, file = runner.current(), settings.current().prices_path
        window = (now.scope.since, now.scope.until)
        try:
            answer = questions.cached(
                ("billing", *window, file, prices.file_state(file)),
                lambda: questions.read(lambda reader: prices.billing(reader, *window, file)),
            )
        except prices.PriceFileError as error:
            notices.failure("Could not read the prices file", error)
            return
        if not answer.rows:
            st.caption("No usage in this period. Filters do not apply here.")
            return
        tables.show(
            list(map(_row, answer.rows)),
            _COLUMNS,
            key="who-bills",
            label="Who bills for each instance",
        )
        _proposal(answer.lines)


def _row(row: Sequence[Any]) -> tuple[object, ...]:
    """A row whose spend is called what it is where nothing is billed, or nothing has a price."""
    *cells, spend, share = row
    standing: Standing = "exact" if spend else "unpriced" if spend is None else "not billed"
    return (*cells, Inexact.of(spend, Accuracy(standing)), share)


def _proposal(lines: Sequence[str]) -> None:
    if not lines or not current_user.reader().row_access.is_of_everybody:
        return
    with st.expander("Change it in prices.toml"):
        st.markdown(
            "The prices file overrides everything else. Keep the lines that are right, correct the "
            "others, and run `bridgeboard reprice`:"
        )
        st.code("\n".join(["[vendors]", *lines]), language=None)
