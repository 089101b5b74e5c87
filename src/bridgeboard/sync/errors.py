"""Why a sync does not even begin."""

from aibridge import AIBridgeError
from bridgeboard.store import StoreError


class UnreadableError(AIBridgeError):
    """The server, or the role of the token, gives nothing to read (api-contract 0, 1.4, 1.5)."""


class ForeignStoreError(StoreError):
    """The store holds the usage of another deployment."""
