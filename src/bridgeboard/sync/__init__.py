"""API → store: the only dictionary between the wire's words and ours."""

from bridgeboard.sync.errors import (
    ErasureKeyLostError,
    ForeignStoreError,
    ServerChangedError,
    UnreadableError,
)
from bridgeboard.sync.options import Options
from bridgeboard.sync.progress import Event
from bridgeboard.sync.reprice import reprice
from bridgeboard.sync.requeue import requeue
from bridgeboard.sync.run import read_session, run
from bridgeboard.sync.vendors import Informant, informed, said

__all__ = [
    "ErasureKeyLostError",
    "Event",
    "ForeignStoreError",
    "Informant",
    "Options",
    "ServerChangedError",
    "UnreadableError",
    "informed",
    "read_session",
    "reprice",
    "requeue",
    "run",
    "said",
]
