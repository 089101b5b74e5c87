"""Rows that break the API's rules: stored as received, and read again by a later version."""

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec

from aibridge import (
    BulkInterception,
    Rejected,
    SessionSummary,
    Thread,
    TokenCounts,
)
from bridgeboard import pricing
from bridgeboard.store.sync_state import Suspect
from bridgeboard.sync.threads import token_counts

PLAIN: Final = frozenset(
    {
        "api_key_id",
        "client",
        "created_at",
        "ended_at",
        "id",
        "interception_id",
        "model",
        "models",
        "name",
        "provider",
        "provider_name",
        "provider_response_id",
        "providers",
        "server_url",
        "service_tier",
        "started_at",
        "tool",
        "username",
    }
)
"""Fields that hold no text of people or models. Under text = none, only their values are stored: a
broken row may hold a prompt anywhere."""


BEYOND: Final = f"It counts more than {pricing.MOST_TOKENS:,} tokens, which cannot be true."
"""Why a record stays out of all sums: one such count makes every total and average useless."""


Row = TypeVar("Row", SessionSummary, Thread)


def suspects(rejected: Iterable[Rejected], *, text: bool) -> list[Suspect]:
    """Rejected rows as they are stored; without ``text``, only with ``PLAIN`` fields."""
    return [_suspect(each, text=text) for each in rejected]


def has_impossible_counts(row: BulkInterception) -> bool:
    """Whether a request counts more tokens than there can be."""
    usages = row.token_usages or ()
    counts = zip(*map(token_counts, usages), strict=True)
    return any(sum(map(abs, column)) > pricing.MOST_TOKENS for column in counts)


def as_rejected(row: BulkInterception) -> Rejected:
    """A request with impossible counts as a rejected row."""
    return Rejected(raw=msgspec.json.encode(row).decode(), reason=BEYOND)


def without_impossible(rows: Iterable[Row]) -> tuple[tuple[Row, ...], tuple[Rejected, ...]]:
    """Sessions or threads with possible token counts, and rejected rows of the others."""
    good: list[Row] = []
    rejected: list[Rejected] = []
    for row in rows:
        if any(map(_is_impossible, _counts(row))):
            rejected.append(Rejected(raw=row.model_dump_json(), reason=BEYOND))
        else:
            good.append(row)
    return tuple(good), tuple(rejected)


def _counts(row: SessionSummary | Thread) -> Iterator[TokenCounts]:
    if isinstance(row, Thread):
        yield row.token_usage
        yield from (action.token_usage for action in row.agentic_actions)
    else:
        yield row.token_usage_summary


def _is_impossible(counts: TokenCounts) -> bool:
    return any(abs(count) > pricing.MOST_TOKENS for count in token_counts(counts))


def blanked(raw: str) -> str:
    """A row's JSON with all text but that of ``PLAIN`` fields removed; "" if it is no JSON."""
    try:
        return json.dumps(_blank(json.loads(raw), ""))
    except (RecursionError, ValueError):
        return ""


def _suspect(rejected: Rejected, *, text: bool) -> Suspect:
    raw = rejected.raw if text else blanked(rejected.raw)
    return Suspect(_identity(rejected.raw), rejected.reason, raw)


def _identity(raw: str) -> str:
    try:
        row = json.loads(raw)
    except (RecursionError, ValueError):
        row = None
    id_ = row.get("id") if isinstance(row, dict) else None
    if isinstance(id_, str) and id_:
        return id_
    return blake2b(raw.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _blank(value: Any, field: str) -> Any:
    match value:
        case str():
            return value if field in PLAIN else ""
        case list():
            return [_blank(each, field) for each in value]
        case dict():
            return {key: _blank(each, key) for key, each in value.items()}
        case _:
            return value
