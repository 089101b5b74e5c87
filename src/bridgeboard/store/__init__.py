"""The database of one deployment: one DuckDB file, one writer, many readers."""

from bridgeboard.store.backups import add_backup, backup, backups_of, restore
from bridgeboard.store.database import Store
from bridgeboard.store.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreLocationError,
    StoreTooNewError,
)
from bridgeboard.store.file_location import kept_aside, location, remove
from bridgeboard.store.interceptions import UsageTables, Written
from bridgeboard.store.reader import Batch, Reader
from bridgeboard.store.repair import Repaired, Restored, complete, repair
from bridgeboard.store.retention import prune, rewrite_if_due, still_in_file

__all__ = [
    "Batch",
    "Reader",
    "Repaired",
    "Restored",
    "Store",
    "StoreBusyError",
    "StoreDamagedError",
    "StoreFullError",
    "StoreLocationError",
    "StoreTooNewError",
    "UsageTables",
    "Written",
    "add_backup",
    "backup",
    "backups_of",
    "complete",
    "kept_aside",
    "location",
    "prune",
    "remove",
    "repair",
    "restore",
    "rewrite_if_due",
    "still_in_file",
]
