"""Rows that are not what the API promises: kept as told, tried again when we know better."""

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from aibridge import Rejected

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


class Suspect(NamedTuple):
    """An unreadable row: its id, or a digest of its text; what is wrong; and the row as JSON."""

    identity: str
    reason: str
    raw: str


def suspects(rejected: Iterable[Rejected], *, text: bool) -> list[Suspect]:
    """Rejected rows as they are kept; without ``text``, free of what was written in them."""
    return [_suspect(each, text=text) for each in rejected]


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
