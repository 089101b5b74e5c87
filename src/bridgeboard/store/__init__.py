"""The database of one deployment: one DuckDB file, one writer, many readers."""

from bridgeboard.store.backup_folder import Backup, add_backup, backups_of
from bridgeboard.store.backups import backup, restore
from bridgeboard.store.consistency import Pair, agreement
from bridgeboard.store.coverage import Coverage, coverage
from bridgeboard.store.database import Store
from bridgeboard.store.errors import (
    StoreBusyError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLocationError,
    StoreTooNewError,
)
from bridgeboard.store.field_coverage import Reach, reach
from bridgeboard.store.file_location import kept_aside, location, remove
from bridgeboard.store.interceptions import Told, Written
from bridgeboard.store.reader import Batch, Reader
from bridgeboard.store.repair import Repaired, Restored, complete, is_whole, repair
from bridgeboard.store.retention import Size, prune, rewrite_if_due, size, still_in_file
from bridgeboard.store.row_access import EVERYTHING, Pseudonyms, Sight
from bridgeboard.store.sync_history import Anomaly, Broken, Run, anomalies, broken, runs

__all__ = [
    "EVERYTHING",
    "Anomaly",
    "Backup",
    "Batch",
    "Broken",
    "Coverage",
    "Pair",
    "Pseudonyms",
    "Reach",
    "Reader",
    "Repaired",
    "Restored",
    "Run",
    "Sight",
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
    "add_backup",
    "agreement",
    "anomalies",
    "backup",
    "backups_of",
    "broken",
    "complete",
    "coverage",
    "is_whole",
    "kept_aside",
    "location",
    "prune",
    "reach",
    "remove",
    "repair",
    "restore",
    "rewrite_if_due",
    "runs",
    "size",
    "still_in_file",
]
