"""Clients of the configured deployment: for the sync, and for pages that wait for an answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from uuid import UUID

import httpx

from aibridge import (
    AIBridgeError,
    AuthenticationError,
    Client,
    ConfigurationError,
    ConnectionFailedError,
    EndpointGoneError,
    FeatureUnavailableError,
    Interception,
    Pace,
    Search,
    default_retry,
)
from bridgeboard.model.deployment import (
    Capabilities,
    DeploymentError,
    RecordedRequest,
    TokenRow,
    Trouble,
)
from bridgeboard.settings import Settings

CONNECT_SECONDS = 10.0
RETRIES = 2
LONGEST_WAIT = 4.0
_TROUBLES: Final[dict[type[AIBridgeError], Trouble]] = {
    AuthenticationError: "token",
    ConfigurationError: "settings",
    ConnectionFailedError: "silent",
    FeatureUnavailableError: "unavailable",
    EndpointGoneError: "gone",
}


def client(settings: Settings) -> Client:
    """A client for the configured deployment, as patient as a reader before a page.

    It tries a failing request twice more within seconds, rather than for minutes. Raises an
    ``AIBridgeError`` for an address or token that cannot be used.
    """
    return Client(
        settings.url,
        settings.token.get_secret_value(),
        timeout=httpx.Timeout(settings.timeout_seconds, connect=CONNECT_SECONDS),
        retry=default_retry().copy_with(
            total=RETRIES, max_backoff_wait=LONGEST_WAIT, total_timeout=RETRIES * LONGEST_WAIT
        ),
    )


def patient_client(settings: Settings) -> Client:
    """A client for syncing: it keeps below the server's rate limit and sits out its bad minutes."""
    return Client(
        settings.url,
        settings.token.get_secret_value(),
        timeout=httpx.Timeout(settings.timeout_seconds, connect=CONNECT_SECONDS),
        pace=Pace(),
    )


class LiveDeployment:
    """The deployment of some settings; its client is made when it is asked first."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._making = Lock()
        self._client: Client | None = None

    def capabilities(self) -> Capabilities:
        """What it and the token can do. Raises DeploymentError."""
        with _explained():
            able = self._opened().capabilities()
        return Capabilities(
            enabled=able.enabled,
            problem=able.problem,
            version=able.version,
            username=able.username,
            roles=able.roles,
            can_read=able.can_read,
            can_filter_provider_name=able.can_filter_provider_name,
        )

    def request(
        self, interception: UUID, initiator: UUID, started_at: datetime
    ) -> RecordedRequest | None:
        """One request as the deployment lists it; None where it does so no more.

        Raises DeploymentError.
        """
        # Nothing lists a request by its id; its person and its moment leave few others.
        near = Search(
            initiator=initiator,
            started_after=started_at - timedelta(microseconds=1),
            started_before=started_at + timedelta(microseconds=1),
        )
        with _explained():
            rows = self._opened().interceptions(near)
            row = next((each for each in rows if each.id == interception), None)
        return _recorded(row) if row else None

    def close(self) -> None:
        """Let go of its connections; may be repeated."""
        with self._making:
            if self._client:
                self._client.close()
            self._client = None

    def _opened(self) -> Client:
        with self._making:
            if self._client is None:
                self._client = client(self._settings)
            return self._client


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except AIBridgeError as error:
        troubles = (each for kind, each in _TROUBLES.items() if isinstance(error, kind))
        raise DeploymentError(str(error), next(troubles, "other")) from error


def _recorded(row: Interception) -> RecordedRequest:
    return RecordedRequest(
        token_rows=tuple(
            TokenRow(
                each.created_at,
                each.provider_response_id,
                each.input_tokens,
                each.output_tokens,
                each.cache_read_input_tokens,
                each.cache_write_input_tokens,
            )
            for each in row.token_usages
        ),
        metadata=row.metadata,
        metadata_of={
            what: tuple(each.metadata for each in rows if each.metadata)
            for what, rows in (
                ("token rows", row.token_usages),
                ("prompts", row.user_prompts),
                ("tool calls", row.tool_usages),
            )
        },
    )
