"""Short lists of the largest values of a dimension, each with its share and its change."""

from collections.abc import Sequence
from typing import Final

import streamlit as st

from bridgeboard.analysis import rankings
from bridgeboard.model import accuracy, pages
from bridgeboard.model.dimensions import DIMENSIONS, UNASSIGNED
from bridgeboard.model.metrics import METRICS
from bridgeboard.ui import runner
from bridgeboard.ui.components import breakdown, breakdown_columns, notices, tables
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Column, Order

FEW: Final = 6
SHORT: Final = 24


def show(tops: Sequence[tuple[str, str]], charted: str, now: Chosen) -> None:
    """Short lists beside each other, of pairs of a dimension and what it is ranked by.

    They are ranked by what the chart of the page shows instead, wherever parts of that add up. A
    dimension with a filter by one value has no list.
    """
    filtered = {by for by, values in now.scope.include if len(values) == 1}
    with st.grid(min_column_width=breakdown.NARROWEST, gap="medium", key="tops"):
        for by, usual in [one for one in tops if runner.without_people(one[:1])]:
            if by in filtered:
                continue
            adds_up = METRICS[charted].adds_up(DIMENSIONS[by])
            measure = charted if adds_up and breakdown_columns.can_split(charted, by) else usual
            if by != "team" or _has_teams(measure, now):
                with st.container(key=f"box-top-{by}"):
                    compact(by, measure, now, f"top-{by}", compares=True)


def _has_teams(measure: str, now: Chosen) -> bool:
    """Whether anybody is in a team."""
    with notices.tile("the top teams"):
        answer = runner.current().measured((measure,), "team", now.scope, f"-{measure}")
        return any(team != UNASSIGNED for team in answer.column("team"))
    return False


def compact(
    by: str, measure: str, now: Chosen, key: str, most: int = FEW, *, compares: bool = False
) -> None:
    """The largest few values of a dimension by one number, with bars, and how many there are.

    Each may have its change since the period that this one is compared with.
    """
    many = pages.nouns(by)[1]
    with notices.tile(f"the top {many}"):
        answer = runner.current().measured((measure,), by, now.scope, f"-{measure}")
        metric = METRICS[measure]
        records = list(answer.records())[:most]
        names = [str(each[by]) for each in records]
        numbers = [
            tables.number(each[measure], metric.format, accuracy.accuracy(measure, each))
            for each in records
        ]
        changes = []
        if compares and breakdown_columns.compares(now):
            moved = breakdown_columns.moves(measure, by, now)
            cells = [breakdown_columns.relative(moved.get(each), measure) for each in names]
            changes = [(breakdown_columns.change_column(measure, now, "Change"), cells)]
        tables.show(
            list(zip(names, numbers, *(cells for _, cells in changes), strict=True)),
            [
                breakdown.name_column(by, names, SHORT),
                Column(
                    metric.label,
                    "words",
                    metric.definition,
                    shares=breakdown.shares_of(by, measure, answer, 0, most),
                    share_standing=rankings.share_standing(measure, answer.records()),
                ),
                *(column for column, _ in changes),
            ],
            key=key,
            label=f"Top {many}",
            title=f"Top {many}",
            note=_few(len(records), len(answer), measure),
            order=Order(1, upwards=False),
            is_part=True,
            is_sortable=False,
        )


def _few(shown: int, count: int, measure: str) -> str:
    if not count:
        return runner.NO_REQUEST if runner.is_unknown(measure) else "None in this period."
    words = f"{shown} of {count:,}" if count > shown else f"All {shown}"
    return f"{words}, by {METRICS[measure].label.lower()}"
