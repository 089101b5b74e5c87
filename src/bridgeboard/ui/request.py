"""One request: all that the store knows of it, and what only the deployment still tells."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from bridgeboard import formats
from bridgeboard.explorer import interceptions
from bridgeboard.explorer.interceptions import Detail, Response
from bridgeboard.explorer.passages import Item
from bridgeboard.explorer.typed import typed
from bridgeboard.metrics import METRICS, UNKNOWN
from bridgeboard.store import Reader
from bridgeboard.ui import (
    kpis,
    lists,
    moves,
    notices,
    numbers,
    passages,
    records,
    requests,
    rows,
    tiles,
    wire,
)
from bridgeboard.ui.reveal import revealed

NARROWEST: Final = 310
_METRICS: Final = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "cost": "spend",
}


def asked() -> Detail | None:
    """The request that the address names; None when it names none, or none that there is."""
    _come_back()
    named = st.query_params.get(rows.ONE, "")
    if not named:
        return None
    detail = numbers.read(lambda reader: _found(reader, named))
    if not detail:
        notices.remark(
            "The store holds no such request as this address names. It may have begun before the "
            "records do, or be deleted by now. Here are those that there are."
        )
        return None
    return detail[0]


def _come_back() -> None:
    """Undo what leaving for a session does to this page's address, which Back then leads to."""
    left = st.query_params.get("call", "")
    if left:
        gone: dict[str, list[str]] = {name: [] for name in ("id", "person", "thread", "call")}
        st.query_params.update({**gone, rows.ONE: left})


def show(detail: Detail, zone: ZoneInfo) -> None:
    """Everything about a request."""
    requests.keep_pickers()
    _head(detail, zone)
    kpis.row(_cards(detail))
    _facts(detail, zone)
    with notices.tile("the responses"):
        _responses(detail, zone)
    st.header("What was written and called", anchor=False)
    text = revealed(f"request {detail.id}")
    with notices.tile("what was written and called"):
        _written(detail, zone, text=text)
    st.header("What only the deployment tells", anchor=False)
    tiles.apart(wire.show, detail, zone, text)


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
        told = f"{formats.unmarked(detail.person)} · {formats.unmarked(client)}"
        st.header(told, anchor=False, width="stretch")
        if place := rows.session_place(detail):
            st.page_link(
                "pages/session.py",
                label="In its session",
                icon=":material/account_tree:",
                query_params=place,
            )
        st.page_link(
            moves.PERSON,
            label="The person",
            icon=":material/person:",
            query_params={moves.WHO: detail.person},
        )
    st.caption(f"{formats.moment(detail.started_at, zone)} · {_kind(detail)}")
    st.code(str(detail.id), language=None, width="content")


def _leave() -> None:
    st.query_params.pop(rows.ONE, None)


def _kind(detail: Detail) -> str:
    if detail.grain == "interception":
        return "known by itself, exact"
    return "known from the details of its session: a sum, whose end is not told"


def _cards(detail: Detail) -> list[kpis.Card]:
    total = detail.input + detail.output + detail.cache_read + detail.cache_write
    values = {"total_tokens": total} | {
        metric: getattr(detail, field) for field, metric in _METRICS.items()
    }
    cards = [
        kpis.Card(
            METRICS[name].label,
            formats.number(value, METRICS[name].format),
            kpis.exact_words(METRICS[name], value),
        )
        for name, value in values.items()
    ]
    lasted = formats.seconds(detail.duration_seconds)
    return [*cards, kpis.Card("Duration", lasted, "From its beginning to its end.")]


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
                lists.show(_listed(title, facts), f"facts-{key}")


def _listed(title: str, facts: Sequence[tuple[str, str]]) -> lists.List:
    told = [
        lists.Row(name=name, full=f"{name}: {value}", cells=(formats.middle(value, NAME),))
        for name, value in facts
    ]
    return lists.List(title, [("What", ""), ("Value", "")], told, note="")


NAME: Final = 36


def _whose(detail: Detail) -> list[tuple[str, str]]:
    return _worded(
        ("Person", detail.person),
        ("Team", detail.team),
        ("Client", detail.client or UNKNOWN),
        ("Provider", detail.provider),
        ("Provider instance", detail.provider_name or UNKNOWN),
        ("Vendor", detail.vendor or UNKNOWN),
        ("Model", detail.model or UNKNOWN),
        ("Credential", detail.credential_kind or UNKNOWN),
        ("Hint of the key", detail.credential_hint),
        ("API key of Coder", detail.api_key_id),
    )


def _where(detail: Detail, zone: ZoneInfo) -> list[tuple[str, str]]:
    return _worded(
        ("Began", formats.moment(detail.started_at, zone)),
        ("Ended", formats.moment(detail.ended_at, zone)),
        ("Session", detail.session_id),
        ("Thread", _id(detail.thread)),
        ("Person's id", _id(detail.initiator_id)),
        ("Accuracy", "exact" if detail.grain == "interception" else "aggregate"),
        ("Failed with", detail.error_type),
    )


def _id(told: UUID | None) -> str | None:
    return None if told is None else str(told)


def _numbers(detail: Detail) -> list[tuple[str, str]]:
    recorded = sum(
        getattr(detail, f"{kind}_sum") for kind in ("input", "output", "cache_read", "cache_write")
    )
    return _worded(
        ("Responses", formats.exact(detail.responses)),
        ("Prompts", formats.exact(detail.prompts)),
        ("Tool calls", formats.exact(detail.tool_calls)),
        ("Of them injected", formats.exact(detail.injected)),
        ("Tool errors", formats.exact(detail.tool_errors)),
        ("Tokens as recorded", formats.exact(recorded)),
        ("Tokens with a price", formats.exact(detail.priced_tokens)),
        ("Price status", detail.status),
        ("Spend", formats.exact_money(detail.cost)),
        ("Shadow cost", formats.exact_money(detail.shadow_cost)),
        ("Cache saving", formats.exact_money(detail.cache_saving)),
    )


def _worded(*facts: tuple[str, str | None]) -> list[tuple[str, str]]:
    return [(name, formats.line(value) if value else formats.DASH) for name, value in facts]


def _found(reader: Reader, named: str) -> tuple[Detail, ...]:
    ((usage,),) = reader.rows(*interceptions.found(named))
    if usage is None:
        return ()
    return typed(Detail, reader.rows(*interceptions.detail(usage)))


def _responses(detail: Detail, zone: ZoneInfo) -> None:
    """Each answer of the provider with its price."""
    st.header("Responses and their price", anchor=False)
    told = typed(
        Response,
        numbers.read(lambda reader: reader.rows(*interceptions.responses(detail.usage))),
    )
    if not told:
        notices.empty("No response is on record: the request ended without any tokens.")
        return
    st.caption(
        "Rows of the server that belong to one answer are taken together; each answer is priced "
        "by itself, at the list price of its moment."
    )
    frame = pd.DataFrame([_response(each, zone) for each in told]).astype(str)
    right = st.column_config.TextColumn(alignment="right")
    st.dataframe(
        frame,
        hide_index=True,
        key="responses",
        column_config={name: right for name in frame.columns if name not in _LEFT},
        alt="Responses with their price",
    )


_LEFT: Final = frozenset({"Answered", "Tier", "Status", "Price", "From", "Note", "Oddities"})


def _response(one: Response, zone: ZoneInfo) -> dict[str, str]:
    return {
        "No.": str(one.place),
        "Answered": formats.moment(one.answered_at, zone),
        "Input": formats.exact(one.input),
        "Output": formats.exact(one.output),
        "Cache reads": formats.exact(one.cache_read),
        "Cache writes": formats.exact(one.cache_write),
        "Of them for 1 h": formats.exact(one.cache_write_1h),
        "Searches": formats.exact(one.web_searches),
        "Spend": formats.exact_money(one.cost),
        "Shadow cost": formats.exact_money(one.shadow_cost),
        "Cache saving": formats.exact_money(one.cache_saving),
        "Status": one.status,
        "Tier": f"above {one.tier:,} tokens" if one.tier >= 0 else "for all",
        "Price": formats.visible(one.price_id or formats.DASH),
        "From": formats.visible(one.source or formats.DASH),
        "Note": formats.visible(one.note or formats.DASH),
        "Oddities": _oddities(one),
    }


def _oddities(one: Response) -> str:
    told = [
        *([f"tier {formats.visible(one.service_tier)}"] if one.service_tier else []),
        *([formats.plural(one.negatives, "count") + " below zero"] if one.negatives else []),
        *(["split of cache writes unknown"] if one.split_unknown else []),
        *(["split of cache writes too large"] if one.split_clamped else []),
        *(["total differs from its parts"] if one.total_mismatch else []),
    ]
    return ", ".join(told) or formats.DASH


def _written(detail: Detail, zone: ZoneInfo, *, text: bool) -> None:
    """Tool calls as a table, then each prompt, thought, input and error, hidden at first."""
    items = records.items((detail.usage,))[detail.usage]
    calls = [item for item in items if item.kind == "tool"]
    if calls:
        frame = pd.DataFrame([_call(item, zone) for item in calls])
        st.dataframe(frame, hide_index=True, key="calls", alt="Tool calls of this request")
    if detail.error_message and text:
        st.caption("What the request failed with")
        st.code(formats.visible(detail.error_message), language=None, wrap_lines=True)
    if not items:
        st.caption("Nothing was written or called in this request, as far as is known.")
    passages.shown(detail.usage, items, passages.Look(zone, text, words="", hit=None, turn=""))


def _call(item: Item, zone: ZoneInfo) -> dict[str, object]:
    return {
        "No.": item.ordinal + 1,
        "Called": formats.moment(item.at, zone),
        "Tool": formats.middle(formats.visible(item.tool or ""), 60) or "(empty)",
        "From": formats.visible(item.server_url or "the client itself"),
        "Put there by": "the bridge" if item.injected else "the client",
        "Ended": _end(item),
        "Input": _size(item.length),
        "Error": _size(item.error_length or None),
    }


def _end(item: Item) -> str:
    if item.failed:
        return "failed"
    # Only of tools that the bridge put there is it recorded how their calls end.
    return "well" if item.injected and item.failed is False else "not recorded"


def _size(length: int | None) -> str:
    return formats.DASH if length is None else formats.plural(length, "character")
