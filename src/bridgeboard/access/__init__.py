"""Who may see what: roles, who has them, and names that are none. Standard library only."""

from bridgeboard.access.errors import RefusedError
from bridgeboard.access.identity import Claims, Headers, Identity, from_claims, from_headers
from bridgeboard.access.pseudonyms import SHORTEST_KEY, aliases
from bridgeboard.access.roles import (
    OPERATOR,
    PAGES,
    SURFACES,
    Role,
    Surface,
    Viewer,
    may_open,
    may_use,
)
from bridgeboard.access.rules import Rules, viewer

__all__ = [
    "OPERATOR",
    "PAGES",
    "SHORTEST_KEY",
    "SURFACES",
    "Claims",
    "Headers",
    "Identity",
    "RefusedError",
    "Role",
    "Rules",
    "Surface",
    "Viewer",
    "aliases",
    "from_claims",
    "from_headers",
    "may_open",
    "may_use",
    "viewer",
]
