"""Copies the API into the store; the only place that translates the API's words into ours."""

from bridgeboard.sync.errors import (
    ErasureKeyLostError,
    ForeignStoreError,
    ServerChangedError,
    UnreadableError,
)
from bridgeboard.sync.families import renew as name_models
from bridgeboard.sync.options import Options
from bridgeboard.sync.reprice import reprice
from bridgeboard.sync.requeue import requeue
from bridgeboard.sync.run import read_session, run

__all__ = [
    "ErasureKeyLostError",
    "ForeignStoreError",
    "Options",
    "ServerChangedError",
    "UnreadableError",
    "name_models",
    "read_session",
    "reprice",
    "requeue",
    "run",
]
