"""The database of one deployment: one DuckDB file, one writer, many readers."""

from bridgeboard.store.agreement import Pair, agreement
from bridgeboard.store.archive import backup, restore
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
from bridgeboard.store.interceptions import Told, Written
from bridgeboard.store.journal import Anomaly, Broken, Run, anomalies, broken, runs
from bridgeboard.store.places import kept_aside, location, remove
from bridgeboard.store.reach import Reach, reach
from bridgeboard.store.reader import Batch, Reader
from bridgeboard.store.rescue import Rescued, repair
from bridgeboard.store.sight import EVERYTHING, Pseudonyms, Sight
from bridgeboard.store.upkeep import Size, prune, rewrite_if_due, size, still_in_file

__all__ = [
    "EVERYTHING",
    "Anomaly",
    "Batch",
    "Broken",
    "Coverage",
    "Pair",
    "Pseudonyms",
    "Reach",
    "Reader",
    "Rescued",
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
    "agreement",
    "anomalies",
    "backup",
    "broken",
    "coverage",
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
