"""How a session grows call by call: its context, and what it has cost so far."""

from typing import Final

import altair as alt
import pandas as pd

from bridgeboard.charts import axes, marks
from bridgeboard.charts.colours import ACCENT, RING

HEIGHT: Final = 220
DOTS: Final = (12, 160)
"""Areas of the smallest and the largest dot, in square pixels."""


def context_per_call(calls: pd.DataFrame, chosen: int | None = None) -> alt.LayerChart:
    """A line of the tokens of each prompt, one a thread; the dots grow with what was written.

    Takes one line a call with ``place`` (its number), ``thread`` (what it is called), ``context``
    and ``output`` (tokens). A click chooses the nearest call, and fills the parameter ``picked``
    with its ``place``. A rule stands at the place that is ``chosen``, be it drawn or not.
    """
    drawn = alt.Chart(calls)
    line = drawn.mark_line(strokeWidth=1.5, color=ACCENT).encode(
        x=_x(), y=_tokens(), detail="thread:N"
    )
    dots = drawn.mark_circle(color=RING[1], opacity=0.75).encode(
        x=_x(),
        y=_tokens(),
        size=alt.Size("output:Q", scale=alt.Scale(range=list(DOTS)), legend=None),
    )
    points = drawn.encode(
        x=_x(),
        y=_tokens(),
        tooltip=[
            alt.Tooltip("place:Q", title="Call", format=",d"),
            alt.Tooltip("thread:N", title="Thread"),
            alt.Tooltip("context:Q", title="Context", format=",d"),
            alt.Tooltip("output:Q", title="Output", format=",d"),
        ],
    )
    return _to_choose([line, dots], points, chosen)


def running_cost(calls: pd.DataFrame, chosen: int | None = None) -> alt.LayerChart:
    """What all calls up to each cost together; calls are chosen as in ``context_per_call``.

    Takes one line a call with ``place`` and ``running_cost`` (dollars, missing before anything has
    a price).
    """
    known = alt.Chart(calls.dropna(subset=["running_cost"])).encode(
        x=_x(), y=alt.Y("running_cost:Q", axis=axes.number("money", "Cost so far"))
    )
    area = known.mark_area(
        line={"color": ACCENT}, color=ACCENT, opacity=0.18, interpolate="step-after"
    )
    points = known.encode(
        tooltip=[
            alt.Tooltip("place:Q", title="Call", format=",d"),
            alt.Tooltip("running_cost:Q", title="Cost so far", format=axes.tooltip("money")),
        ]
    )
    return _to_choose([area], points, chosen)


def _to_choose(shown: list[alt.Chart], points: alt.Chart, chosen: int | None) -> alt.LayerChart:
    layers = [*shown, *marks.rule("place", chosen, _x()), marks.nearest(points)]
    return alt.LayerChart(layer=layers).properties(height=HEIGHT)


def _x() -> alt.X:
    return alt.X(
        "place:Q",
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(title="Call", format=",d", tickMinStep=1, tickCount=6, grid=False),
    )


def _tokens() -> alt.Y:
    return alt.Y("context:Q", axis=axes.number("count", "Context, tokens"))
