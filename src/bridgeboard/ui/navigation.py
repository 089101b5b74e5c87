"""Links to other pages, or to the same page with one value as a filter."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote_plus, urlencode
from uuid import UUID

import streamlit as st

from bridgeboard.model.pages import FILTERS
from bridgeboard.ui import current_user, url, url_parameters
from bridgeboard.ui.components.tables import Links
from bridgeboard.ui.filter_words import written

PERSON: Final = "pages/person.py"
SESSION: Final = "pages/session.py"
WHO: Final = "who"
"""The parameter by which a person's page knows whose it is."""
TOOL: Final = "tool"
"""The parameter that names the tool to look into."""


def session(id_: str, initiator_id: UUID | str) -> dict[str, str]:
    """The query parameters that name one session of one initiator."""
    return {"id": id_, "initiator": str(initiator_id)}


def link_to_person(person: str) -> None:
    """A link to the page of a person, with the filters of this one."""
    st.page_link(
        PERSON,
        label="Page of this person",
        icon=":material/person:",
        query_params={**url.filters(), WHO: [person]},
    )


def page_address(page: str, words: Mapping[str, Sequence[str]]) -> str:
    """The address of a page with some parameters and those that all pages have."""
    return f"{page}?{urlencode({**words, **url.everywhere()}, doseq=True)}"


SERVER: Final = "server"
_REQUESTS: Final = "interceptions"


def leads(by: str) -> bool:
    """Whether a value of a dimension leads anywhere, for this reader."""
    if by == SERVER:
        return current_user.reader().may_open(_REQUESTS)
    return by in FILTERS or by == "tool"


def meaning(by: str) -> str:
    """What a click on a value does."""
    if by == "initiator":
        return "Opens the person's page."
    if by == SERVER:
        return "Opens its requests."
    return "Shows only this tool." if by == "tool" else "Filters the page by this."


def links(by: str, values: Iterable[str]) -> Links | None:
    """Where some values of a dimension lead; None where they lead nowhere."""
    if not leads(by):
        return None
    return Links(_start(by), [_end(by, value) for value in values])


def value_address(by: str, value: str) -> str:
    """Where a value of a dimension leads that leads somewhere."""
    return _start(by) + _end(by, value)


def _end(by: str, value: str) -> str:
    """What the address ends with that a value of a dimension leads to."""
    is_filter = by in FILTERS and by != "initiator"
    return quote_plus(written([value])[0] if is_filter else value)


def _start(by: str) -> str:
    """What the addresses begin with that values of a dimension lead to."""
    if by == "initiator":
        return f"person?{urlencode({**url.filters(), WHO: ''}, doseq=True)}"
    if by == SERVER:
        return f"{_REQUESTS}?{urlencode({**url.filters(), 'servers': ''}, doseq=True)}"
    parameter = TOOL if by == "tool" else FILTERS[by]
    words = url_parameters.changed(url.current(), {parameter: ()})
    return f"?{urlencode({**words, parameter: ''}, doseq=True)}"
