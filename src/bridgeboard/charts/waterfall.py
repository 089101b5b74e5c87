"""The steps of a change, one after the other, and the whole of it."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import altair as alt
import pandas as pd

from bridgeboard.charts import encodings

MORE: Final = encodings.RING[1]
LESS: Final = encodings.RING[2]
_ROW: Final = 28
_MARGIN: Final = 40

Change = tuple[str, str, int, str]
"""A step's key, its label, its amount in pico-USD, and that in words."""


def waterfall(steps: Sequence[Change], whole: Change, chosen: str = "") -> alt.LayerChart:
    """A bar for each step that begins where the one before ended, and below them the whole.

    A click fills the parameter ``picked`` with the ``step``; the ``chosen`` one is outlined.
    """
    ends = list(accumulate((amount for _, _, amount, _ in steps), initial=0))
    bars = [
        (*step, start, end, MORE if end > start else LESS)
        for step, start, end in zip(steps, ends, ends[1:], strict=False)
    ]
    bars.append((*whole, 0, whole[2], encodings.NEUTRAL))
    frame = pd.DataFrame(
        [
            (key, label, encodings.drawn(start, "money"), encodings.drawn(end, "money"), words)
            for key, label, _, words, start, end, _ in bars
        ],
        columns=["step", "label", "start", "end", "exactly"],
    )
    frame["described"] = frame["label"] + ": " + frame["exactly"]
    frame["colour"] = [colour for *_, colour in bars]
    frame["width"] = [2 if key == chosen else 0 for key, *_ in bars]
    base = alt.Chart(frame).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=190)),
        x=alt.X("start:Q", axis=encodings.number("money", "Change of spend")),
        x2=alt.X2("end:Q"),
        description=alt.Description("described:N"),
        tooltip=[
            alt.Tooltip("label:N", title="Step"),
            alt.Tooltip("exactly:N", title="Change of spend"),
        ],
    )
    drawn = base.mark_bar(cursor="pointer", minBandSize=2, height={"band": 0.7}).encode(
        color=alt.Color("colour:N", scale=None),
        stroke=alt.StrokeValue(encodings.ACCENT),
        strokeWidth=alt.StrokeWidth("width:Q", scale=None),
    )
    picked = alt.selection_point(name="picked", fields=["step"], toggle=False)
    zero = (
        alt.Chart(pd.DataFrame({"at": [0]}))
        .mark_rule(color=encodings.NEUTRAL)
        .encode(x=alt.X("at:Q"))
    )
    return alt.LayerChart(layer=[drawn.add_params(picked), zero]).properties(
        height=_ROW * len(bars) + _MARGIN
    )
