"""How a session grows call by call: its context, and what it has cost so far."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import altair as alt
import pandas as pd

from bridgeboard.charts import axes, selection
from bridgeboard.charts.colours import ACCENT, RING

HEIGHT: Final = 220
DOTS: Final = (12, 160)
"""Areas of the smallest and the largest dot, in square pixels."""


class Step(NamedTuple):
    """A call: its number, its thread, tokens of its prompt and its answer, pico-USD up to it."""

    place: int
    thread: str
    context: int
    output: int
    running_cost: int | None


_KINDS: Final = {"context": "count", "output": "count", "running_cost": "money"}


def context_per_call(calls: Sequence[Step], chosen: int | None = None) -> alt.LayerChart:
    """A line of the tokens of each prompt, one a thread; the dots grow with what was written.

    A click chooses the nearest call, and fills the parameter ``picked`` with its ``place``. A rule
    stands at the place that is ``chosen``, be it drawn or not.
    """
    drawn = alt.Chart(_frame(calls))
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
            alt.Tooltip("exact_context:N", title="Context"),
            alt.Tooltip("exact_output:N", title="Output"),
        ],
    )
    return _to_choose([line, dots], points, chosen)


def running_cost(calls: Sequence[Step], chosen: int | None = None) -> alt.LayerChart:
    """What all calls up to each cost together; calls are chosen as in ``context_per_call``.

    Nothing is drawn before anything has a price.
    """
    known = alt.Chart(_frame(calls).dropna(subset=["running_cost"])).encode(
        x=_x(), y=alt.Y("running_cost:Q", axis=axes.number("money", "Cost so far"))
    )
    area = known.mark_area(
        line={"color": ACCENT}, color=ACCENT, opacity=0.18, interpolate="step-after"
    )
    points = known.encode(
        tooltip=[
            alt.Tooltip("place:Q", title="Call", format=",d"),
            alt.Tooltip("exact_running_cost:N", title="Cost so far"),
        ]
    )
    return _to_choose([area], points, chosen)


def _frame(calls: Sequence[Step]) -> pd.DataFrame:
    """Each number as it is drawn, and in words under its name with ``exact_`` before it."""
    columns: dict[str, list[object]] = {
        "place": [call.place for call in calls],
        "thread": [call.thread for call in calls],
    }
    for name, kind in _KINDS.items():
        values = [getattr(call, name) for call in calls]
        columns[name] = [axes.drawn(value, kind) for value in values]
        columns[f"exact_{name}"] = [axes.exactly(value, kind) for value in values]
    return pd.DataFrame(columns).astype(dict.fromkeys(_KINDS, "float64"))


def _to_choose(shown: list[alt.Chart], points: alt.Chart, chosen: int | None) -> alt.LayerChart:
    layers = [*shown, *selection.rule("place", chosen, _x()), selection.nearest(points)]
    return alt.LayerChart(layer=layers).properties(height=HEIGHT)


def _x() -> alt.X:
    return alt.X(
        "place:Q",
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(title="Call", format=",d", tickMinStep=1, tickCount=6, grid=False),
    )


def _tokens() -> alt.Y:
    return alt.Y("context:Q", axis=axes.number("count", "Context, tokens"))
