"""Charts of one session: context size, cumulated cost, tokens of calls and threads."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import altair as alt
import pandas as pd

from bridgeboard import formats
from bridgeboard.charts import encodings
from bridgeboard.charts.encodings import ACCENT, RING
from bridgeboard.charts.trend import swatches

HEIGHT: Final = 220
DOTS: Final = (12, 160)
"""Areas of the smallest and the largest dot, in square pixels."""


class Step(NamedTuple):
    """A call: its number, its thread, tokens of its prompt and its answer, pico-USD up to it.

    ``running_standing`` is how the last of them stands (``model.accuracy.Standing``).
    """

    place: int
    thread: str
    context: int
    output: int
    running_cost: int | None
    running_standing: str = "exact"


_KINDS: Final = {"context": "count", "output": "count", "running_cost": "money"}


def context_per_call(
    calls: Sequence[Step], chosen: int | None = None, pauses: Sequence[int] = ()
) -> alt.LayerChart:
    """A line of the tokens of each prompt, one a thread; the dots grow with what was written.

    A click chooses the nearest call, and fills the parameter ``picked`` with its ``place``. A rule
    stands at the place that is ``chosen``, be it drawn or not, and a broken one at each call after
    one of the ``pauses``.
    """
    drawn = alt.Chart(_frame(calls))
    line = drawn.mark_line(strokeWidth=1.5, color=ACCENT).encode(
        x=_x(), y=_tokens(), detail=alt.Detail("thread:N")
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
    return _to_choose([*_pauses(pauses), line, dots], points, chosen)


def running_cost(
    calls: Sequence[Step], chosen: int | None = None, pauses: Sequence[int] = ()
) -> alt.LayerChart:
    """What all calls up to each cost together; all else is as in ``context_per_call``.

    Nothing is drawn before anything has a price.
    """
    known = alt.Chart(_frame(calls).dropna(subset=["running_cost"])).encode(
        x=_x(), y=alt.Y("running_cost:Q", axis=encodings.number("money", "Cost so far"))
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
    return _to_choose([*_pauses(pauses), area], points, chosen)


def _frame(calls: Sequence[Step]) -> pd.DataFrame:
    """Each number as it is drawn, and in words under its name with ``exact_`` before it."""
    columns: dict[str, list[object]] = {
        "place": [call.place for call in calls],
        "thread": [call.thread for call in calls],
    }
    for name, kind in _KINDS.items():
        values = [getattr(call, name) for call in calls]
        columns[name] = [encodings.drawn(value, kind) for value in values]
        columns[f"exact_{name}"] = [formats.exact_number(value, kind) for value in values]
    columns["exact_running_cost"] = [
        formats.marked(
            formats.exact_money(call.running_cost), call.running_cost, call.running_standing
        )
        for call in calls
    ]
    return pd.DataFrame(columns).astype(dict.fromkeys(_KINDS, "float64"))


def _to_choose(shown: list[alt.Chart], points: alt.Chart, chosen: int | None) -> alt.LayerChart:
    layers = [*shown, *encodings.rule("place", chosen, _x()), encodings.nearest(points)]
    return alt.LayerChart(layer=layers).properties(height=HEIGHT)


def _pauses(places: Sequence[int]) -> list[alt.Chart]:
    if not places:
        return []
    rules = alt.Chart(pd.DataFrame({"place": list(places)}))
    return [rules.mark_rule(color=RING[4], strokeDash=[4, 3], opacity=0.6).encode(x=_x())]


def _x() -> alt.X:
    return alt.X(
        "place:Q",
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(title="Call", format=",d", tickMinStep=1, tickCount=6, grid=False),
    )


def _tokens() -> alt.Y:
    return alt.Y("context:Q", axis=encodings.number("count", "Context, tokens"))


# Told apart on light and dark ground and with the common colour blindnesses: the order is that
# of the stack, from the bottom.
TOKEN_KINDS = {
    "cache_read": ("Cache read", "#2a9d8f"),
    "cache_write": ("Cache write", "#8e6fd8"),
    "input": ("Input", "#3b78e0"),
    "output": ("Output", "#e8833a"),
}
LYING: Final = 12
"""So many threads are bars that lie, with their whole names; more stand, as many as there are."""
THICKNESS: Final = 26
LONGEST_NAME: Final = 190


def tokens_per_thread(threads: pd.DataFrame) -> alt.Chart:
    """Stacked bars, one a thread, of the four disjoint token kinds.

    Takes one line a thread with ``thread`` (its name, in their order), ``standing`` (how its counts
    stand, ``model.accuracy.Standing``) and a column of integers a kind, missing where nobody knows.
    Selecting a bar fills the parameter ``thread``.
    """
    long = threads.melt(
        id_vars=["thread", "standing"],
        value_vars=list(TOKEN_KINDS),
        var_name="kind",
        value_name="tokens",
    ).dropna(subset=["tokens"])
    long["exactly"] = [
        formats.marked(formats.exact(int(tokens)), int(tokens), standing)
        for tokens, standing in zip(long["tokens"], long.pop("standing"), strict=True)
    ]
    long["tokens"] = long["tokens"].astype("float64")
    long["order"] = long["kind"].map({kind: place for place, kind in enumerate(TOKEN_KINDS)})
    long["label"] = long["kind"].map({kind: label for kind, (label, _) in TOKEN_KINDS.items()})
    chosen = alt.selection_point(name="thread", fields=["thread"], toggle=False)
    shared: dict[str, Any] = {"sort": None, "scale": alt.Scale(domain=list(threads["thread"]))}
    amount = encodings.number("count", "Tokens")
    size: alt.typing.Optional[float] = alt.Undefined
    if len(threads) <= LYING:
        size = THICKNESS - 8
        name = alt.Axis(labelLimit=LONGEST_NAME, ticks=False, domain=False, labelOverlap=False)
        places: dict[str, Any] = {
            "x": alt.X("tokens:Q", axis=amount),
            "y": alt.Y("thread:N", title=None, axis=name, **shared),
        }
        height: int | alt.Step = alt.Step(THICKNESS)
    else:
        name = alt.Axis(labelAngle=0, labelOverlap=True, titlePadding=6)
        places = {
            "x": alt.X("thread:N", title="Thread", axis=name, **shared),
            "y": alt.Y("tokens:Q", axis=amount),
        }
        height = HEIGHT
    chart: alt.Chart = (
        alt.Chart(long)
        .mark_bar(cursor="pointer", size=size)
        .encode(
            **places,
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
            opacity=alt.OpacityValue(0.55, condition={"param": "thread", "value": 1}),
            tooltip=[
                alt.Tooltip("thread:N", title="Thread"),
                alt.Tooltip("label:N", title="Kind"),
                alt.Tooltip("exactly:N", title="Tokens"),
            ],
        )
        .add_params(chosen)
        .properties(height=height)
    )
    return chart


def token_legend() -> str:
    """Which colour is which kind of tokens, as HTML that is as wide as its place."""
    return swatches(dict(TOKEN_KINDS.values()))
