"""Links and moves to other pages, or to the same page with one value as a filter."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote_plus, urlencode
from uuid import UUID

import streamlit as st

from bridgeboard.model.pages import FILTERS
from bridgeboard.ui import url, url_parameters
from bridgeboard.ui.components import filters
from bridgeboard.ui.components.tables import Links

PERSON: Final = "pages/person.py"
SESSION: Final = "pages/session.py"
WHO: Final = "who"
"""The parameter by which a person's page knows whose it is."""
TOOL: Final = "tool"
"""The parameter that names the tool to look into."""

_GOING: Final = "going"
_MOVED: Final = "moved"


def session(id_: str, initiator_id: UUID | str) -> dict[str, str]:
    """The query parameters that name one session of one initiator."""
    return {"id": id_, "person": str(initiator_id)}


def leads(by: str) -> bool:
    """Whether a value of a dimension leads anywhere."""
    return by in FILTERS or by == "tool"


def meaning(by: str) -> str:
    """What a click on a value does."""
    if by == "initiator":
        return "Opens the person's page."
    return "Shows this tool alone." if by == "tool" else "Keeps only this."


def links(by: str, values: Iterable[str]) -> Links | None:
    """Where some values of a dimension lead; None where they lead nowhere."""
    parameter = WHO if by == "initiator" else TOOL if by == "tool" else FILTERS.get(by)
    if parameter is None:
        return None
    others = {parameter: (), filters.NOT + parameter: ()}
    page = "person" if by == "initiator" else ""
    query = url.filters() if page else url_parameters.changed(url.current(), others)
    start = f"{page}?{urlencode({**query, parameter: ''}, doseq=True)}"
    return Links(start, [quote_plus(value) for value in values])


def to(by: str, value: str) -> None:
    """Go to a value of a dimension; for callbacks."""
    if by == "initiator":
        st.session_state[_GOING] = (PERSON, {WHO: value})
    elif by == "tool":
        url.put({TOOL: [value]})
    else:
        filters.narrow(by, value)
    st.session_state[_MOVED] = True


def go() -> None:
    """Leave for the page that a click asked for; the shell does so before it draws one."""
    st.session_state.pop(_MOVED, None)
    going: tuple[str, dict[str, Any]] | None = st.session_state.pop(_GOING, None)
    if going:
        page, parameters = going
        st.switch_page(page, query_params={**url.filters(), **parameters})


def is_due() -> bool:
    """Whether a click inside a part of the page concerns all of it."""
    return bool(st.session_state.get(_MOVED))
