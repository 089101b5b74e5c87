"""Errors that keep a sync from starting or from going on."""

from aibridge import AIBridgeError
from bridgeboard.model.store import StoreError


class UnreadableError(AIBridgeError):
    """The server or the token's role gives nothing to read (api-contract 0, 1.4, 1.5)."""


class ServerChangedError(AIBridgeError):
    """The server was upgraded during a sync and no longer lists interceptions."""

    usual_advice = "Nothing is to be done: the next sync reads what the new version offers."


class ForeignStoreError(StoreError):
    """The store holds the usage of another deployment."""


class ErasureKeyLostError(StoreError):
    """People were erased from the store, and it can no longer recognise them."""
