"""Fast reading of interceptions: decodes only the rows of a page that are new.

A page is cut into rows without looking into them. A row that is known by its digest is passed over
undecoded; the others go through one compiled decoder. Whatever that one does not take, or could
take otherwise than ``calls`` would, is read as ``calls`` reads it: the fast way never decides that
a row is bad, so both ways tell the same.
"""

import json
import re
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, datetime
from functools import cached_property, partial
from hashlib import sha256
from typing import Annotated, Final, TypeAlias
from uuid import UUID

import msgspec
from pydantic import ValidationError

from aibridge import calls
from aibridge.calls import Call, Query
from aibridge.models import Interception, InterceptionPage, Moment, Record, Rejected

MOST_OPENINGS: Final = 190
"""Pydantic's parser gives up below some 200 levels; so many brackets cannot reach them."""

Integer: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]
Position: TypeAlias = tuple[datetime, UUID]


class _Anything(msgspec.Struct, frozen=True, gc=False):
    """An object of which nothing is wanted but that it is one."""


class BulkInitiator(msgspec.Struct, frozen=True, gc=False):
    """The person a request was made for (api-contract 5.1)."""

    id: UUID
    username: str
    name: str | None = None
    avatar_url: str | None = None


class BulkTokenUsage(msgspec.Struct, frozen=True, gc=False):
    """One recorded token row; ``metadata`` is its JSON text, perhaps empty (api-contract 5.3)."""

    id: UUID
    interception_id: UUID
    provider_response_id: str
    input_tokens: Integer
    output_tokens: Integer
    cache_read_input_tokens: Integer
    cache_write_input_tokens: Integer
    created_at: Time
    metadata: msgspec.Raw = msgspec.Raw()


class BulkPrompt(msgspec.Struct, frozen=True, gc=False):
    """The last user text of a request (api-contract 5.4)."""

    id: UUID
    interception_id: UUID
    provider_response_id: str
    prompt: str
    created_at: Time
    metadata: _Anything | None = None


class BulkToolUsage(msgspec.Struct, frozen=True, gc=False):
    """One use of a tool, with the error of its invocation or an empty text (api-contract 5.5)."""

    id: UUID
    interception_id: UUID
    provider_response_id: str
    server_url: str
    tool: str
    injected: bool
    input: str
    invocation_error: str
    created_at: Time
    metadata: _Anything | None = None


class BulkInterception(msgspec.Struct, frozen=True, gc=False):
    """One finished request (api-contract 5.2); a JSON null in place of a list stays None."""

    id: UUID
    initiator: BulkInitiator
    provider: str
    provider_name: str
    model: str
    started_at: Time
    token_usages: list[BulkTokenUsage] | None
    user_prompts: list[BulkPrompt] | None
    tool_usages: list[BulkToolUsage] | None
    api_key_id: str | None = None
    client: str | None = None
    ended_at: Time | None = None
    metadata: _Anything | None = None


@dataclass(frozen=True)
class BulkPage:
    """One page of interceptions, newest first, without those that were known.

    ``count`` is that of all rows that match, ``size`` that of all rows on the page. ``first`` and
    ``last`` are the (started_at, id) of the outermost rows of the page whose position can be read,
    be they known, new or rejected; None when there is none. ``raws`` are the digest and the text
    of each new row.

    Rows are decoded when they are first asked for, so that the next page can be fetched before.
    """

    count: int
    size: int
    first: Position | None
    last: Position | None
    raws: tuple[tuple[int, bytes], ...] = field(default=(), repr=False)

    @property
    def rows(self) -> tuple[BulkInterception, ...]:
        """The readable ones among the new rows."""
        return tuple(row for _, row in self._read if not isinstance(row, Rejected))

    @property
    def digests(self) -> tuple[int, ...]:
        """Beside each of ``rows`` 64 bits, signed, of its text."""
        return tuple(number for number, row in self._read if not isinstance(row, Rejected))

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """The others."""
        return tuple(row for _, row in self._read if isinstance(row, Rejected))

    @cached_property
    def _read(self) -> tuple[tuple[int, BulkInterception | Rejected], ...]:
        return tuple((number, _row(raw)) for number, raw in self.raws)


def interceptions(
    search: Query, *, limit: int, after_id: UUID | str | None, known: Container[int]
) -> Call[BulkPage]:
    """A page of interceptions, newest first (api-contract 2.3). Up to v2.34 only."""
    call = calls.interceptions(search, limit=limit, after_id=after_id)
    return Call(call.path, partial(_page, known), call.params, call.bridged, call.retired)


def digest(raw: bytes | msgspec.Raw) -> int:
    """64 bits of a row's text, as a signed integer; the same on every machine."""
    text = memoryview(raw)
    hashed = sha256(text[:_UNNOTICED])
    for start in range(_UNNOTICED, len(text), _UNNOTICED):
        hashed.update(text[start : start + _UNNOTICED])
    return int.from_bytes(hashed.digest()[:8], "little", signed=True)


_UNNOTICED: Final = 2047
"""Bytes that are hashed without letting go of Python's lock. To let go, and to wait for other
threads, a thousand times a page would take longer than all the hashing."""


class _Envelope(msgspec.Struct, gc=False):
    count: int
    results: list[msgspec.Raw] | None


_OUTERMOST_YEARS: Final = frozenset({MINYEAR, MAXYEAR})
_OBJECT_OR_NULL: Final = frozenset({b"{", b"n", b""})
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_ROW: Final = msgspec.json.Decoder(BulkInterception)


def _page(known: Container[int], body: bytes) -> BulkPage:
    count, raws = _cut(body)
    digests = ((digest(raw), raw) for raw in raws)
    return BulkPage(
        count=count,
        size=len(raws),
        first=_outermost(raws),
        last=_outermost(reversed(raws)),
        raws=tuple((number, bytes(raw)) for number, raw in digests if number not in known),
    )


def _cut(body: bytes) -> tuple[int, Sequence[bytes | msgspec.Raw]]:
    """The count and the text of each row."""
    try:
        envelope = _ENVELOPE.decode(body)
    except (msgspec.DecodeError, RecursionError):
        # Half a character or a NaN anywhere spoils the whole page for this decoder.
        page, rows = calls.unrolled(InterceptionPage, "results", body)
        return page.count, [row.encode() for row in rows]
    return envelope.count, envelope.results or []


def _row(raw: bytes) -> BulkInterception | Rejected:
    try:
        row = _ROW.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _carefully(raw)
    return row if _is_shallow(raw) and _is_plain(row) else _carefully(raw)


def _carefully(raw: bytes) -> BulkInterception | Rejected:
    row = calls.row(Interception, calls.rewritten(raw))
    return row if isinstance(row, Rejected) else _ROW.decode(row.model_dump_json())


_TEXTS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def _is_shallow(raw: bytes) -> bool:
    """Whether no parser can find the row nested too deeply."""
    return _openings(raw) <= MOST_OPENINGS or _openings(_TEXTS.sub(b"", raw)) <= MOST_OPENINGS


def _openings(raw: bytes) -> int:
    return raw.count(b"[") + raw.count(b"{")


def _is_plain(row: BulkInterception) -> bool:
    """Whether nothing is left that the decoder does not look at."""
    for child in row.token_usages or ():
        if bytes(child.metadata)[:1] not in _OBJECT_OR_NULL:
            return False
    # In the first and the last year an offset may lead out of the calendar.
    years = {time.year for time in (row.started_at, row.ended_at) if time}
    for children in (row.token_usages, row.user_prompts, row.tool_usages):
        if children:
            years.update([child.created_at.year for child in children])
    return years.isdisjoint(_OUTERMOST_YEARS)


class _Place(Record):
    started_at: Moment
    id: UUID


def _outermost(raws: Iterable[bytes | msgspec.Raw]) -> Position | None:
    return next((place for raw in raws if (place := _position(bytes(raw)))), None)


def _position(raw: bytes) -> Position | None:
    try:
        place = _Place.model_validate(json.loads(raw))
    except (ValidationError, ValueError, RecursionError):
        return None
    return place.started_at, place.id
