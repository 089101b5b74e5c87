"""The raw tables of an AI Bridge: what a server keeps, before any endpoint computes with it.

``world`` fills them, ``api`` answers from them, and tests build small ones by hand. Ids are
lower-case UUID strings (their text order is their byte order); times are aware UTC; a row is
never changed after it was made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Role = Literal["owner", "auditor", "member"]


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the deployment. ``team`` is the company's own name of it."""

    id: str
    username: str
    name: str = ""
    email: str = ""
    avatar_url: str = ""
    role: Role = "member"
    team: str = ""
    deleted: bool = False
    status: str = "active"


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured provider instance; ``type`` is one of the nine configured types.

    ``base_url`` is returned as the operator wrote it, credentials and all; of ``api_keys`` only
    their ends are.
    """

    name: str
    type: str
    display_name: str = ""
    deleted: bool = False
    base_url: str = ""
    enabled: bool = True
    api_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InterceptionRow:
    """One request. ``ended_at`` None is unfinished; ``thread_root_id`` None makes it a root.

    ``metadata`` None is SQL's NULL, of which the server makes an error where it lists sessions.
    """

    id: str
    initiator_id: str
    provider: str
    model: str
    started_at: datetime
    ended_at: datetime | None
    session_id: str
    provider_name: str = ""
    client: str | None = None
    metadata: dict[str, Any] | None = field(default_factory=dict)
    thread_root_id: str | None = None
    api_key_id: str | None = None
    credential_kind: str = "centralized"
    credential_hint: str = ""
    error_type: str = ""
    error_message: str = ""
    agent_firewall_session_id: str | None = None
    agent_firewall_sequence_number: int | None = None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token row; a response may have several (api-contract 4.8)."""

    id: str
    interception_id: str
    created_at: datetime
    provider_response_id: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PromptRow:
    """The last user text of one request."""

    id: str
    interception_id: str
    created_at: datetime
    prompt: str
    provider_response_id: str = ""
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolRow:
    """One tool usage; ``input`` is a string that holds JSON text."""

    id: str
    interception_id: str
    created_at: datetime
    tool: str
    input: str = "{}"
    provider_response_id: str = ""
    server_url: str = ""
    injected: bool = False
    invocation_error: str = ""
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ThoughtRow:
    """One thought of the model."""

    id: str
    interception_id: str
    created_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class FirewallLog:
    """One agent-firewall entry; ``allowed`` False is a blocked call."""

    firewall_session_id: str
    sequence_number: int
    allowed: bool


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation. Its members are all people unless some are named."""

    id: str
    name: str
    display_name: str = ""
    member_ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of people of an organisation; deleted people stay in it without being listed.

    The group of all members, which has its organisation's id, is nowhere stored.
    """

    id: str
    name: str
    organization_id: str
    display_name: str = ""
    member_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Budget:
    """A monthly limit in micro-dollars: of each member of a group, or of one person.

    A person's limit names the group that the spend is booked on.
    """

    group_id: str
    limit_micros: int
    set_at: datetime
    changed_at: datetime
    person_id: str = ""


@dataclass(frozen=True, slots=True)
class Booking:
    """Spend that was booked before budgets or memberships became what they are."""

    person_id: str
    group_id: str
    at: datetime
    micros: int


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """What the server takes for a model, in micro-dollars per million tokens."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


DEFAULT_ORGANIZATION = Organization("00000000-0000-4000-8000-0000000000aa", "coder", "Coder")


@dataclass(frozen=True)
class Tables:
    """All of it, in insertion order.

    Everybody joined the organisations in their order; the first is the default one. ``prices`` are
    by recorded provider type and model.
    """

    people: Sequence[Person] = ()
    providers: Sequence[Provider] = ()
    interceptions: Sequence[InterceptionRow] = ()
    tokens: Sequence[TokenRow] = ()
    prompts: Sequence[PromptRow] = ()
    tools: Sequence[ToolRow] = ()
    thoughts: Sequence[ThoughtRow] = ()
    firewall_logs: Sequence[FirewallLog] = ()
    deployment_id: str = field(default="00000000-0000-4000-8000-000000000001")
    organizations: Sequence[Organization] = (DEFAULT_ORGANIZATION,)
    groups: Sequence[Group] = ()
    budgets: Sequence[Budget] = ()
    bookings: Sequence[Booking] = ()
    prices: Mapping[tuple[str, str], ModelPrice] = field(default_factory=dict)
