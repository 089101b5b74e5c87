"""Buttons to the other pages of a list; a page begins after, or ends before, a place in it."""

from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from bridgeboard.ui import url
from bridgeboard.ui.url_parameters import PLACES

_ICONS: Final = {
    "Newest": ":material/first_page:",
    "Newer": ":material/chevron_left:",
    "Previous": ":material/chevron_left:",
    "Older": ":material/chevron_right:",
    "Next": ":material/chevron_right:",
}


def turn(label: str, place: Mapping[str, str] | None, **look: Any) -> None:
    """A button to another page; disabled where there is none. ``look`` is for the button.

    ``place`` is one of ``PLACES`` with its cursor, and nothing for the first page.
    """
    words = {name: [place[name]] if place and name in place else () for name in PLACES}
    st.button(
        label,
        key=f"turn-{label.lower()}",
        icon=_ICONS[label],
        disabled=place is None,
        on_click=url.put,
        args=(words,),
        **look,
    )
