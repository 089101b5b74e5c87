"""Cards with headline numbers: short, with the exact number and its meaning on hover.

They are one element of the page (``static/cards.js``): as elements of Streamlit's they took a tenth
of the browser's time of a page. Those of a page with a chart over time are its switch: a click on
one makes the chart show its number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis import headlines
from bridgeboard.analysis.headlines import Headline
from bridgeboard.model import accuracy, periods
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import PageContents
from bridgeboard.ui import runner, url, url_values
from bridgeboard.ui.components import notices
from bridgeboard.ui.components.elements import element
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.url_values import Parameter

NARROWEST: Final = 150
_ARROWS: Final = {1: "↑", -1: "↓", 0: ""}
_TONES: Final = {1: "good", -1: "bad", 0: "even"}

_cards = element("cards", '<div class="card-box">\n</div>', "cards.js")


@dataclass(frozen=True)
class Card:
    """One headline number; ``meaning`` is its definition in one sentence.

    ``change`` tells how it moved, ``arrow`` which way, and ``tone``, a class of the style sheet,
    whether that is good. ``spark`` is the picture of its values over time. ``name`` is that of its
    metric; a metric that the chart only can show has no ``value``.
    """

    label: str
    value: str
    meaning: str
    change: str | None = None
    tone: str = "even"
    spark: Sequence[charts.Area] = ()
    arrow: str = ""
    name: str = ""


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


def row(cards: Sequence[Card], narrowest: int = 128, *, key: str = "cards") -> None:
    """Cards of equal height, as many beside each other as fit, none narrower than so many pixels.

    Whoever points at a card, or reaches it by keys, reads what its number means.
    """
    _cards(key=key, data=_data(cards, narrowest))


def measure(contents: PageContents, key: str) -> Parameter[str]:
    """Which number the chart of a page shows; ``key`` is the chart's."""
    return url_values.one_of(f"{key}-show", contents.charted, contents.measures[0])


def charted(contents: PageContents, key: str) -> str:
    """The number that the chart of a page shows."""
    return measure(contents, key).value() or contents.measures[0]


def headline(contents: PageContents, now: Chosen, key: str) -> None:
    """A page's numbers: each with its change since the period before, and its course.

    They choose what the chart with this key shows; after them stand the other numbers that it can.
    """
    chosen = measure(contents, key)

    def choose() -> None:
        # A press may reach the server when a link has led to a page without these cards already.
        name = st.session_state.get(widget, {}).get("chosen")
        if name in contents.charted:
            url.put({chosen.name: chosen.words(name)})

    widget = f"cards-{key}"
    with notices.tile("the headline"):
        others = [name for name in contents.charted if name not in contents.headline]
        shown = [*cards(contents.headline, now), *map(_brief, others)]
        data = _data(shown, NARROWEST) | {"chosen": chosen.value(), "label": "Number of the chart"}
        _cards(key=widget, data=data, on_chosen_change=choose)


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
        spark=charts.spark(_floats(course), running=now.running),
        arrow=_ARROWS[one.direction],
        name=metric.name,
    )


def _floats(values: Sequence[Any]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def _compared(one: Headline, now: Chosen) -> str:
    if now.before is None:
        return ""
    days = periods.span(now.before)
    if one.before is None:
        of_what = f"{now.compared_with} ({days})"
        return f"There are no records from the start of the {of_what} to compare with."
    digits = formats.exact_number(one.before.value, one.metric.format)
    was = one.before.accuracy.in_words(digits)
    until = ", up to the same moment" if now.running else ""
    why_not = f" Here {one.why_no_change}" if one.why_no_change else ""
    return f"Before ({days}{until}): {was}.{why_not}"


def _coarse(now: Chosen) -> str:
    return "day" if now.grain == "hour" and now.scope.first_day != now.scope.last_day else now.grain


def _brief(name: str) -> Card:
    """A metric without its number."""
    return Card(METRICS[name].label, "", METRICS[name].definition, name=name)


def _data(cards: Sequence[Card], narrowest: int) -> dict[str, Any]:
    return {"chosen": None, "narrowest": narrowest, "cards": list(map(_card_data, cards))}


def _card_data(card: Card) -> dict[str, Any]:
    """A card for the browser, which knows the direction of a change by its arrow."""
    change = formats.unsigned(card.change or "")
    texts = {"label": card.label, "value": card.value, "meaning": card.meaning, "change": change}
    looks = {"arrow": card.arrow, "tone": card.tone, "spark": card.spark, "name": card.name}
    return {name: formats.visible(text) for name, text in texts.items()} | looks
