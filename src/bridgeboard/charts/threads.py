"""Tokens of each thread of a session."""

from typing import Final

import altair as alt
import pandas as pd

from bridgeboard import formats
from bridgeboard.charts import axes
from bridgeboard.charts.trend import swatches

# Told apart on light and dark ground and with the common colour blindnesses: the order is that
# of the stack, from the bottom.
TOKEN_KINDS = {
    "cache_read": ("Cache read", "#2a9d8f"),
    "cache_write": ("Cache write", "#8e6fd8"),
    "input": ("Input", "#3b78e0"),
    "output": ("Output", "#e8833a"),
}
HEIGHT: Final = 220
FEW: Final = 12
WIDEST: Final = 40


def tokens_per_thread(threads: pd.DataFrame) -> alt.Chart:
    """Stacked bars, one a thread, of the four disjoint token kinds.

    Takes one line a thread with ``thread`` (what it is called, in their order) and a column of
    integers a kind, missing where nobody knows. Selecting a bar fills the parameter ``thread``.
    """
    long = threads.melt(
        id_vars=["thread"], value_vars=list(TOKEN_KINDS), var_name="kind", value_name="tokens"
    ).dropna(subset=["tokens"])
    long["exactly"] = long["tokens"].map(lambda tokens: formats.exact(int(tokens)))
    long["tokens"] = long["tokens"].astype("float64")
    long["order"] = long["kind"].map({kind: place for place, kind in enumerate(TOKEN_KINDS)})
    long["label"] = long["kind"].map({kind: label for kind, (label, _) in TOKEN_KINDS.items()})
    chosen = alt.selection_point(name="thread", fields=["thread"], toggle=False)
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_bar(cursor="pointer", size=_width(len(threads)))
        .encode(
            x=alt.X(
                "thread:O",
                title="Thread",
                sort=None,
                scale=alt.Scale(domain=list(threads["thread"])),
                axis=alt.Axis(labelAngle=0, labelOverlap=True, titlePadding=6),
            ),
            y=alt.Y("tokens:Q", axis=axes.number("count", "Tokens")),
            color=alt.Color(
                "label:N",
                title=None,
                scale=alt.Scale(
                    domain=[label for label, _ in TOKEN_KINDS.values()],
                    range=[colour for _, colour in TOKEN_KINDS.values()],
                ),
                legend=None,
            ),
            order=alt.Order("order:Q"),
            opacity=alt.condition(chosen, alt.value(1), alt.value(0.55)),
            tooltip=[
                alt.Tooltip("thread:O", title="Thread"),
                alt.Tooltip("label:N", title="Kind"),
                alt.Tooltip("exactly:N", title="Tokens"),
            ],
        )
        .add_params(chosen)
        .properties(height=HEIGHT)
    )
    return chart


def token_legend() -> str:
    """Which colour is which kind of tokens, as HTML that is as wide as its place."""
    return swatches(dict(TOKEN_KINDS.values()))


def _width(bars: int) -> alt.typing.Optional[float]:
    """Few bars would grow as wide as walls; many share the axis among them."""
    return WIDEST if bars <= FEW else alt.Undefined
