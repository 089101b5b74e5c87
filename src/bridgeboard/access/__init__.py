"""Who may see what: roles, who has them, which rows they reach, and pseudonyms."""

from bridgeboard.access.identity import (
    Claims,
    Headers,
    Identity,
    RefusedError,
    from_claims,
    from_headers,
)
from bridgeboard.access.pseudonyms import SHORTEST_KEY, aliases
from bridgeboard.access.roles import (
    OPERATOR,
    PAGES,
    PERMISSIONS,
    Permission,
    Role,
    Viewer,
    may_open,
    may_use,
)
from bridgeboard.access.row_access import EVERYTHING, Pseudonyms, RowAccess, row_access_of
from bridgeboard.access.rules import Rules, folded, viewer

__all__ = [
    "EVERYTHING",
    "OPERATOR",
    "PAGES",
    "PERMISSIONS",
    "SHORTEST_KEY",
    "Claims",
    "Headers",
    "Identity",
    "Permission",
    "Pseudonyms",
    "RefusedError",
    "Role",
    "RowAccess",
    "Rules",
    "Viewer",
    "aliases",
    "folded",
    "from_claims",
    "from_headers",
    "may_open",
    "may_use",
    "row_access_of",
    "viewer",
]
