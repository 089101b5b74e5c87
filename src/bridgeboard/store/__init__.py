"""The database of one deployment: one DuckDB file, one writer, many readers."""

from bridgeboard.store.archive import backup, restore
from bridgeboard.store.database import Batch, Reader, Store
from bridgeboard.store.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLocationError,
    StoreTooNewError,
)
from bridgeboard.store.interceptions import Told, Written
from bridgeboard.store.places import location
from bridgeboard.store.upkeep import Size, prune, size

__all__ = [
    "Batch",
    "Reader",
    "Size",
    "Store",
    "StoreBusyError",
    "StoreDamagedError",
    "StoreError",
    "StoreFullError",
    "StoreLocationError",
    "StoreTooNewError",
    "Told",
    "Written",
    "backup",
    "location",
    "prune",
    "restore",
    "size",
]
