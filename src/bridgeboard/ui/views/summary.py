"""The sentence under the cards, whose names are links (``static/summary.js``)."""

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis.summary import Piece, summary
from bridgeboard.model.pages import PageContents
from bridgeboard.ui import navigation, runner
from bridgeboard.ui.components import notices, trend
from bridgeboard.ui.components.elements import element
from bridgeboard.ui.components.filters import Chosen

_sentence = element("summary", '<p class="summary"></p>', "follow.js", "summary.js")


def show(contents: PageContents, now: Chosen) -> None:
    """How the page's number changed since the previous period, and what changed most."""
    with st.container(key="summary-box"):  # it has a line's height before the sentence is there
        trend.apart(_show, contents, now)


def _show(contents: PageContents, now: Chosen) -> None:
    with notices.tile("what changed"):
        questions = runner.current()
        pieces = questions.cached(
            ("summary", contents, now.scope, now.before),
            lambda: summary(questions, contents, now.scope, now.before),
        )
        _sentence(key="summary", data={"pieces": list(map(drawn, pieces))})


def drawn(piece: Piece) -> list[str]:
    """What is shown, what shows to who points at it, and where it leads."""
    address = navigation.value_address(piece.by, piece.value) if piece.by else ""
    return [formats.visible(piece.text), formats.visible(piece.whole), address]
