"""The raw data of a request from the deployment: token rows, user agent, metadata.

The store keeps none of it, so it is asked for when somebody looks, for this one request.
"""

import json
from dataclasses import astuple
from typing import Any, Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.model.deployment import DeploymentError, RecordedRequest
from bridgeboard.queries.request_list import Detail
from bridgeboard.ui import current_user, live_data
from bridgeboard.ui.components import notices, tables
from bridgeboard.ui.components.tables import Column

AGENT: Final = "request_user_agent"
SCROLL: Final = 420
LONG: Final = 1_500
"""Characters from which on metadata is scrolled."""
_COLUMNS: Final = (
    Column("Recorded", "moment"),
    Column("Response"),
    *(
        Column(name, "count", exact=True)
        for name in ("Input", "Output", "Cache reads", "Cache writes")
    ),
)


def show(detail: Detail, text: bool) -> None:  # noqa: FBT001 - arguments of a part are passed in order
    """The request as the deployment lists it, or in one sentence why it does not."""
    with notices.tile("what only the deployment tells"):
        recorded = _recorded(detail)
        if isinstance(recorded, str):
            st.caption(recorded)
            return
        _tokens(recorded)
        agent = (recorded.metadata or {}).get(AGENT)
        st.caption("User agent" if agent else "No user agent was recorded.")
        if agent:
            st.code(formats.visible(str(agent)), language=None, wrap_lines=True)
        _metadata(recorded, text=text)


def _recorded(detail: Detail) -> RecordedRequest | str:
    if detail.grain != "interception" or detail.id is None or detail.initiator_id is None:
        return "This request is known from its session only, so it has no raw data."
    if current_user.reader().row_access.pseudonyms:
        return "Raw data is not shown to readers who see pseudonyms."
    try:
        recorded = live_data.request(detail.id, detail.initiator_id, detail.started_at)
    except DeploymentError as error:
        if error.trouble == "elsewhere":
            return str(error)
        if error.trouble in {"gone", "unavailable"}:
            return (
                "This server no longer lists single requests, so raw token rows, user agent and "
                "metadata cannot be read any more."
            )
        return (
            "Raw token rows, user agent and metadata are read from the deployment, which does not "
            f"answer now: {formats.unmarked(str(error))}"
        )
    return recorded or (
        "The deployment no longer lists this request, as it deletes after 60 days by default. Raw "
        "token rows, user agent and metadata went with it."
    )


def _tokens(recorded: RecordedRequest) -> None:
    """Token rows as they were recorded; those of one answer have the same response."""
    if not recorded.token_rows:
        st.caption("No token rows were recorded.")
        return
    count = formats.plural(len(recorded.token_rows), "token row")
    st.caption(
        f"{count} as recorded. Rows with the same response are one answer, counted once above."
    )
    tables.show(
        list(map(astuple, recorded.token_rows)),
        _COLUMNS,
        key="token-rows",
        label="Token rows as the deployment recorded them",
    )


def _metadata(recorded: RecordedRequest, *, text: bool) -> None:
    every = _gathered(recorded)
    if not every:
        st.caption("No metadata was recorded.")
        return
    plain = json.dumps(every, indent=2, ensure_ascii=False, default=str)
    if not text:
        st.caption(f"Metadata: hidden, {formats.plural(len(plain), 'character')}.")
        return
    st.caption("Metadata of the request, and of what is recorded of it")
    height = SCROLL if len(plain) > LONG else None
    st.code(formats.visible(plain), language=None, wrap_lines=True, height=height)


def _gathered(recorded: RecordedRequest) -> dict[str, Any]:
    parts = {"request": recorded.metadata, **recorded.metadata_of}
    return {name: value for name, value in parts.items() if value}
