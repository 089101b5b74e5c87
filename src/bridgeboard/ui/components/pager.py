"""Ways to the other pages of a list: a page begins at a cursor, which the address names."""

from typing import Any, Final, Literal

import streamlit as st

from bridgeboard.ui import url

AFTER: Final = "after"
"""The parameter with the cursor that a page begins after."""
BEFORE: Final = "before"
"""Likewise the one that a page ends before."""
Way = Literal["newest", "newer", "older", "before", "after"]
_ICONS: Final = {
    "newest": ":material/first_page:",
    "newer": ":material/chevron_left:",
    "before": ":material/chevron_left:",
    "older": ":material/chevron_right:",
    "after": ":material/chevron_right:",
}
_PARAMETERS: Final = {"newer": BEFORE, "before": BEFORE, "older": AFTER, "after": AFTER}


def turn(label: str, way: Way, cursor: str | None, **look: Any) -> None:
    """A button to another page; it is disabled where there is no ``cursor``.

    The newest page begins at none: any text will do. ``look`` are arguments of the button.
    """
    st.button(
        label,
        key=f"turn-{way}",
        icon=_ICONS[way],
        disabled=cursor is None,
        on_click=_turn,
        args=(_PARAMETERS.get(way), cursor),
        **look,
    )


def _turn(parameter: str | None, cursor: str) -> None:
    url.put({AFTER: (), BEFORE: (), **({parameter: [cursor]} if parameter else {})})
