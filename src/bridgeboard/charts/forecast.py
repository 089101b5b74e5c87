"""What a period has cost so far, day by day added up, and where it is expected to end."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import altair as alt
import pandas as pd

from bridgeboard.charts import encodings
from bridgeboard.charts.trend import HEIGHT

SPENT: Final = "Spent"
EXPECTED: Final = "Forecast"
EVEN: Final = "Even use"
_DASHES: Final = [6, 4]

Spent = tuple[date, int, str]
"""A day, what was spent by its end in pico-USD, and that in words."""
Expected = tuple[date, int, int | None, int | None, str]
"""A day, what is expected to be spent by its end, between which bounds, and that in words."""


def month_end(spent: Sequence[Spent], expected: Sequence[Expected]) -> alt.LayerChart:
    """A line of what was spent, a dashed one of what is expected, and a band around it.

    Both are in order; the dashed line goes on where the other one ends.
    """
    days = [day for day, *_ in spent] + [day for day, *_ in expected]
    return alt.LayerChart(layer=_layers(days, spent, expected)).properties(height=HEIGHT)


def burn_down(
    spent: Sequence[Spent], expected: Sequence[Expected], ideal: Sequence[Spent], limit: int
) -> alt.LayerChart:
    """The same, over a line of what would be spent of a limit by the end of each day."""
    days = [day for day, *_ in ideal]
    words = encodings.words(days, "day", "UTC")
    x = alt.X("day:O", axis=encodings.time(words), sort=list(words))
    y = alt.Y("amount:Q", axis=encodings.number("money", None))
    steady = pd.DataFrame(
        [(encodings.key(day), _dollars(cost), text, EVEN) for day, cost, text in ideal],
        columns=["day", "amount", "exactly", "part"],
    )
    steady["when"] = steady["day"].map(words)
    line = alt.Chart(steady).encode(
        x=x, y=y, color=alt.ColorValue(encodings.NEUTRAL), tooltip=_tooltip("Share of the limit")
    )
    most = alt.Chart(pd.DataFrame({"amount": [_dollars(limit)]})).encode(y=y)
    layers = [
        most.mark_rule(color=encodings.NEUTRAL, strokeWidth=2),
        line.mark_line(strokeWidth=1.5, strokeDash=[2, 3]),
        *_layers(days, spent, expected),
    ]
    return alt.LayerChart(layer=layers).properties(height=HEIGHT)


def _layers(
    days: Sequence[date], spent: Sequence[Spent], expected: Sequence[Expected]
) -> list[Any]:
    words = encodings.words(days, "day", "UTC")
    x = alt.X("day:O", axis=encodings.time(words), sort=list(words))
    y = alt.Y("amount:Q", axis=encodings.number("money", None))
    before = [(encodings.key(day), _dollars(cost), text, SPENT) for day, cost, text in spent]
    after = [
        (encodings.key(day), _dollars(cost), text, EXPECTED) for day, cost, *_, text in expected
    ]
    joined = [(*before[-1][:3], EXPECTED), *after] if before else after
    band = pd.DataFrame(
        [
            (encodings.key(day), _dollars(low), _dollars(high))
            for day, _, low, high, _ in expected
            if low is not None
        ],
        columns=["day", "low", "high"],
    )
    lines = pd.DataFrame([*before, *joined], columns=["day", "amount", "exactly", "part"])
    lines["when"] = lines["day"].map(words)
    line = alt.Chart(lines).encode(
        x=x,
        y=y,
        detail=alt.Detail("part:N"),
        color=alt.ColorValue(encodings.ACCENT),
        strokeDash=alt.StrokeDashValue(
            [1, 0], condition=encodings.where(f"datum.part === '{EXPECTED}'", _DASHES)
        ),
        tooltip=_tooltip("Spend"),
    )
    layers: list[Any] = [line.mark_line(strokeWidth=2), line.mark_point(size=60, opacity=0)]
    if len(band):
        area = alt.Chart(band).encode(x=x, y=alt.Y("low:Q", title=None), y2=alt.Y2("high:Q"))
        layers.insert(0, area.mark_area(color=encodings.ACCENT, opacity=0.18))
    return layers


def _tooltip(amount: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("when:N", title="By the end of"),
        alt.Tooltip("exactly:N", title=amount),
        alt.Tooltip("part:N", title="Which is"),
    ]


def _dollars(pico: int | None) -> float | None:
    return encodings.drawn(pico, "money")
