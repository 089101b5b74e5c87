"""The objects of the API: frozen models with the API's own field names.

Null, absent and empty are kept apart as far as the server keeps them apart
(docs/api-contract.md section 5): a field typed ``X | None`` is nullable or may be absent,
every other field is always there. Unknown fields are ignored, so a newer server never
breaks an older SDK. All times are aware; all token counts are plain integers.

The four token counts are disjoint: ``input_tokens`` never contains cache reads or writes,
for any provider (contract 4.8).
"""

from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
)

JSONObject: TypeAlias = dict[str, Any]
T = TypeVar("T")


def _null_as_empty(value: object) -> object:
    return () if value is None else value


def _written_out(value: object) -> object:
    if isinstance(value, datetime):
        return value
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        raise ValueError("is not an RFC 3339 time") from None


WireTime: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""An RFC 3339 time with any offset, to the nearest microsecond; never a Unix time."""


def _in_calendar(time: datetime) -> datetime:
    try:
        time.astimezone(UTC)
    except OverflowError:
        raise ValueError("is outside of the years 1 to 9999 in UTC") from None
    return time


Moment: TypeAlias = Annotated[WireTime, AfterValidator(_in_calendar)]
"""A time that exists in UTC."""

Count: TypeAlias = Annotated[StrictInt, Field(ge=-(2**63), le=2**63 - 1)]
"""An integer of the wire: 64 bits (contract 5)."""

Many: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(_null_as_empty)]
"""An array of the wire; a JSON ``null`` is read as the empty one."""


class Record(BaseModel):
    """The base of all answers: frozen, compared by value, blind to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Initiator(Record):
    """The person a request was made for (contract 5.1). Absent name and avatar read as None."""

    id: UUID
    username: str
    name: str | None = None
    avatar_url: str | None = None


class TokenCounts(Record):
    """Four disjoint token counts; ``total_tokens`` is their sum."""

    input_tokens: Count
    output_tokens: Count
    cache_read_input_tokens: Count
    cache_write_input_tokens: Count

    @property
    def total_tokens(self) -> int:
        """All tokens, cached ones included."""
        return (
            self.input_tokens
            + self.output_tokens
            + self.cache_read_input_tokens
            + self.cache_write_input_tokens
        )


class TokenSums(TokenCounts):
    """Summed token counts with summed metadata (contract 4.7); detail endpoint only."""

    metadata: JSONObject | None = None


class TokenUsage(TokenCounts):
    """One recorded token row of an interception (contract 5.3).

    A streamed Anthropic response has two rows with one ``provider_response_id``.
    """

    id: UUID
    interception_id: UUID
    provider_response_id: str
    metadata: JSONObject | None = None
    created_at: Moment


class UserPrompt(Record):
    """The last user text of a request (contract 5.4)."""

    id: UUID
    interception_id: UUID
    provider_response_id: str
    prompt: str
    metadata: JSONObject | None = None
    created_at: Moment


class ToolCall(Record):
    """One use of a tool inside a session's thread (contract 5.7).

    ``input`` is a string that holds JSON text. ``server_url`` is empty unless ``injected``.
    """

    id: UUID
    interception_id: UUID
    provider_response_id: str
    server_url: str
    tool: str
    injected: StrictBool
    input: str
    metadata: JSONObject | None = None
    created_at: Moment


class ToolUsage(ToolCall):
    """A tool call as ``/interceptions`` tells it: with the error of its invocation, or ``""``."""

    invocation_error: str


class Interception(Record):
    """One finished request seen by the bridge (contract 5.2). Servers up to v2.34 only."""

    id: UUID
    api_key_id: str | None = None
    initiator: Initiator
    provider: str
    provider_name: str
    model: str
    client: str | None = None
    metadata: JSONObject | None = None
    started_at: Moment
    ended_at: Moment | None = None
    token_usages: Many[TokenUsage]
    user_prompts: Many[UserPrompt]
    tool_usages: Many[ToolUsage]


class NetworkCalls(Record):
    """Agent-firewall log entries of a session; only newer servers tell them (contract 6.4)."""

    total: StrictInt
    blocked: StrictInt


class SessionSummary(Record):
    """One row of the session list (contract 5.6). Its identity is ``(id, initiator.id)``.

    Under a filter, ``started_at``, ``ended_at``, ``threads`` and ``last_active_at`` speak of
    the matching interceptions, all other fields of the whole session (contract 4.3).
    """

    id: str
    initiator: Initiator
    providers: Many[str]
    models: Many[str]
    client: str | None = None
    metadata: JSONObject | None = None
    started_at: WireTime
    ended_at: WireTime | None = None
    threads: StrictInt
    token_usage_summary: TokenCounts
    network_calls: NetworkCalls | None = None
    last_prompt: str | None = None
    last_active_at: WireTime | None = None

    @property
    def key(self) -> tuple[str, UUID]:
        """The row's identity: two people may share one session id."""
        return self.id, self.initiator.id


class Thinking(Record):
    """One thought of the model, as text."""

    text: str


class AgenticAction(Record):
    """One model turn that called tools: its thinking, tool calls and tokens (contract 4.5)."""

    model: str
    token_usage: TokenSums
    thinking: Many[Thinking]
    tool_calls: Many[ToolCall]


class Thread(Record):
    """One prompt and all that followed (contract 5.7). ``id`` is the root interception's id."""

    id: UUID
    prompt: str | None = None
    model: str
    provider: str
    credential_kind: str | None = None
    credential_hint: str | None = None
    agent_firewall_session_id: UUID | None = None
    agent_firewall_sequence_number: StrictInt | None = None
    error_type: str | None = None
    error_message: str | None = None
    started_at: WireTime
    ended_at: WireTime | None = None
    token_usage: TokenSums
    agentic_actions: Many[AgenticAction]


class Rejected(Record):
    """A row that is not what the contract promises: its JSON text, and what is wrong with it."""

    raw: str
    reason: str


class SessionDetail(Record):
    """One session with a page of its threads, oldest first (contract 5.7).

    Threads beyond the session's first 50 carry no tokens, a server defect; only the four
    numbers of ``token_usage_summary`` speak of the whole session (contract 4.6). Threads that
    could not be read are in ``rejected``, their neighbours in ``threads``.
    """

    id: str
    initiator: Initiator
    providers: Many[str]
    models: Many[str]
    client: str | None = None
    metadata: JSONObject | None = None
    page_started_at: WireTime | None = None
    page_ended_at: WireTime | None = None
    started_at: WireTime
    ended_at: WireTime | None = None
    token_usage_summary: TokenSums
    threads: Many[Thread]
    rejected: tuple[Rejected, ...] = ()


class InterceptionPage(Record):
    """One page of ``/interceptions``; ``count`` is that of all rows that match."""

    count: StrictInt
    results: Many[Interception]
    rejected: tuple[Rejected, ...] = ()


class SessionPage(Record):
    """One page of ``/sessions``; ``count`` is that of all rows that match."""

    count: StrictInt
    sessions: Many[SessionSummary]
    rejected: tuple[Rejected, ...] = ()


class Role(Record):
    """A role of the caller; the implied "member" is not listed (contract 1.8)."""

    name: str
    display_name: str = ""
    organization_id: str | None = None


class User(Record):
    """The caller, from ``/users/me``. The parts the SDK needs."""

    id: UUID
    username: str
    name: str | None = None
    status: str | None = None
    roles: Many[Role] = ()


def _without_credentials(value: object) -> object:
    if not isinstance(value, str) or "@" not in value:
        return value
    # Whatever stands before the last @ of the authority; a password may hold slashes.
    scheme, separator, rest = value.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


class Provider(Record):
    """A configured provider instance (contract 6.4).

    ``type`` is the configured type, of which there are more than recorded ones. ``base_url`` is the
    address of the upstream without the credentials that the server may tell in it; None where the
    answer does not tell it. Keys and settings are not read.
    """

    name: str
    type: str
    display_name: str = ""
    enabled: StrictBool | None = None
    base_url: Annotated[str | None, BeforeValidator(_without_credentials)] = None


class BuildInfo(Record):
    """The server's version and identity, from ``/buildinfo`` (no token needed)."""

    version: str
    external_url: str | None = None
    dashboard_url: str | None = None
    deployment_id: str | None = None


class Feature(Record):
    """One licensed feature."""

    entitlement: str | None = None
    enabled: StrictBool = False


class Entitlements(Record):
    """What the licence allows, from ``/entitlements``."""

    features: dict[str, Feature]
    has_license: StrictBool | None = None
