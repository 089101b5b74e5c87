"""Draws a chart; the only way to the screen (``charts.encodings``)."""

from collections.abc import Callable

import streamlit as st

from bridgeboard import charts


def show(
    chart: charts.Drawn | charts.Spec, *, key: str, on_select: Callable[[], None], alt: str
) -> None:
    """A chart over the whole width; ``alt`` says it in words.

    What was clicked is in the session's state under ``key`` when ``on_select`` is called.
    """
    st.vega_lite_chart(
        spec=chart if isinstance(chart, dict) else charts.spec(chart),
        width="stretch",
        key=key,
        on_select=on_select,
        alt=alt,
    )
