"""Why a sync does not even begin, or not go on."""

from aibridge import AIBridgeError
from bridgeboard.model.store import StoreError


class UnreadableError(AIBridgeError):
    """The server, or the role of the token, gives nothing to read (api-contract 0, 1.4, 1.5)."""


class ServerChangedError(AIBridgeError):
    """The server was upgraded in the middle of a sync, and lists interceptions no longer."""

    usual_advice = "The next sync goes on with what the new version tells: nothing is to be done."


class ForeignStoreError(StoreError):
    """The store holds the usage of another deployment."""


class ErasureKeyLostError(StoreError):
    """People were erased from the store, and it cannot tell any more who they are."""
