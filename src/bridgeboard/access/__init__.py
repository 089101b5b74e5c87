"""Who may see what: roles, who has them, and names that are none. Standard library only."""

from bridgeboard.access.errors import RefusedError
from bridgeboard.access.identity import Claims, Headers, Identity, from_claims, from_headers
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
from bridgeboard.access.rules import Rules, viewer

__all__ = [
    "OPERATOR",
    "PAGES",
    "PERMISSIONS",
    "SHORTEST_KEY",
    "Claims",
    "Headers",
    "Identity",
    "Permission",
    "RefusedError",
    "Role",
    "Rules",
    "Viewer",
    "aliases",
    "from_claims",
    "from_headers",
    "may_open",
    "may_use",
    "viewer",
]
