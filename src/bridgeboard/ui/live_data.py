"""Cached requests of pages to the deployment.

Answers are frozen and shared between browser sessions; what failed is never kept. The key of every
cache holds the deployment and a digest of the token, so that no answer meant for one token is ever
shown for another.
"""

import hashlib
from datetime import datetime
from uuid import UUID

import streamlit as st

from bridgeboard import settings
from bridgeboard.model.deployment import Capabilities, Deployment, DeploymentError, RecordedRequest
from bridgeboard.runtime import process

FRESH = "60s"


def capabilities() -> Capabilities:
    """What this deployment and token can do. Raises DeploymentError."""
    return _capabilities(_key())


def request(interception: UUID, initiator: UUID, started_at: datetime) -> RecordedRequest | None:
    """One request as the deployment lists it; None where it does so no more.

    Raises DeploymentError.
    """
    return _request(_key(), interception, initiator, started_at)


def _key() -> str:
    now = settings.current()
    secret = now.token.get_secret_value()
    return hashlib.sha256(f"{now.url}\n{secret}".encode()).hexdigest()


def _deployment() -> Deployment:
    running = process.current()
    if running is None:
        raise DeploymentError("No deployment is served here. Run: bridgeboard serve", "other")
    return running.deployment


@st.cache_resource(ttl=FRESH, max_entries=8, show_spinner="Asking the deployment who we are …")
def _capabilities(deployment: str) -> Capabilities:  # noqa: ARG001 - what it is kept under
    return _deployment().capabilities()


@st.cache_resource(ttl=FRESH, max_entries=64, show_spinner="Asking the deployment …")
def _request(
    deployment: str,  # noqa: ARG001 - likewise
    interception: UUID,
    initiator: UUID,
    started_at: datetime,
) -> RecordedRequest | None:
    return _deployment().request(interception, initiator, started_at)
