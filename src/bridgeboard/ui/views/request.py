"""One request on the page Interceptions: what the store and the deployment know of it."""

from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import request_list, session_data
from bridgeboard.model.accuracy import Accuracy, accuracy, of_usage
from bridgeboard.model.dimensions import UNKNOWN
from bridgeboard.model.metric import TOKEN_METRICS, TOKENS
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.recorded_text import Item
from bridgeboard.queries.request_list import Detail, Response
from bridgeboard.ui import navigation, runner, url
from bridgeboard.ui.components import (
    headline_cards,
    notices,
    recorded_text,
    tables,
    trend,
)
from bridgeboard.ui.components.reveal import of_request, revealed
from bridgeboard.ui.components.tables import Column, Inexact
from bridgeboard.ui.views import request_raw_data, request_table

NARROWEST: Final = 310


_CARDS: Final = ("spend", "total_tokens", *TOKEN_METRICS)


def asked() -> Detail | None:
    """The request that the address names; None when it names none, or none that there is."""
    _come_back()
    named = st.query_params.get(request_table.ONE, "")
    if not named:
        return None
    detail = runner.current().read(lambda reader: request_list.found(reader, named))
    if detail is None:
        notices.remark(
            "The request that this link names is not here. It may be older than all that was read, "
            "or deleted by now. These are the requests that are here."
        )
    return detail


def _come_back() -> None:
    """Undo what leaving for a session does to this page's address, which Back then leads to."""
    left = st.query_params.get("call", "")
    if left:
        gone = {"id", "initiator", "thread", "call"}
        words = {name: each for name, each in url.current().items() if name not in gone}
        st.query_params.from_dict({**words, request_table.ONE: left})


def show(detail: Detail, zone: ZoneInfo) -> None:
    """Everything about a request."""
    _head(detail, zone)
    headline_cards.row(_cards(detail))
    _facts(detail, zone)
    with notices.tile("the responses"):
        _responses(detail)
    st.header("Prompts and tool calls", anchor=False)
    text = revealed(of_request(detail.initiator_id, detail.id))
    with notices.tile("what was written and called"):
        _written(detail, zone, text=text)
    st.header("Raw data of the deployment", anchor=False)
    trend.apart(request_raw_data.show, detail, text)


def _head(detail: Detail, zone: ZoneInfo) -> None:
    st.button(
        "All requests",
        key="all-requests",
        icon=":material/arrow_back:",
        type="tertiary",
        on_click=_leave,
    )
    with st.container(horizontal=True, vertical_alignment="center", key="request-head"):
        client = detail.client or "Unknown client"
        words = f"{formats.unmarked(detail.person)} · {formats.unmarked(client)}"
        st.header(words, anchor=False, width="stretch")
        if place := request_table.session_place(detail):
            st.page_link(
                "pages/session.py",
                label="Open in its session",
                icon=":material/account_tree:",
                query_params={**place, **url.everywhere()},
            )
        navigation.link_to_person(detail.person)
    st.caption(f"{formats.moment(detail.started_at, zone)} · {_kind(detail)}")
    st.code(str(detail.id), language=None, width="content")


def _leave() -> None:
    url.put({request_table.ONE: ()})


def _kind(detail: Detail) -> str:
    if detail.grain == "interception":
        return "recorded as a single request"
    return "known from the details of its session: a sum, whose end is not known"


def _cards(detail: Detail) -> list[headline_cards.Card]:
    return [
        *(headline_cards.of_metric(name, detail.by_metric) for name in _CARDS),
        headline_cards.of_number(
            "Duration", detail.duration_seconds, "seconds", "From its beginning to its end."
        ),
    ]


def _facts(detail: Detail, zone: ZoneInfo) -> None:
    """All columns, in three short lists."""
    with st.grid(min_column_width=NARROWEST, gap="medium", key="request-facts"):
        for title, facts in (
            ("Who and what", _whose(detail)),
            ("When and where", _where(detail, zone)),
            ("Numbers", _numbers(detail)),
        ):
            key = title.split()[0].lower()
            with st.container(key=f"box-{key}"):
                tables.facts(facts, key=f"facts-{key}", label=title, title=title, longest=NAME)


NAME: Final = 36


def _whose(detail: Detail) -> dict[str, str]:
    return _worded(
        ("Person", detail.person),
        ("Team", detail.team),
        ("Client", detail.client or UNKNOWN),
        ("Provider", detail.provider),
        ("Provider instance", detail.provider_name or UNKNOWN),
        ("Vendor", detail.vendor or UNKNOWN),
        ("Model", detail.family or UNKNOWN),
        ("Model id", detail.model),
        ("Credential", detail.credential_kind or UNKNOWN),
        ("Key hint", detail.credential_hint),
        ("Coder API key", detail.api_key_id),
    )


def _where(detail: Detail, zone: ZoneInfo) -> dict[str, str]:
    return _worded(
        ("Began", formats.moment(detail.started_at, zone)),
        ("Ended", formats.moment(detail.ended_at, zone)),
        ("Session", detail.session_id),
        ("Thread", _id(detail.thread)),
        ("Person's id", _id(detail.initiator_id)),
        ("Accuracy", "exact" if detail.grain == "interception" else "aggregate"),
        ("Failed with", detail.error_type),
    )


def _id(id_: UUID | None) -> str | None:
    return None if id_ is None else str(id_)


def _numbers(detail: Detail) -> dict[str, str]:
    recorded = sum(getattr(detail, f"{kind}_sum") for kind in TOKENS)
    return _worded(
        ("Responses", _number(detail, "responses", detail.responses)),
        ("Prompts", _number(detail, "prompts", detail.prompts)),
        ("Tool calls", _number(detail, "tool_calls", detail.tool_calls)),
        ("Injected calls", _number(detail, "injected_calls", detail.injected)),
        ("Tool errors", _number(detail, "tool_errors", detail.tool_errors)),
        ("Tokens as recorded", _number(detail, "recorded_tokens", recorded)),
        ("Tokens with a price", formats.exact(detail.priced_tokens)),
        ("Price status", detail.status),
        ("Spend", _number(detail, "spend", detail.cost)),
        ("Value not billed", _number(detail, "shadow_cost", detail.shadow_cost)),
        ("Cache saving", _number(detail, "cache_saving", detail.cache_saving)),
    )


def _number(detail: Detail, metric: str, value: int | None) -> str:
    """A number of the request with all its digits, and how it stands unless it is exact."""
    digits = formats.exact_number(value, METRICS[metric].format)
    how = accuracy(metric, {**detail.by_metric, metric: value})
    return digits if how.standing in {"exact", "unknown"} else how.noted(digits)


def _worded(*facts: tuple[str, str | None]) -> dict[str, str]:
    return {name: formats.line(value) if value else formats.DASH for name, value in facts}


def _responses(detail: Detail) -> None:
    """Each answer of the provider with its price."""
    st.header("Responses and prices", anchor=False)
    rows = runner.current().read(lambda reader: request_list.responses(reader, detail.usage))
    if not rows:
        notices.empty("No response is on record: the request ended without any tokens.")
        return
    st.caption(
        "The server's rows for one response are taken together. Each response has the list price "
        "of its time."
    )
    tables.show(
        [_response(each) for each in rows],
        _RESPONSES,
        key="responses",
        label="Responses with their price",
    )


_COUNTED: Final = (
    "Input",
    "Output",
    "Cache reads",
    "Cache writes",
    "1 h cache writes",
    "Web searches",
)
_RESPONSES: Final = (
    Column("No.", "count", exact=True),
    Column("Answered", "moment"),
    *(Column(name, "count", exact=True) for name in _COUNTED),
    *(Column(name, "money", exact=True) for name in ("Spend", "Value not billed", "Cache saving")),
    *(Column(name) for name in ("Status", "Tier", "Price", "From", "Note", "Oddities")),
)


def _response(one: Response) -> tuple[object, ...]:
    return (
        one.place,
        one.answered_at,
        one.input,
        one.output,
        one.cache_read,
        one.cache_write,
        one.cache_write_1h,
        one.web_searches,
        Inexact.of(one.cost, _accuracy(one)),
        one.shadow_cost,
        one.cache_saving,
        one.status,
        f"above {one.tier:,} tokens" if one.tier >= 0 else "any size",
        one.price_id or None,
        one.source or None,
        one.note or None,
        _oddities(one),
    )


def _accuracy(one: Response) -> Accuracy:
    """How the cost of a response stands."""
    if one.cost is None:
        return Accuracy("unpriced")
    tokens = one.input + one.output + one.cache_read + one.cache_write
    return accuracy("spend", {"spend": one.cost, **of_usage(one.cost, tokens, one.status)})


def _oddities(one: Response) -> str:
    sentences = [
        *([f"tier {formats.visible(one.service_tier)}"] if one.service_tier else []),
        *([formats.plural(one.negatives, "count") + " below zero"] if one.negatives else []),
        *(["split of cache writes unknown"] if one.split_unknown else []),
        *(["split of cache writes too large"] if one.split_clamped else []),
        *(["total differs from its parts"] if one.total_mismatch else []),
    ]
    return ", ".join(sentences) or formats.DASH


def _written(detail: Detail, zone: ZoneInfo, *, text: bool) -> None:
    """Tool calls as a table, then each prompt, thought, input and error, hidden at first."""
    items = session_data.items(runner.current(), (detail.usage,))[detail.usage]
    calls = [item for item in items if item.kind == "tool"]
    if calls:
        tables.show(
            [_call(item) for item in calls], _CALLS, key="calls", label="Tool calls of this request"
        )
    if detail.error_message and text:
        st.caption("What the request failed with")
        st.code(formats.visible(detail.error_message), language=None, wrap_lines=True)
    if not items:
        st.caption("No prompt or tool call of this request is known.")
    recorded_text.shown(
        detail.usage, items, recorded_text.Look(zone, text, words="", hit=None, turn="")
    )


_CALLS: Final = (
    Column("No.", "count", exact=True),
    Column("Called", "moment"),
    *(Column(name) for name in ("Tool", "Server", "Added by", "Outcome")),
    *(Column(name, "count", "Characters.", exact=True) for name in ("Input", "Error")),
)


def _call(item: Item) -> tuple[object, ...]:
    return (
        item.ordinal + 1,
        item.at,
        formats.middle(formats.visible(item.tool or ""), 60) or "(empty)",
        item.server_url or "none: run by the client",
        "the bridge" if item.injected else "the client",
        _end(item),
        item.length,
        item.error_length or None,
    )


def _end(item: Item) -> str:
    return {True: "failed", False: "succeeded", None: "not recorded"}[item.failed]
