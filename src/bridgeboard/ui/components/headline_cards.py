"""Headline numbers: short on the card, exact on hover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.model import accuracy, pages, periods
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.metric import Metric
from bridgeboard.model.metrics import METRICS
from bridgeboard.ui import runner
from bridgeboard.ui.components import notices
from bridgeboard.ui.components.filters import Chosen

NARROWEST: Final = 150
_ARROWS: Final = {1: "↑", -1: "↓", 0: "="}


@dataclass(frozen=True)
class Card:
    """One headline number; ``meaning`` is its definition in one sentence.

    ``change`` tells how it moved and ``tone`` whether that is good: a class of the style sheet.
    ``line`` is the picture of its values over time, as HTML.
    """

    label: str
    value: str
    meaning: str
    change: str | None = None
    tone: str = "even"
    line: str = ""


def row(cards: Sequence[Card], narrowest: int = 128) -> None:
    """Cards of equal height, as many beside each other as fit, none narrower than so many pixels.

    They are one piece of HTML: as elements of Streamlit's they took a tenth of the browser's time
    of a page. Whoever points at a card, or reaches it by keys, reads what its number means.
    """
    told = "".join(map(_html, cards))
    st.html(f'<dl class="cards" style="--narrowest: {narrowest}px">{told}</dl>')


def headline(names: tuple[str, ...], now: Chosen) -> None:
    """A page's numbers: each with its change since the period before, and its course."""
    with notices.tile("the headline"):
        row(board(names, now), NARROWEST)


def basis(now: Chosen) -> None:
    """What the money of a page is worked out from, as far as the server tells usage."""
    with notices.tile("what these numbers are made of"):
        told = runner.current().totals(("summed_rows", "exact_rate"), now.scope)
        st.caption(_basis(told["summed_rows"], told["exact_rate"]))


def _basis(sums: int, exact_share: float | None) -> str:
    if not sums:
        return "Estimated at list prices, from the tokens of every single response."
    if not exact_share:
        return (
            "Estimated at list prices, from sums of several responses: this server tells no single "
            "ones."
        )
    return (
        f"Estimated at list prices: {formats.rate(exact_share)} of the tokens from single "
        "responses, the rest from sums of several."
    )


def board(names: tuple[str, ...], now: Chosen) -> list[Card]:
    """The cards of some metrics."""
    asked = (*names, *accuracy.limits(names))
    told = runner.current().totals(asked, now.scope)
    before = runner.current().totals(asked, now.before) if now.before and _covered(now) else None
    course = runner.current().series(names, _coarse(now), now.scope)
    return [_card(METRICS[name], told, before, course.column(name), now) for name in names]


def exact_words(one: Metric, value: float | None, how: Accuracy = EXACT) -> str:
    """The number with all its digits, how it stands, and what it means."""
    if value is None and not how.reasons:
        return f"Not known for this selection. {one.definition}"
    return f"{how.sentence(formats.exact_number(value, one.format))} {one.definition}"


def _card(
    one: Metric,
    told: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    course: Sequence[Any],
    now: Chosen,
) -> Card:
    value = told[one.name]
    how = accuracy.accuracy(one.name, told)
    is_comparable = before is not None and accuracy.is_comparable(one.name, told, before)
    moved = (
        formats.change(value, before[one.name], one.format) if before and is_comparable else None
    )
    meaning = exact_words(one, value, how)
    return Card(
        one.label,
        formats.number(value, one.format, at_least=how.is_bound),
        f"{meaning} {_compared(one, told, before, now)}".strip(),
        moved,
        _tone(one.name, moved),
        charts.spark(_floats(course), running=now.running),
    )


def _floats(values: Sequence[Any]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def _compared(
    one: Metric, told: Mapping[str, Any], before: Mapping[str, Any] | None, now: Chosen
) -> str:
    if now.before is None:
        return ""
    days = f"{formats.day(now.before.first_day)} to {formats.day(now.before.last_day)}"
    if before is None:
        return f"Nothing was recorded in all of the period before ({days}), so nothing is compared."
    how = accuracy.accuracy(one.name, before)
    was = formats.exact_number(before[one.name], one.format)
    was = was if how.standing == "exact" else how.phrase(was)
    until = ", up to the same moment" if now.running else ""
    is_comparable = accuracy.is_comparable(one.name, told, before)
    why_not = "" if is_comparable else f" Here {accuracy.NOT_COMPARABLE}"
    return f"Before ({days}{until}): {was}.{why_not}"


def _covered(now: Chosen) -> bool:
    before = now.before
    return before is not None and periods.is_covered(before, runner.current().coverage().first_at)


def _coarse(now: Chosen) -> str:
    return "day" if now.grain == "hour" and now.scope.first_day != now.scope.last_day else now.grain


def _tone(name: str, moved: str | None) -> str:
    way = _way(moved or "")
    return {0: "even", 1: "good", -1: "bad"}[pages.good(name) * way]


def _way(moved: str) -> int:
    """1 for more, -1 for less, 0 for the same."""
    if not any(digit in moved for digit in "123456789"):
        return 0
    return -1 if moved.startswith("-") else 1


def _html(card: Card) -> str:
    parts = [f"<dt>{_plain(card.label)}</dt>", f'<dd class="value">{_plain(card.value)}</dd>']
    if card.change:
        moved = f"{_ARROWS[_way(card.change)]} {card.change.lstrip('+-')}"
        parts.append(f'<dd class="change {card.tone}"><span>{_plain(moved)}</span></dd>')
    if card.line:
        parts.append(f"<dd>{card.line}</dd>")
    parts.append(f'<dd class="meaning">{_plain(card.meaning)}</dd>')
    return f'<div class="card" tabindex="0">{"".join(parts)}</div>'


def _plain(text: str) -> str:
    return escape(formats.visible(text))
