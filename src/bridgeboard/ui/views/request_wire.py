"""What a request is in the deployment's own words: raw token rows, user agent, metadata.

The store keeps none of it, so it is asked for when somebody looks, for this one request.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import streamlit as st

from aibridge import AIBridgeError, EndpointGoneError, FeatureUnavailableError, Interception
from bridgeboard import formats
from bridgeboard.queries.request_list import Detail
from bridgeboard.ui import current_user, live_data
from bridgeboard.ui.components import data_table, notices
from bridgeboard.ui.components.data_table import Column

AGENT: Final = "request_user_agent"
SCROLL: Final = 420
LONG: Final = 1_500
"""Characters from which on metadata is scrolled."""
_FIELDS: Final = {
    "provider_response_id": Column("Response", "Response"),
    "input_tokens": Column("Input", "Input", "count", exact=True),
    "output_tokens": Column("Output", "Output", "count", exact=True),
    "cache_read_input_tokens": Column("Cache reads", "Cache reads", "count", exact=True),
    "cache_write_input_tokens": Column("Cache writes", "Cache writes", "count", exact=True),
}
_COLUMNS: Final = (Column("Recorded", "Recorded", "moment"), *_FIELDS.values())


def show(detail: Detail, text: bool) -> None:  # noqa: FBT001 - arguments of a part are told in order
    """The request as the deployment lists it, or in one sentence why it does not."""
    with notices.tile("what only the deployment tells"):
        told = _told(detail)
        if isinstance(told, str):
            st.caption(told)
            return
        _tokens(told)
        agent = (told.metadata or {}).get(AGENT)
        st.caption("User agent" if agent else "No user agent was recorded.")
        if agent:
            st.code(formats.visible(str(agent)), language=None, wrap_lines=True)
        _metadata(told, text=text)


def _told(detail: Detail) -> Interception | str:
    if detail.grain != "interception" or detail.id is None or detail.initiator_id is None:
        return "This request is only known from its session: no server lists it by itself."
    if current_user.reader().sight.pseudonyms:
        return "What only the deployment knows of a request is not shown where names are not."
    try:
        told = live_data.request(detail.id, detail.initiator_id, detail.started_at)
    except (EndpointGoneError, FeatureUnavailableError):
        return (
            "This server no longer lists single requests, so raw token rows, user agent and "
            "metadata cannot be read any more."
        )
    except AIBridgeError as error:
        return (
            "Raw token rows, user agent and metadata are only at the deployment, which does not "
            f"tell them now: {formats.unmarked(str(error))}"
        )
    return told or (
        "The deployment lists this request no more: it deletes after 60 days by default. Raw token "
        "rows, user agent and metadata went with it."
    )


def _tokens(told: Interception) -> None:
    """Token rows as they were recorded; those of one answer have the same response."""
    if not told.token_usages:
        st.caption("No token rows were recorded.")
        return
    count = formats.plural(len(told.token_usages), "token row")
    st.caption(
        f"{count} as recorded. Rows with the same response are one answer, counted once above."
    )
    data_table.show(
        [(row.created_at, *(getattr(row, name) for name in _FIELDS)) for row in told.token_usages],
        _COLUMNS,
        key="token-rows",
        alt="Token rows as the deployment recorded them",
    )


def _metadata(told: Interception, *, text: bool) -> None:
    every = _gathered(told)
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


def _gathered(told: Interception) -> dict[str, Any]:
    parts: Mapping[str, Any] = {
        "request": told.metadata,
        "token rows": [row.metadata for row in told.token_usages if row.metadata],
        "prompts": [row.metadata for row in told.user_prompts if row.metadata],
        "tool calls": [row.metadata for row in told.tool_usages if row.metadata],
    }
    return {name: value for name, value in parts.items() if value}
