"""How a session grows call by call: its context, and what it has cost so far."""

from typing import Final

import altair as alt
import pandas as pd

from bridgeboard.charts import axes
from bridgeboard.charts.colours import ACCENT, RING

HEIGHT: Final = 220
DOTS: Final = (12, 160)
"""Areas of the smallest and the largest dot, in square pixels."""


def context_per_call(calls: pd.DataFrame) -> alt.LayerChart:
    """A line of the tokens of each prompt, one a thread; the dots grow with what was written.

    Takes one line a call with ``place`` (its number), ``thread`` (what it is called), ``context``
    and ``output`` (tokens).
    """
    drawn = alt.Chart(calls)
    line = drawn.mark_line(strokeWidth=1.5, color=ACCENT).encode(
        x=_x(), y=_tokens(), detail="thread:N"
    )
    dots = drawn.mark_circle(color=RING[1], opacity=0.75).encode(
        x=_x(),
        y=_tokens(),
        size=alt.Size("output:Q", scale=alt.Scale(range=list(DOTS)), legend=None),
        tooltip=[
            alt.Tooltip("place:Q", title="Call", format=",d"),
            alt.Tooltip("thread:N", title="Thread"),
            alt.Tooltip("context:Q", title="Context", format=",d"),
            alt.Tooltip("output:Q", title="Output", format=",d"),
        ],
    )
    return alt.LayerChart(layer=[line, dots]).properties(height=HEIGHT)


def running_cost(calls: pd.DataFrame) -> alt.Chart:
    """What all calls up to each cost together.

    Takes one line a call with ``place`` and ``running_cost`` (dollars, missing before anything has
    a price).
    """
    chart: alt.Chart = (
        alt.Chart(calls.dropna(subset=["running_cost"]))
        .mark_area(line={"color": ACCENT}, color=ACCENT, opacity=0.18, interpolate="step-after")
        .encode(
            x=_x(),
            y=alt.Y("running_cost:Q", axis=axes.number("money", "Cost so far")),
            tooltip=[
                alt.Tooltip("place:Q", title="Call", format=",d"),
                alt.Tooltip("running_cost:Q", title="Cost so far", format=axes.tooltip("money")),
            ],
        )
        .properties(height=HEIGHT)
    )
    return chart


def _x() -> alt.X:
    return alt.X(
        "place:Q",
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(title="Call", format=",d", tickMinStep=1, tickCount=6, grid=False),
    )


def _tokens() -> alt.Y:
    return alt.Y("context:Q", axis=axes.number("count", "Context, tokens"))
