"""Rows that are not what the API promises: kept as told, tried again when we know better."""

import json
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from aibridge import (
    BulkInterception,
    Rejected,
    SessionSummary,
    Thread,
    TokenCounts,
)
from bridgeboard import pricing

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
"""Fields whose words no person or model wrote. Under text = none, only theirs are kept: a row that
is not what it should be may hold a prompt anywhere."""


BEYOND: Final = f"It counts more than {pricing.MOST_TOKENS:,} tokens, which cannot be true."
"""Why a record stays out of all sums: with one such count no total, average or change is of use."""


_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_write_input_tokens",
)
Told = TypeVar("Told", SessionSummary, Thread)


class Suspect(NamedTuple):
    """An unreadable row: its id, or a digest of its text; what is wrong; and the row as JSON."""

    identity: str
    reason: str
    raw: str


def suspects(rejected: Iterable[Rejected], *, text: bool) -> list[Suspect]:
    """Rejected rows as they are kept; without ``text``, free of what was written in them."""
    return [_suspect(each, text=text) for each in rejected]


def is_beyond_belief(row: BulkInterception) -> bool:
    """Whether a request counts more tokens than there can be."""
    told = row.token_usages or ()
    return any(
        sum(abs(getattr(each, name)) for each in told) > pricing.MOST_TOKENS for name in _COUNTS
    )


def as_rejected(row: BulkInterception) -> Rejected:
    """A request that cannot be true, as it was told."""
    return Rejected(raw=msgspec.json.encode(row).decode(), reason=BEYOND)


def parted(rows: Iterable[Told]) -> tuple[tuple[Told, ...], tuple[Rejected, ...]]:
    """Sessions or threads that can be true, and those that cannot."""
    good: list[Told] = []
    rejected: list[Rejected] = []
    for row in rows:
        if any(map(_is_beyond, _counts(row))):
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


def _is_beyond(told: TokenCounts) -> bool:
    return any(abs(getattr(told, name)) > pricing.MOST_TOKENS for name in _COUNTS)


def blanked(raw: str) -> str:
    """A row's JSON without any words but those of ``PLAIN`` fields; "" if it is no JSON."""
    try:
        return json.dumps(_blank(json.loads(raw), ""))
    except (RecursionError, ValueError):
        return ""


def _suspect(rejected: Rejected, *, text: bool) -> Suspect:
    kept = rejected.raw if text else blanked(rejected.raw)
    return Suspect(_identity(rejected.raw), rejected.reason, kept)


def _identity(raw: str) -> str:
    try:
        told = json.loads(raw)
    except (RecursionError, ValueError):
        told = None
    named = told.get("id") if isinstance(told, dict) else None
    if isinstance(named, str) and named:
        return named
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
