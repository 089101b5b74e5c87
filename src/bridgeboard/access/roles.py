"""Roles and permissions: which pages each role may open and what it may do there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What somebody may see; several roles of one person add up.

    SELF: their own usage and sessions, with their own text. VIEWER: totals, teams, models and
    tools, and nobody by name. LEAD: their own teams, by name. ANALYST: everybody, no text.
    AUDITOR: as analyst, and may reveal text, with a reason. ADMIN: numbers as a viewer, settings,
    sync and the audit log.
    """

    SELF = "self"
    VIEWER = "viewer"
    LEAD = "lead"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Permission(StrEnum):
    """What somebody may do on a page, besides reading its numbers."""

    REVEAL = "reveal"
    REVEAL_OWN = "reveal_own"
    SEARCH = "search"
    EXPORT = "export"
    NOTES = "notes"
    VIEWS = "views"
    SYNC = "sync"


@dataclass(frozen=True)
class Viewer:
    """Who looks at the dashboard, as it knows them.

    Attributes:
        name: what to call them; what the audit log says.
        roles: what they may do.
        teams: whose lead they are; empty for everybody who is no LEAD.
        username: theirs at the deployment, for SELF; empty when unknown.
    """

    name: str
    roles: frozenset[Role] = field(default_factory=frozenset)
    teams: frozenset[str] = field(default_factory=frozenset)
    username: str = ""

    def may(self, *roles: Role) -> bool:
        """Whether they have any of these roles."""
        return not self.roles.isdisjoint(roles)


OPERATOR: Final = Viewer("operator", frozenset(Role))
"""Who looks when neither a login nor a proxy is configured: only this machine can reach the port,
and whoever sits there holds the token anyway."""

_ALL: Final = frozenset(Role)
_NUMBERS: Final = _ALL - {Role.SELF}
_SEES_PEOPLE: Final = frozenset({Role.LEAD, Role.ANALYST, Role.AUDITOR})
_OWN: Final = _SEES_PEOPLE | {Role.SELF}

PAGES: Final[Mapping[str, frozenset[Role]]] = MappingProxyType(
    {
        "overview": _ALL,
        "spend": _ALL,
        "budgets": _ALL,
        "people": _NUMBERS,
        "person": _OWN,
        "models": _ALL,
        "tools": _ALL,
        "sessions": _OWN,
        "session": _OWN,
        "interceptions": _OWN,
        "compare": _OWN,
        "radar": _SEES_PEOPLE,
        "trust": _NUMBERS,
        "audit": frozenset({Role.ADMIN}),
        "settings": frozenset({Role.ADMIN}),
    }
)
"""Page (its file's name) → who may open it. What stands on it is another question: how much of the
store somebody reaches is the store's to enforce."""

PERMISSIONS: Final[Mapping[Permission, frozenset[Role]]] = MappingProxyType(
    {
        Permission.REVEAL: frozenset({Role.AUDITOR}),
        Permission.REVEAL_OWN: frozenset({Role.SELF, Role.AUDITOR}),
        Permission.SEARCH: frozenset({Role.AUDITOR}),
        Permission.EXPORT: _ALL,
        Permission.NOTES: _ALL,
        Permission.VIEWS: _ALL,
        Permission.SYNC: frozenset({Role.ADMIN}),
    }
)
"""Permission → the roles that have it. It widens nothing: an export holds the rows of its page."""


def may_open(viewer: Viewer, page: str) -> bool:
    """Whether somebody may open a page; nobody may open one that the table does not know."""
    return viewer.may(*PAGES.get(page, ()))


def may_use(viewer: Viewer, permission: Permission) -> bool:
    """Whether somebody has this permission, on the pages that they may open."""
    return viewer.may(*PERMISSIONS[permission])
