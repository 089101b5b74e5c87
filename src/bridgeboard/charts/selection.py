"""What is chosen in a picture of points: the nearest to a click, and a rule where one is."""

from typing import Any, Final

import altair as alt
import pandas as pd

from bridgeboard.charts.colours import NEUTRAL

REACH: Final = 60
"""Area of an unseen point, in square pixels: it only tells where a mark is."""


def nearest(points: alt.Chart, *fields: str) -> alt.Chart:
    """Unseen points on top of all: a click anywhere fills ``picked`` with fields of the nearest.

    Without fields it is the nearest sideways, and fills in what is along the axis. Marks of a
    line are too thin to hit, and those of hundreds of calls lie above each other.
    """
    of: Any = {"fields": list(fields)} if fields else {"encodings": ["x"]}
    picked = alt.selection_point(name="picked", nearest=True, toggle=False, **of)
    drawn: alt.Chart = points.mark_point(
        filled=True, size=REACH, opacity=0, cursor="pointer"
    ).add_params(picked)
    return drawn


def rule(field: str, chosen: Any, x: alt.X) -> list[alt.Chart]:
    """A line from top to bottom at what is chosen; nothing where nothing is."""
    if chosen is None:
        return []
    frame = pd.DataFrame({field: [chosen]})
    drawn: alt.Chart = alt.Chart(frame).mark_rule(color=NEUTRAL, strokeWidth=2).encode(x=x)
    return [drawn]
