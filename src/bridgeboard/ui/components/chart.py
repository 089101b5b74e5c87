"""Draws a chart; the only way to the screen (``charts.encodings``)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from bridgeboard import charts

Point = Mapping[str, Any]
"""A mark that was clicked: the fields by which the chart selects."""


def show(
    chart: charts.Drawn | charts.Spec,
    *,
    key: str,
    on_pick: Callable[[Point], None] | None = None,
    alt: str,
    chosen: object = None,
    parameter: str = "picked",
    on_zoom: Callable[[Sequence[str]], None] | None = None,
    on_mark: Callable[[str], None] | None = None,
) -> None:
    """A chart over the whole width.

    Args:
        chart: what is drawn.
        key: of the element.
        on_pick: is called with each mark that is clicked, before the page runs again; without it
            nothing of the chart can be chosen.
        alt: the chart in words.
        chosen: what is picked already; None is nothing. It is a chart of its own for each choice,
            so that a second click on the same mark is reported, too.
        parameter: the chart's selection, by name.
        on_zoom: is called likewise with the stretches of time that were dragged over, in order.
        on_mark: is called likewise with the stretch of time whose diamond was clicked.
    """
    key = key if chosen is None else f"{key}-{chosen}"

    def select() -> None:
        selection = st.session_state.get(key, {}).get("selection", {})  # gone if a link led on
        if on_zoom and (buckets := selection.get("zoomed", {}).get("bucket")):
            on_zoom(sorted(map(str, buckets)))
            return
        if on_mark and (marked := selection.get("marked")):
            on_mark(str(marked[0].get("bucket")))
            return
        for point in selection.get(parameter, []):
            if on_pick:
                on_pick(point)

    st.vega_lite_chart(
        spec=chart if isinstance(chart, dict) else charts.spec(chart),
        width="stretch",
        key=key,
        on_select=select if on_pick else "ignore",
        alt=alt,
    )
