"""Cards with headline numbers: short, with the exact number and its meaning on hover."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import headlines
from bridgeboard.analysis.headlines import Headline
from bridgeboard.model import accuracy
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.metrics import METRICS
from bridgeboard.ui import runner
from bridgeboard.ui.components import notices
from bridgeboard.ui.components.filters import Chosen

NARROWEST: Final = 150
_ARROWS: Final = {1: "↑", -1: "↓", 0: "="}
_TONES: Final = {1: "good", -1: "bad", 0: "even"}


@dataclass(frozen=True)
class Card:
    """One headline number; ``meaning`` is its definition in one sentence.

    ``change`` tells how it moved, ``arrow`` which way, and ``tone``, a class of the style sheet,
    whether that is good.
    ``line`` is the picture of its values over time, as HTML.
    """

    label: str
    value: str
    meaning: str
    change: str | None = None
    tone: str = "even"
    line: str = ""
    arrow: str = ""


def of_metric(name: str, row: Mapping[str, Any], meaning: str = "") -> Card:
    """A metric in a row of an answer that has its limits, too; by itself it says what it is."""
    one, how = METRICS[name], accuracy.accuracy(name, row)
    return of_number(one.label, row[name], one.format, meaning or one.definition, how)


def of_number(
    label: str, value: float | None, kind: str, meaning: str, how: Accuracy = EXACT
) -> Card:
    """A number: short on the card, exact and with how it stands in its meaning."""
    return Card(
        label,
        formats.number(value, kind, how.standing),
        f"{_exactly(value, kind, how)} {meaning}",
    )


def row(cards: Sequence[Card], narrowest: int = 128) -> None:
    """Cards of equal height, as many beside each other as fit, none narrower than so many pixels.

    They are one piece of HTML: as elements of Streamlit's they took a tenth of the browser's time
    of a page. Whoever points at a card, or reaches it by keys, reads what its number means.
    """
    items = "".join(map(_html, cards))
    st.html(f'<dl class="cards" style="--narrowest: {narrowest}px">{items}</dl>')


def headline(names: tuple[str, ...], now: Chosen) -> None:
    """A page's numbers: each with its change since the period before, and its course."""
    with notices.tile("the headline"):
        row(cards(names, now), NARROWEST)


def basis(now: Chosen) -> None:
    """What the money of a page is worked out from, as far as the server tells usage."""
    with notices.tile("what these numbers are made of"):
        totals = runner.current().totals(("summed_rows", "exact_rate"), now.scope)
        st.caption(_basis(totals["summed_rows"], totals["exact_rate"]))


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


def cards(names: tuple[str, ...], now: Chosen) -> list[Card]:
    """The cards of some metrics."""
    questions = runner.current()
    course = questions.series(names, _coarse(now), now.scope)
    numbers = headlines.headlines(questions, names, now.scope, now.before)
    return [_card(numbers.of(name), course.column(name), now) for name in names]


def _exactly(value: float | None, kind: str, how: Accuracy) -> str:
    """The number with all its digits, and how it stands."""
    if value is None and not how.reasons:
        return "Not known."
    return how.sentence(formats.exact_number(value, kind))


def _card(one: Headline, course: Sequence[Any], now: Chosen) -> Card:
    metric, number = one.metric, one.now
    meaning = f"{metric.definition} {_compared(one, now)}".strip()
    return replace(
        of_number(metric.label, number.value, metric.format, meaning, number.accuracy),
        change=one.change,
        tone=_TONES[one.goodness],
        line=charts.spark(_floats(course), running=now.running),
        arrow=_ARROWS[one.direction],
    )


def _floats(values: Sequence[Any]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def _compared(one: Headline, now: Chosen) -> str:
    if now.before is None:
        return ""
    days = f"{formats.day(now.before.first_day)} to {formats.day(now.before.last_day)}"
    if one.before is None:
        return f"Nothing was recorded in all of the period before ({days}), so nothing is compared."
    digits = formats.exact_number(one.before.value, one.metric.format)
    was = one.before.accuracy.in_words(digits)
    until = ", up to the same moment" if now.running else ""
    why_not = f" Here {one.why_no_change}" if one.why_no_change else ""
    return f"Before ({days}{until}): {was}.{why_not}"


def _coarse(now: Chosen) -> str:
    return "day" if now.grain == "hour" and now.scope.first_day != now.scope.last_day else now.grain


def _html(card: Card) -> str:
    parts = [f"<dt>{_plain(card.label)}</dt>", f'<dd class="value">{_plain(card.value)}</dd>']
    if card.change:
        moved = f"{card.arrow} {card.change.replace('+', '').replace('-', '')}"
        parts.append(f'<dd class="change {card.tone}"><span>{_plain(moved)}</span></dd>')
    if card.line:
        parts.append(f"<dd>{card.line}</dd>")
    parts.append(f'<dd class="meaning">{_plain(card.meaning)}</dd>')
    return f'<div class="card" tabindex="0">{"".join(parts)}</div>'


def _plain(text: str) -> str:
    return escape(formats.visible(text))
