"""The database of one deployment: one DuckDB file, one writer, many readers."""

from bridgeboard.store.backup_folder import add_backup, backups_of
from bridgeboard.store.backups import backup, restore
from bridgeboard.store.database import Store
from bridgeboard.store.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreFullError,
    StoreLocationError,
    StoreTooNewError,
)
from bridgeboard.store.file_location import kept_aside, location, remove
from bridgeboard.store.interceptions import InterceptionTables, Written
from bridgeboard.store.reader import Batch, Reader
from bridgeboard.store.repair import Repaired, Restored, complete, repair
from bridgeboard.store.retention import Size, prune, rewrite_if_due, size, still_in_file

__all__ = [
    "Batch",
    "InterceptionTables",
    "Reader",
    "Repaired",
    "Restored",
    "Size",
    "Store",
    "StoreBusyError",
    "StoreDamagedError",
    "StoreFullError",
    "StoreLocationError",
    "StoreTooNewError",
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
    "size",
    "still_in_file",
]
