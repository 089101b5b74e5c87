"""A deployment as pages know it: what it can do, what it tells of a request, why it does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

Trouble = Literal["token", "settings", "silent", "unavailable", "gone", "elsewhere", "other"]
"""It refuses the token; its address or token cannot be used; it does not answer; AI Bridge is not
available there; it has no such list (any more); only another process may ask it; anything else."""


class DeploymentError(Exception):
    """The deployment did not answer; the message says why and what to do next."""

    def __init__(self, message: str, trouble: Trouble) -> None:
        super().__init__(message)
        self.trouble = trouble


@dataclass(frozen=True)
class Capabilities:
    """What a deployment and a token can do.

    Attributes:
        enabled: whether AI Bridge is licensed and switched on.
        problem: what stands in the way and what to do, or None.
        version: of the deployment.
        username: of the token's owner.
        roles: of the token's owner, those of the whole site.
        can_read: whether lists show what everybody did.
        can_filter_provider_name: whether lists can be narrowed to one provider instance.
    """

    enabled: bool
    problem: str | None
    version: str
    username: str
    roles: frozenset[str]
    can_read: bool
    can_filter_provider_name: bool


@dataclass(frozen=True)
class TokenRow:
    """Tokens of one answer, as the deployment recorded them."""

    recorded_at: datetime
    response: str
    input: int
    output: int
    cache_read: int
    cache_write: int


@dataclass(frozen=True)
class RecordedRequest:
    """What only the deployment tells of a request.

    Attributes:
        token_rows: as they were recorded; those of one answer have the same response.
        metadata: of the request, or None.
        metadata_of: what is recorded of it ("prompts") → the metadata of each of these.
    """

    token_rows: tuple[TokenRow, ...]
    metadata: Mapping[str, Any] | None
    metadata_of: Mapping[str, tuple[Any, ...]]


class Deployment(Protocol):
    """Questions to a deployment that are asked while somebody waits."""

    def capabilities(self) -> Capabilities:
        """What it and the token can do. Raises DeploymentError."""

    def request(
        self, interception: UUID, initiator: UUID, started_at: datetime
    ) -> RecordedRequest | None:
        """One request as the deployment lists it; None where it does so no more.

        Raises DeploymentError.
        """
