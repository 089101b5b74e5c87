"""The headline numbers of a page, read from the HTML that a browser is given."""

from collections.abc import Iterable
from dataclasses import dataclass
from html.parser import HTMLParser

from streamlit.testing.v1 import AppTest


@dataclass
class Card:
    """One of them; ``delta`` is how it moved, empty where nothing is compared."""

    label: str = ""
    value: str = ""
    delta: str = ""
    help: str = ""


_PARTS = {"value": "value", "change": "delta", "meaning": "help"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cards: list[Card] = []
        self._part = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kinds = (dict(attrs).get("class") or "").split()
        if tag == "div" and "card" in kinds:
            self.cards.append(Card())
        if tag in {"dt", "dd"}:
            known = [_PARTS[kind] for kind in kinds if kind in _PARTS]
            self._part = "label" if tag == "dt" else next(iter(known), "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"dt", "dd"}:
            self._part = ""

    def handle_data(self, data: str) -> None:
        if self._part and self.cards:
            setattr(self.cards[-1], self._part, getattr(self.cards[-1], self._part) + data)


def read(pieces: Iterable[str]) -> list[Card]:
    """The cards in pieces of HTML, in their order."""
    reader = _Reader()
    for piece in pieces:
        if '<dl class="cards"' in piece:
            reader.feed(piece)
    return reader.cards


def headline(test: AppTest) -> list[Card]:
    """The cards of a page."""
    return read(element.proto.body for element in test.get("html"))
