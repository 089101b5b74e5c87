"""What a page may ask for: the one cached door to the deployment.

Answers are frozen and shared between browser sessions; what failed is never kept. The key
of every cache holds the deployment and a digest of the token, so that no answer meant for one
token is ever shown for another.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import streamlit as st

from aibridge import (
    Capabilities,
    Client,
    Interception,
    Search,
)
from bridgeboard import settings
from bridgeboard.runtime import connect

T = TypeVar("T")

FRESH = "60s"


def capabilities() -> Capabilities:
    """What this deployment and token can do. Raises AIBridgeError."""
    return _capabilities(_key())


def request(interception: UUID, initiator: UUID, started_at: datetime) -> Interception | None:
    """One request as the deployment lists it; None where it does so no more.

    Raises EndpointGoneError where no list of requests exists, AIBridgeError.
    """
    return _request(_key(), interception, initiator, started_at)


def _key() -> str:
    now = settings.current()
    secret = now.token.get_secret_value()
    return hashlib.sha256(f"{now.url}\n{secret}".encode()).hexdigest()


def _read(deployment: str, ask: Callable[[Client], T]) -> T:
    return ask(_client(deployment))


@st.cache_resource(max_entries=4, show_spinner=False, on_release=Client.close)
def _client(deployment: str) -> Client:  # noqa: ARG001 - what it is kept under
    return connect.client(settings.current())


@st.cache_resource(ttl=FRESH, max_entries=8, show_spinner="Asking the deployment who we are …")
def _capabilities(deployment: str) -> Capabilities:
    return _read(deployment, lambda client: client.capabilities())


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner="Asking the deployment …")
def _request(
    deployment: str, interception: UUID, initiator: UUID, started_at: datetime
) -> Interception | None:
    # Nothing lists a request by its id; its person and its moment leave few others.
    near = Search(
        initiator=initiator,
        started_after=started_at - timedelta(microseconds=1),
        started_before=started_at + timedelta(microseconds=1),
    )
    return _read(
        deployment,
        lambda client: next(
            (row for row in client.interceptions(near) if row.id == interception), None
        ),
    )
