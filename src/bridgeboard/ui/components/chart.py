"""Draws a chart; the only way to the screen (``charts.encodings``)."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from bridgeboard import charts

Point = Mapping[str, Any]
"""A mark that was clicked: the fields by which the chart selects."""


def show(
    chart: charts.Drawn | charts.Spec,
    *,
    key: str,
    on_pick: Callable[[Point], None],
    alt: str,
    chosen: object = None,
    parameter: str = "picked",
) -> None:
    """A chart over the whole width.

    Args:
        chart: what is drawn.
        key: of the element.
        on_pick: is called with each mark that is clicked, before the page runs again.
        alt: the chart in words.
        chosen: what is picked already; None is nothing. It is a chart of its own for each choice,
            so that a second click on the same mark is reported, too.
        parameter: the chart's selection, by name.
    """
    key = key if chosen is None else f"{key}-{chosen}"

    def select() -> None:
        for point in st.session_state[key]["selection"].get(parameter, []):
            on_pick(point)

    st.vega_lite_chart(
        spec=chart if isinstance(chart, dict) else charts.spec(chart),
        width="stretch",
        key=key,
        on_select=select,
        alt=alt,
    )
