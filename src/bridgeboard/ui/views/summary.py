"""The sentence under the cards, whose names are links (``static/summary.js``)."""

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis.summary import FINDING, Piece, summary
from bridgeboard.model.pages import PageContents
from bridgeboard.ui import navigation, runner
from bridgeboard.ui.components import chart_findings, notices, trend
from bridgeboard.ui.components.elements import element
from bridgeboard.ui.components.filters import Chosen

_sentence = element("summary", '<p class="summary"></p>', "follow.js", "summary.js")


def show(contents: PageContents, now: Chosen) -> None:
    """How the page's number changed, what changed most, and findings that are known by now."""
    with st.container(key="summary-box"):  # it has a line's height before the sentence is there
        trend.apart(_show, contents, now)


def _show(contents: PageContents, now: Chosen) -> None:
    with notices.tile("what changed"):
        questions, findings = runner.current(), chart_findings.known(now.scope) or ()
        pieces = questions.cached(
            ("summary", contents, now.scope, now.before, tuple(one.key for one in findings)),
            lambda: summary(questions, contents, now.scope, now.before, findings),
        )
        _sentence(key="summary", data={"pieces": list(map(drawn, pieces))})


def drawn(piece: Piece) -> list[str]:
    """What is shown, what shows to who points at it, and where it leads."""
    address = ""
    if piece.by == FINDING:
        address = chart_findings.address([piece.value])
    elif piece.by:
        address = navigation.value_address(piece.by, piece.value)
    return [formats.visible(piece.text), formats.visible(piece.whole), address]
