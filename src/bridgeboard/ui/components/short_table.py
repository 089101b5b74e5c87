"""Short tables as HTML, with real buttons.

Streamlit's own table is drawn on a canvas by a grid that is made for thousands of rows. Five of
them on a page took more of the browser's time than all the rest of it, and a screen reader, a
printer or a search in the page finds nothing on a canvas. All text is set as text, never as HTML.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.server.app_folder import home

_list = st.components.v2.component(
    "bridgeboard_list",
    html='<div class="list">\n</div>',
    js=(home() / "static" / "list.js").read_text("utf-8"),
    isolate_styles=False,
)


@dataclass(frozen=True)
class Row:
    """One line: a name, its whole text for who points at it, the other cells, and a share."""

    name: str
    full: str
    cells: tuple[str, ...]
    share: tuple[float, str] | None = None
    """What part of the longest bar, and the share in words."""


@dataclass(frozen=True)
class List:
    """A heading, a table and a line below it.

    ``head`` are the columns' labels and meanings, that of the bars included; none is drawn where it
    is empty. ``leads`` says what
    a press on a name does, and is empty when it does nothing.
    """

    title: str
    head: Sequence[tuple[str, str]]
    rows: Sequence[Row]
    note: str
    leads: str = ""
    level: str = field(default="h3")


PROSE: Final = "prose"
"""Begins the key of what holds tables of words: their lines may break (``style.css``)."""


def of_facts(lines: Iterable[tuple[str, str]], title: str = "", most: int | None = None) -> List:
    """Names and what each is, cut to ``most`` characters; of two columns that need no heads."""
    rows = []
    for name, value in lines:
        whole = formats.visible(value)
        short = whole if most is None else formats.middle(value, most)
        rows.append(Row(name, f"{name}: {whole}", (short,)))
    return List(title, (), rows, "")


def facts(lines: Mapping[str, str], key: str) -> None:
    """Draw what is so, a line for each, which may break."""
    with st.container(key=f"{PROSE}-{key}"):
        show(of_facts(lines.items()), f"list-{key}")


def show(table: List, key: str, press: Callable[[int], None] | None = None) -> None:
    """Draw a list; ``press`` is called with the place of the row whose name was pressed."""

    def pressed() -> None:
        place = st.session_state[key]["pressed"]
        if press and isinstance(place, int) and 0 <= place < len(table.rows):
            press(place)

    _list(key=key, data=_as_data(table), on_pressed_change=pressed)


def _as_data(table: List) -> dict[str, Any]:
    return {
        "title": table.title,
        "level": table.level,
        "note": table.note,
        "leads": table.leads,
        "head": [{"label": label, "meaning": meaning} for label, meaning in table.head],
        "shares": any(row.share for row in table.rows),
        "rows": [
            {
                "name": row.name,
                "full": row.full,
                "cells": list(row.cells),
                "share": row.share and {"of": row.share[0], "text": row.share[1]},
            }
            for row in table.rows
        ],
    }
