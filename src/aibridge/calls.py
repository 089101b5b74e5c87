"""The endpoints of the API as data: path, parameters, and how to read the response.

Nothing here does I/O. A ``Call`` becomes a request in ``client``; which call follows which is
described in ``lists``. Rows of a page are read one by one, so that one bad row does not cost its
neighbours.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from aibridge.errors import ArgumentError, EndpointGoneError
from aibridge.models import (
    BuildInfo,
    Entitlements,
    Interception,
    InterceptionPage,
    Provider,
    Record,
    Rejected,
    SessionDetail,
    SessionPage,
    SessionSummary,
    Thread,
    User,
)
from aibridge.search import Search

T = TypeVar("T")
P = TypeVar("P", InterceptionPage, SessionPage, SessionDetail)
Query: TypeAlias = Search | str | None

OLD_PREFIX = "/api/v2/aibridge"
NEW_PREFIX = "/api/v2/ai-gateway"
MAX_ROWS = 1000
MAX_THREADS = 200
MAX_OFFSET = 2**31 - 1
MOST_ID = 256


@dataclass(frozen=True)
class Route:
    """Where a deployment keeps AI Bridge (api-contract 6.3), and whether it lists interceptions.

    ``has_interceptions`` is None where only trying would tell.
    """

    prefix: str
    has_interceptions: bool | None = None


@dataclass(frozen=True)
class Call(Generic[T]):
    """One GET: its path, its parameters, and how its body is read.

    The path of a ``bridged`` call is below the deployment's AI Bridge prefix; ``on`` puts it
    there. ``parse`` raises ValueError for a body that is not what was asked for. ``since`` is the
    first release that knows the path, where older ones are to be told from wrong addresses.
    """

    path: str
    parse: Callable[[bytes], T]
    params: tuple[tuple[str, str], ...] = ()
    bridged: bool = False
    retired: bool = False
    since: str = ""

    def on(self, route: Route) -> "Call[T]":
        """The call with its whole path below the server's root.

        Raises:
            EndpointGoneError: when a server of that version does not have the endpoint.
        """
        if not self.bridged:
            return self
        if not self.retired:
            return replace(self, path=route.prefix + self.path)
        if route.has_interceptions is False:
            raise EndpointGoneError("This server does not list interceptions (v2.35 removed it).")
        # The list of interceptions never existed below the newer prefix.
        old = route.prefix if route.prefix != NEW_PREFIX else OLD_PREFIX
        return replace(self, path=old + self.path)


def query(search: Query) -> str:
    """The text of ``q``: built from a Search, or passed on as it is."""
    return search.q if isinstance(search, Search) else search or ""


def buildinfo() -> Call[BuildInfo]:
    """Version and identity of the server; needs no token (api-contract 1.8)."""
    return Call("/api/v2/buildinfo", partial(record, BuildInfo))


def entitlements() -> Call[Entitlements]:
    """What the licence allows; needs no token (api-contract 1.8)."""
    return Call("/api/v2/entitlements", partial(record, Entitlements))


def me() -> Call[User]:
    """The caller (api-contract 1.8)."""
    return Call("/api/v2/users/me", partial(record, User))


def providers() -> Call[tuple[Provider, ...]]:
    """All provider instances that are not deleted, for owners; v2.34 on (api-contract 6.4)."""
    return Call("/api/v2/ai/providers", partial(listed, _PROVIDERS))


def all_providers() -> Call[tuple[Provider, ...]]:
    """Names and types, deleted instances included, for owners and auditors of newer servers."""
    return _bridged("/providers", partial(listed, _PROVIDERS))


def models(search: Query, *, limit: int, offset: int) -> Call[tuple[str, ...]]:
    """Model names, distinct and ascending; a JSON null is none (api-contract 2.6)."""
    return _bridged("/models", partial(listed, _NAMES), q=query(search), **_span(limit, offset))


def clients(search: Query, *, limit: int, offset: int) -> Call[tuple[str, ...]]:
    """Client names in no order; a JSON null is none (api-contract 2.7)."""
    return _bridged("/clients", partial(listed, _NAMES), q=query(search), **_span(limit, offset))


def interceptions(
    search: Query, *, limit: int, offset: int = 0, after_id: UUID | str | None = None
) -> Call[InterceptionPage]:
    """A page of interceptions, newest first (api-contract 2.3). Up to v2.34 only."""
    parse = partial(_page, InterceptionPage, "results", Interception)
    call = _bridged(
        "/interceptions", parse, q=query(search), **_span(limit, offset), after_id=after_id
    )
    return replace(call, retired=True)


def sessions(
    search: Query, *, limit: int, offset: int = 0, after_session_id: str | None = None
) -> Call[SessionPage]:
    """A page of sessions, latest activity first (api-contract 2.4)."""
    return _bridged(
        "/sessions",
        partial(_page, SessionPage, "sessions", SessionSummary),
        q=query(search),
        **_span(limit, offset),
        after_session_id=after_session_id,
    )


def session(
    session_id: str,
    *,
    limit: int,
    after_id: UUID | str | None = None,
    before_id: UUID | str | None = None,
) -> Call[SessionDetail]:
    """A session with a page of its threads, oldest first (api-contract 2.5)."""
    return _bridged(
        f"/sessions/{_segment(session_id)}",
        partial(_page, SessionDetail, "threads", Thread),
        limit=within("limit", limit, MAX_THREADS),
        after_id=after_id,
        before_id=before_id,
    )


def within(name: str, value: int, most: int, *, least: int = 1) -> int:
    """The value, if it is a page size or an offset the server takes.

    Raises:
        ArgumentError: outside of least..most; the server would answer 400, or take its default
            for a limit of 0.
    """
    if not least <= value <= most:
        raise ArgumentError(f"{name} is {value}.", advice=f"It must be between {least} and {most}.")
    return value


def _span(limit: int, offset: int) -> dict[str, int]:
    return {
        "limit": within("limit", limit, MAX_ROWS),
        "offset": within("offset", offset, MAX_OFFSET, least=0),
    }


def _bridged(path: str, parse: Callable[[bytes], T], **params: UUID | str | int | None) -> Call[T]:
    return Call(path, parse, filled(**params), bridged=True)


def filled(**params: UUID | str | int | None) -> tuple[tuple[str, str], ...]:
    """Parameters as they are sent; empty ones and 0 are left out."""
    return tuple((name, _whole(name, str(value))) for name, value in params.items() if value)


def _whole(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentError(
            f"{name} contains half a character, which no stored text does.",
            advice="Use the text as the server gave it.",
        ) from None
    return text


def _segment(session_id: str) -> str:
    advice = "Find the session in the list instead: sessions(Search(session_id=...))."
    return segment("session id", session_id, advice)


def segment(name: str, value: str, advice: str = "Use it as the server gave it.") -> str:
    """The value as one step of a path.

    Raises:
        ArgumentError: for text that no path can hold.
    """
    # The server decodes the path before it is cut at slashes (api-contract 1.9).
    if not value or "/" in value or "\0" in value:
        raise ArgumentError(
            f"The {name} {value[:MOST_ID]!r} cannot be part of an address.", advice=advice
        )
    step = quote(_whole(f"The {name}", value), safe="")
    # Plain dots alone are steps of a path, which clients and proxies take before they send it.
    return step.replace(".", "%2E") if value in {".", ".."} else step


_PROVIDERS = TypeAdapter(tuple[Provider, ...] | None)
_NAMES = TypeAdapter(tuple[str, ...] | None)


def listed(kind: TypeAdapter[tuple[T, ...] | None], body: bytes) -> tuple[T, ...]:
    """An array of the wire; a JSON ``null`` is read as the empty one."""
    return kind.validate_json(body) or ()


R = TypeVar("R", bound=Record)


def record(kind: type[R], body: bytes) -> R:
    """One object of the wire."""
    return kind.model_validate_json(body)


def _page(kind: type[P], field: str, row_kind: type[Record], body: bytes) -> P:
    try:
        page = kind.model_validate_json(body)
    except ValidationError:
        return _page_by_rows(kind, field, row_kind, body)
    # The name is ours; a server that comes to use it must not be taken for us.
    return page.model_copy(update={"rejected": ()})


def _page_by_rows(kind: type[P], field: str, row_kind: type[Record], body: bytes) -> P:
    page, raws = unrolled(kind, field, body)
    read = [row(row_kind, raw) for raw in raws]
    good = tuple(each for each in read if not isinstance(each, Rejected))
    bad = tuple(each for each in read if isinstance(each, Rejected))
    return page.model_copy(update={field: good, "rejected": bad})


def unrolled(kind: type[P], field: str, body: bytes) -> tuple[P, list[str]]:
    """A page as if it had no rows, and the JSON text of each row.

    Raises:
        ValueError: when the page is none, whatever its rows may be.
    """
    envelope = {name: value for name, value in _object(body).items() if name != "rejected"}
    rows = envelope.get(field)
    if not isinstance(rows, list):
        return kind.model_validate(envelope), []
    return kind.model_validate_json(_text(envelope | {field: []})), [_text(each) for each in rows]


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError(f"a JSON object was expected, not {type(value).__name__}")  # noqa: TRY004  # parse promises ValueError
    return value


def _text(value: object) -> str:
    try:
        return json.dumps(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def rewritten(raw: bytes) -> str:
    """The text of a row as ``unrolled`` gives it: each name once, with its last value."""
    try:
        return _text(json.loads(raw))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def row(kind: type[R], raw: str) -> R | Rejected:
    """A row of a page from its JSON text, or what is wrong with it."""
    try:
        return kind.model_validate_json(raw)
    except ValidationError as error:
        return Rejected(raw=raw, reason=reasons(error))


def reasons(error: ValueError) -> str:
    """What is wrong with a body or a row, without quoting it: it may be somebody's prompt."""
    if not isinstance(error, ValidationError):
        return "it is not valid JSON" if isinstance(error, json.JSONDecodeError) else str(error)
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    parts = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {_said(each)}" for each in faults[:3]]
    return "; ".join(parts) + (f"; and {len(faults) - 3} more" if len(faults) > 3 else "")  # noqa: PLR2004  # the three shown


def _said(error: Mapping[str, object]) -> str:
    # Where a text broke off tells nothing about a row that is kept apart from its page.
    return re.sub(r" at line \d+ column \d+$", "", str(error["msg"]))
