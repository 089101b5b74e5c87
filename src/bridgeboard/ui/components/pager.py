"""What leads to the other pages of a list: buttons, a box of its rows, or numbers of its pages."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import streamlit as st

from bridgeboard.ui import url
from bridgeboard.ui.url_parameters import PLACES

_ICONS: Final = {
    "First": ":material/first_page:",
    "Newest": ":material/first_page:",
    "Previous": ":material/chevron_left:",
    "Older": ":material/chevron_right:",
    "Next": ":material/chevron_right:",
}
_WIDE: Final = 480
"""Of the numbers of pages, in pixels: as wide as what they hold, they would show a single one."""


def turn(label: str, place: Mapping[str, str] | None, **look: Any) -> None:
    """A button to another page; disabled where there is none. ``look`` is for the button.

    For lists whose pages begin after, or end before, a place in them. ``place`` is one of
    ``PLACES`` with its cursor, and nothing for the first page.
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


def box(label: str, count: int, step: int, **look: Any) -> int:
    """A box to choose among the pages of a list with an end; the place of the page's first row."""
    if count <= step:
        return 0
    first = st.selectbox(
        label,
        range(0, count, step),
        format_func=lambda first: f"{first + 1:,}-{min(first + step, count):,}",
        **look,
    )
    return int(first or 0)


def numbers(pages: int, page: int, key: str, turn: Callable[[int], None]) -> None:
    """The numbers of the pages of a list with an end; ``turn`` gets the one that is chosen."""
    if pages > 1:
        key = f"{key}-{page}"  # the control follows the address
        st.pagination(
            pages,
            default=page,
            key=key,
            on_change=lambda: turn(st.session_state[key]),
            width=_WIDE,
        )
