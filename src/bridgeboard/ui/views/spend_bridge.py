"""Why spend changed, on the page Spend: the steps from the period before, and of whom they are.

The price book that they are made with is read when they are, and not with the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

from bridgeboard import charts, formats, settings
from bridgeboard.exports import Column, Sheet
from bridgeboard.model import pages
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.ui import current_user, navigation, runner, url, url_values
from bridgeboard.ui.components import (
    breakdown,
    chart,
    chart_findings,
    downloads,
    notices,
    tables,
    trend,
)
from bridgeboard.ui.components.filters import Chosen

if TYPE_CHECKING:
    from bridgeboard.analysis.spend_bridge import Bridge, Part, Step

KEY: Final = "why"
PARTS: Final = ("team", "initiator", "family")
_BY: Final = url_values.one_of(f"{KEY}-by", PARTS)
_MODELS: Final = {"breakdown-by": ["model"]}
EVIDENCE: Final[Mapping[str, tuple[str, Mapping[str, Sequence[str]]]]] = {
    "people": ("people", {}),
    "sessions": ("sessions", {}),
    "requests": ("interceptions", {}),
    "tokens": ("models", {**_MODELS, "breakdown-sort": ["total_tokens"]}),
    "sessions_per_person": ("people", {"everybody-sort": ["sessions"]}),
    "requests_per_person": ("people", {"everybody-sort": ["requests"]}),
    "tokens_per_person": ("people", {"everybody-sort": ["total_tokens"]}),
    "requests_per_session": ("sessions", {"sort": ["requests"]}),
    "tokens_per_session": ("sessions", {"sort": ["total_tokens"]}),
    "tokens_per_request": ("interceptions", {"sort": ["cost"]}),
    "model_mix": ("models", {**_MODELS, "breakdown-sort": ["total_tokens"]}),
    "token_kind_mix": ("models", {**_MODELS, "breakdown-sort": ["cache_hit_rate"]}),
    "unit_price": ("models", {**_MODELS, "breakdown-sort": ["cost_per_million_tokens"]}),
    "new_models": ("models", {**_MODELS, "breakdown-sort": ["change"]}),
    "retired_models": ("models", {**_MODELS, "breakdown-sort": ["change"]}),
}
"""Step → the page that shows what is behind it, and in which order."""
_STEP: Final = url_values.one_of(f"{KEY}-step", tuple(EVIDENCE))


def show(now: Chosen) -> None:
    """How the spend of the period before became that of this one, step by step."""
    st.header("Why spend changed", anchor=False)
    with notices.tile("why spend changed"):
        why = trend.cannot_compare(now)
        drawn = None if why else _drawn(now)
        if drawn is None or drawn.bridge.why_none:
            notices.empty(why or (drawn.bridge.why_none if drawn else ""))
            for parameter in (_BY, _STEP):  # an address with a wrong word is told so all the same
                parameter.value()
            return
        st.markdown(formats.unmarked(drawn.bridge.in_words))
        st.caption(formats.unmarked(" ".join((f"Against the {now.compared_with}.", *drawn.notes))))
        step = _step(drawn.bridge)
        _picture(drawn.bridge, step.value())
        _steps(drawn, now)
        _parts(now, drawn, step)


@dataclass(frozen=True)
class _Drawn:
    """The steps, the note below them, and what each is, by its name."""

    bridge: "Bridge"
    notes: tuple[str, ...]
    meanings: Mapping[str, str]
    parts_note: str


def _drawn(now: Chosen) -> _Drawn:
    """The steps; made once for a state of the store, with what Radar knows by now."""
    from bridgeboard.analysis import (  # noqa: PLC0415 - brings in the price book
        spend_bridge,
        token_costs,
    )

    questions, prices, before = runner.current(), settings.current().prices_path, now.before
    assert before is not None  # noqa: S101 - "cannot_compare" has said so
    made = questions.cached(
        ("bridge", now.scope, before, prices),
        lambda: spend_bridge.bridge(
            questions, now.scope, before, token_costs.price_book(questions, prices)
        ),
    )
    costs = [
        cost
        for one in chart_findings.known(now.scope) or ()
        if one.kind == "runaway" and isinstance(cost := one.numbers.get("session_cost"), int)
    ]
    incidents = spend_bridge.thereof(made, costs)
    notes = (*made.notes, *([incidents] if incidents else []))
    return _Drawn(made, notes, spend_bridge.MEANINGS, spend_bridge.PARTS_NOTE)


def _split(now: Chosen, by: str) -> "tuple[Part, ...]":
    """The steps of each value of a dimension, likewise."""
    from bridgeboard.analysis import (  # noqa: PLC0415 - brings in the price book
        spend_bridge,
        token_costs,
    )

    questions, prices, before = runner.current(), settings.current().prices_path, now.before
    assert before is not None  # noqa: S101 - there are steps of both
    return questions.cached(
        ("bridge of parts", now.scope, before, by, prices),
        lambda: spend_bridge.parts(
            questions, now.scope, before, by, token_costs.price_book(questions, prices)
        ),
    )


def _step(made: "Bridge") -> url_values.Parameter[str]:
    """The step that is looked into; the largest unless the reader chooses."""
    names = [step.name for step in made.steps]
    largest = made.largest[0].name if made.largest else names[0]
    known = url_values.among(tuple(EVIDENCE))
    return url_values.one_of(f"{KEY}-step", names, largest, known=known)


def _picture(made: "Bridge", chosen: str | None) -> None:
    """The steps as bars; drawn once for the same steps."""
    about = ("bridge drawn", made.steps, made.accuracy, chosen)
    chart.show(
        runner.current().cached(about, lambda: charts.spec(_waterfall(made, chosen))),
        key=f"chart-{KEY}",
        chosen=chosen,
        on_pick=lambda point: _pick(made, point),
        alt=f"The steps of the change of spend as bars. {made.in_words}",
    )


def _waterfall(made: "Bridge", chosen: str | None) -> charts.Drawn:
    return charts.waterfall(
        [
            (one.name, one.label, one.amount, made.signed(one.amount, all_digits=True))
            for one in made.steps
            if one.amount
        ],
        ("", "Whole change", made.change, made.signed(made.change, all_digits=True)),
        chosen or "",
    )


def _pick(made: "Bridge", point: chart.Point) -> None:
    """Look into the step that was clicked, by team unless split otherwise; for callbacks."""
    if point.get("step") in [step.name for step in made.steps]:
        step, by = _step(made).words(str(point["step"])), _BY.words(_BY.value() or PARTS[0])
        url.put({f"{KEY}-step": step, f"{KEY}-by": by})


def _steps(drawn: _Drawn, now: Chosen) -> None:
    """The table of the steps; the name of each leads to what is behind it."""
    made = drawn.bridge
    addresses = [_address(step.name) for step in made.steps]
    rows = [
        (step.label, _amount(made, step.amount), drawn.meanings[step.name]) for step in made.steps
    ]
    tables.show(
        rows,
        (
            tables.Column(
                "Step", meaning="Opens what is behind it.", links=tables.Links("", addresses)
            ),
            tables.Column("Change of spend", "change"),
            tables.Column("What it is"),
        ),
        key=f"steps-{KEY}",
        label="The steps of the change of spend",
        totals=[("Whole change", _amount(made, made.change), "")],
        is_sortable=False,
    )
    columns = (
        Column("step", "Step", "text"),
        downloads.with_accuracy(Column("change", "Change of spend", "money"), made.accuracy),
        Column("meaning", "What it is", "text"),
    )
    lines = tuple((one.label, one.amount, drawn.meanings[one.name]) for one in made.steps)
    downloads.menu(Sheet("Why spend changed", columns, lines), now, key=KEY)


def _amount(made: "Bridge", pico: int) -> tables.Ranked:
    """An amount in few digits, with all of them for who points at it."""
    return tables.Ranked(made.signed(pico), made.signed(pico, all_digits=True), pico)


def _address(step: str) -> str | None:
    """The page with what is behind a step; None for who may not open it."""
    page, words = EVIDENCE[step]
    if not current_user.reader().may_open(page):
        return None
    return navigation.page_address(page, {**url.filters(), **words})


def _parts(now: Chosen, drawn: _Drawn, step: url_values.Parameter[str]) -> None:
    """Of whom a step is: the same steps of each team, person or model, if the reader asks."""
    names = runner.without_people(PARTS)
    labels = {one.name: one.label for one in drawn.bridge.steps}
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"head-{KEY}"):
        by = st.selectbox(
            "Split by",
            names,
            index=None,
            placeholder="Choose whose steps to see",
            format_func=lambda name: DIMENSIONS[name].label,
            width=230,
            **_BY.widget_arguments(),
        )
        if by is None:
            return
        chosen = st.selectbox(
            "Step",
            list(labels),
            format_func=labels.__getitem__,
            width=230,
            **step.widget_arguments(),
        )
    with notices.tile("this table"):
        every = _split(now, by)
        st.caption(formats.unmarked(drawn.parts_note))
        shown = every[: tables.MOST]
        tables.show(
            [_part(part, chosen) for part in shown],
            (
                breakdown.name_column(by, [part.name for part in shown], breakdown.NAME),
                tables.Column(labels[chosen], "change", drawn.meanings[chosen]),
                tables.Column("Whole change", "change"),
                tables.Column("Before", "money"),
                tables.Column("Now", "money"),
            ),
            key=f"parts-{KEY}",
            label=f"{labels[chosen]} by {DIMENSIONS[by].label.lower()}",
            totals=[("All", "", _amount(drawn.bridge, drawn.bridge.change), "", "")],
            search=f"Search {pages.nouns(by)[1]}",
            count=len(every),
        )
        downloads.menu(_sheet(every, by, drawn), now, key=f"{KEY}-parts")


def _part(part: "Part", step: str) -> tuple[object, ...]:
    made = part.bridge
    amount = next((one.amount for one in made.steps if one.name == step), None)
    ends = [tables.Inexact.of(end.value, end.accuracy) for end in (made.before, made.now)]
    change = None if amount is None else _amount(made, amount)
    return part.name, change, _amount(made, part.change), *ends


def _sheet(every: "Sequence[Part]", by: str, drawn: _Drawn) -> Sheet:
    """All steps of all parts."""
    steps: Sequence[Step] = drawn.bridge.steps
    columns = (
        Column(by, DIMENSIONS[by].label, "text"),
        *(Column(one.name, one.label, "money") for one in steps),
        Column("change", "Whole change", "money"),
    )
    rows = []
    for part in every:
        amounts = {one.name: one.amount for one in part.bridge.steps}
        own = [amounts.get(one.name) for one in steps]
        rows.append((part.name, *own, part.change))
    name = f"Why spend changed by {DIMENSIONS[by].label.lower()}"
    return Sheet(name, columns, tuple(rows))
