"""The raw tables of an AI Bridge: what a server keeps, before any endpoint computes with it.

``world`` fills them, ``api`` answers from them, and tests build small ones by hand. Ids are
lower-case UUID strings (their text order is their byte order); times are aware UTC; a row is
never changed after it was made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Role = Literal["owner", "auditor", "member"]


@dataclass(frozen=True, slots=True)
class Person:
    """An account of the deployment. ``team`` is the company's, the API never tells it."""

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

    ``base_url`` is returned as the operator wrote it, credentials and all.
    """

    name: str
    type: str
    display_name: str = ""
    deleted: bool = False
    base_url: str = ""


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


@dataclass(frozen=True)
class Tables:
    """All of it, in insertion order."""

    people: Sequence[Person] = ()
    providers: Sequence[Provider] = ()
    interceptions: Sequence[InterceptionRow] = ()
    tokens: Sequence[TokenRow] = ()
    prompts: Sequence[PromptRow] = ()
    tools: Sequence[ToolRow] = ()
    thoughts: Sequence[ThoughtRow] = ()
    firewall_logs: Sequence[FirewallLog] = ()
    deployment_id: str = field(default="00000000-0000-4000-8000-000000000001")
