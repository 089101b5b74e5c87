"""Clients of the configured deployment: one for pages, one for the sync."""

import httpx

from aibridge import Client, Pace, default_retry
from bridgeboard.settings import Settings

CONNECT_SECONDS = 10.0
RETRIES = 2
LONGEST_WAIT = 4.0


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
