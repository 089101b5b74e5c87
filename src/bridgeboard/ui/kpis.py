"""Headline numbers: short on the card, exact on hover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from bridgeboard import boards, charts, formats, periods
from bridgeboard.metrics import METRICS, Metric
from bridgeboard.ui import notices, numbers
from bridgeboard.ui.scopes import Chosen

NARROWEST: Final = 150


@dataclass(frozen=True)
class Card:
    """One headline number; ``meaning`` is its definition in one sentence.

    ``change`` tells how it moved and ``tone`` whether that is good; ``line`` are its values over
    time.
    """

    label: str
    value: str
    meaning: str
    change: str | None = None
    tone: str = "off"
    line: tuple[float | None, ...] = ()


def row(cards: Sequence[Card], key: str = "cards", narrowest: int = 128) -> None:
    """Cards of equal height, as many beside each other as fit."""
    with st.grid(min_column_width=narrowest, gap="small", key=key):
        for card in cards:
            st.metric(card.label, card.value, help=card.meaning, border=True, height="stretch")


def headline(names: tuple[str, ...], now: Chosen) -> None:
    """A page's numbers: each with its change since the period before, and its course."""
    with notices.tile("the headline"):
        cards = board(names, now)
        with st.grid(min_column_width=NARROWEST, gap="small", key="kpis"):
            for card in cards:
                with st.container(border=True, height="stretch", gap="small"):
                    st.metric(
                        card.label,
                        card.value,
                        card.change,
                        delta_color=card.tone,  # type: ignore[arg-type]  # a word of Streamlit's
                        help=card.meaning,
                    )
                    st.html(charts.spark(card.line, charts.ACCENT, running=now.running))


def board(names: tuple[str, ...], now: Chosen) -> list[Card]:
    """The cards of some metrics."""
    asked = (*names, *(name for name in (boards.GAP,) if name not in names))
    told = numbers.totals(asked, now.scope)
    before = numbers.totals(asked, now.before) if now.before and _covered(now) else None
    course = numbers.series(names, _coarse(now), now.scope)
    return [_card(METRICS[name], told, before, course.column(name), now) for name in names]


def exact_words(one: Metric, value: float | None) -> str:
    """The number with all its digits, and what it means."""
    if value is None:
        return f"Not known for this selection. {one.definition}"
    return f"Exactly {formats.exact_number(value, one.format)}. {one.definition}"


def _card(
    one: Metric,
    told: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    course: Sequence[Any],
    now: Chosen,
) -> Card:
    value = told[one.name]
    gapped = one.name in boards.GAPPED and bool(told[boards.GAP])
    moved = formats.change(value, before[one.name], one.format) if before else None
    meaning = exact_words(one, value)
    if gapped:
        share = formats.exact(told[boards.GAP])
        meaning += f" A lower bound: the price of {share} tokens is unknown."
    return Card(
        one.label,
        formats.number(value, one.format, at_least=gapped),
        formats.unmarked(f"{meaning} {_compared(one, before, now)}".strip()),
        moved,
        _tone(one.name),
        tuple(None if each is None else float(each) for each in course),
    )


def _compared(one: Metric, before: Mapping[str, Any] | None, now: Chosen) -> str:
    if now.before is None:
        return ""
    days = f"{formats.day(now.before.first_day)} to {formats.day(now.before.last_day)}"
    if before is None:
        return f"Nothing was recorded in all of the period before ({days}), so nothing is compared."
    was = formats.exact_number(before[one.name], one.format)
    until = ", up to the same moment" if now.running else ""
    return f"Before ({days}{until}): {was}."


def _covered(now: Chosen) -> bool:
    before = now.before
    return before is not None and periods.is_covered(before, numbers.coverage().first_at)


def _coarse(now: Chosen) -> str:
    return "day" if now.grain == "hour" and now.scope.first_day != now.scope.last_day else now.grain


def _tone(name: str) -> str:
    return {0: "off", 1: "normal", -1: "inverse"}[boards.good(name)]
