"""What can be looked at one by one: questions to the store, and what they answer as typed rows.

Nothing here is executed: a question is a ``Query``, ``store.rows(*query)`` answers it, and
``typed(kind, rows)`` gives the answer its names.
"""

from bridgeboard.explorer.columns import COLUMNS, RANGES, Column
from bridgeboard.explorer.cursors import Order
from bridgeboard.explorer.errors import CursorError, ExplorerError
from bridgeboard.explorer.finds import Find, Range
from bridgeboard.explorer.listing import Page, SessionRow, beyond, listing, page
from bridgeboard.explorer.narrow import narrowed
from bridgeboard.explorer.search import (
    Hit,
    Progress,
    Search,
    Slice,
    Spot,
    begun,
    folded,
    matches,
    slices,
    spread,
)
from bridgeboard.explorer.texts import KINDS
from bridgeboard.explorer.totals import Sums, Totals, count, total, totals

__all__ = [
    "COLUMNS",
    "KINDS",
    "RANGES",
    "Column",
    "CursorError",
    "ExplorerError",
    "Find",
    "Hit",
    "Order",
    "Page",
    "Progress",
    "Range",
    "Search",
    "SessionRow",
    "Slice",
    "Spot",
    "Sums",
    "Totals",
    "begun",
    "beyond",
    "count",
    "folded",
    "listing",
    "matches",
    "narrowed",
    "page",
    "slices",
    "spread",
    "total",
    "totals",
]
