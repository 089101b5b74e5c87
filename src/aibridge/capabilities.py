"""What a server and a token can do, found out by requests (api-contract 1.8, 6.2, 6.3)."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from aibridge import calls
from aibridge.calls import NEW_PREFIX, OLD_PREFIX, Route
from aibridge.errors import (
    AuthenticationError,
    BadRequestError,
    DecodeError,
    EndpointGoneError,
    ForbiddenError,
    NotFoundError,
    ServerError,
)
from aibridge.lists import Plan
from aibridge.models import BuildInfo, Feature, User
from aibridge.search import Search

Release = tuple[int, int]

SESSIONS_SINCE: Release = (2, 32)
NEW_PREFIX_SINCE: Release = (2, 35)
READERS = frozenset({"owner", "auditor"})

_NEVER = Search(started_after=datetime(9999, 1, 1, tzinfo=UTC))
_USUAL_INSTANCES = ("anthropic", "openai", "copilot")
"""Names that provider instances have unless the operator chose others (api-contract 4.11)."""
_UNKNOWN_INSTANCE = "provider not found or unauthorized"
"""What a server says of a name that it does not know, or to who may not know (api-contract 3.7)."""


@dataclass(frozen=True)
class Capabilities:
    """What a server and a token can do together.

    ``release`` is (major, minor), or None for developer builds. ``enabled``: AI Bridge is
    licensed and switched on. ``roles`` are those of the whole site. ``can_read``: lists show
    everybody's rows; without it they are empty rather than forbidden (api-contract 1.5).
    ``can_filter_provider_name``: whether ``Search(provider_name=...)`` is answered, as the server
    did when it was asked; of an instance it does not know, or no longer, it may still refuse the
    name (api-contract 3.7).
    ``problem`` is None, or says in a sentence or two what stands in the way and what to do.
    """

    version: str
    release: Release | None
    prefix: str
    enabled: bool
    user_id: UUID
    username: str
    roles: frozenset[str]
    can_read: bool
    has_interceptions: bool
    can_filter_provider_name: bool
    deployment_id: str | None
    problem: str | None


def release_of(version: str) -> Release | None:
    """Major and minor of a version text; None for developer builds (api-contract 1.8)."""
    match = re.match(r"v?(\d{1,6})\.(\d{1,6})\.", version)
    if match is None or "-devel" in version:
        return None
    return int(match[1]), int(match[2])


def find_route() -> Plan[Route]:
    """Where this server keeps AI Bridge, by its version."""
    info: BuildInfo = yield calls.buildinfo()
    return (yield from _route_of(info))


def capabilities(prefix: str | None) -> Plan[Capabilities]:
    """Ask for all that ``Capabilities`` tells; ``prefix`` as the client was given it."""
    info: BuildInfo = yield calls.buildinfo()
    feature = yield from _feature()
    caller: User = yield calls.me()
    route = Route(prefix) if prefix else (yield from _route_of(info))
    release = release_of(info.version)
    listed = yield from _lists_interceptions(route, release, enabled=bool(feature.enabled))
    roles = frozenset(role.name for role in caller.roles if not role.organization_id)
    problem = _problem(info, feature, caller, roles)
    named = False if problem else (yield from _filters_provider_name(route, roles))
    return Capabilities(
        version=info.version,
        release=release,
        prefix=route.prefix,
        enabled=feature.enabled,
        user_id=caller.id,
        username=caller.username,
        roles=roles,
        can_read=bool(roles & READERS),
        has_interceptions=listed,
        can_filter_provider_name=named,
        deployment_id=info.deployment_id,
        problem=problem,
    )


def _since(first: Release, release: Release | None) -> bool:
    return release is None or release >= first


def _filters_provider_name(route: Route, roles: frozenset[str]) -> Plan[bool]:
    """Whether the server takes the filter from this caller, found by asking for no rows at all."""
    for name in _USUAL_INSTANCES:
        try:
            yield calls.sessions(replace(_NEVER, provider_name=name), limit=1).on(route)
        except BadRequestError as error:
            if not any(_UNKNOWN_INSTANCE in each.detail for each in error.validations):
                return False
            # An owner may know all instances, so there is none of this name.
            if "owner" in roles:
                return True
        except (DecodeError, ServerError):
            # A list that fails says nothing of the filter, and stands in the way of nothing else.
            return False
        else:
            return True
    return False


def _feature() -> Plan[Feature]:
    try:
        entitlements = yield calls.entitlements()
    except NotFoundError:
        return Feature(entitlement="absent")
    feature: Feature = entitlements.features.get("aibridge", Feature())
    return feature


def _route_of(info: BuildInfo) -> Plan[Route]:
    release = release_of(info.version)
    if release is None:
        is_new = yield from _exists(NEW_PREFIX)
        return Route(NEW_PREFIX if is_new else OLD_PREFIX)
    is_new = release >= NEW_PREFIX_SINCE
    return Route(NEW_PREFIX if is_new else OLD_PREFIX, has_interceptions=not is_new)


def _exists(prefix: str) -> Plan[bool]:
    # No session can have this id, so the answer is cheap; what matters is who says no.
    nobody = calls.session(str(UUID(int=0)), limit=1)
    try:
        yield nobody.on(Route(prefix))
    except NotFoundError as error:
        return (error.message or "").startswith("Session not found")
    except (AuthenticationError, BadRequestError, EndpointGoneError, ForbiddenError):
        return True
    return True


def _lists_interceptions(route: Route, release: Release | None, *, enabled: bool) -> Plan[bool]:
    if release is not None:
        return release < NEW_PREFIX_SINCE
    if not enabled:
        return False
    try:
        yield calls.interceptions(None, limit=1).on(route)
    except EndpointGoneError:
        return False
    return True


def _problem(info: BuildInfo, feature: Feature, caller: User, roles: frozenset[str]) -> str | None:
    if not feature.enabled:
        return _unavailable(feature)
    if not _since(SESSIONS_SINCE, release_of(info.version)):
        return f"The server is {info.version}, but sessions need v2.32: upgrade the server."
    if not roles & READERS:
        return (
            f"{caller.username} is neither owner nor auditor: for other roles the lists are empty,"
            " not forbidden. Use the token of an owner or auditor."
        )
    return None


def _unavailable(feature: Feature) -> str:
    if feature.entitlement == "absent":
        return (
            "The server is a build without premium features, AI Bridge among them:"
            " install the standard build and a licence."
        )
    if feature.entitlement in {"entitled", "grace_period"}:
        return "AI Bridge is licensed but switched off: ask the operator to switch it on."
    return "The server's licence does not include AI Bridge: ask the operator for one that does."
