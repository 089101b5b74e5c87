"""The endpoints around the bridge: version, licence, caller (api-contract 1.8)."""

from typing import Any

from bridgeboard.demo.records import Person

_LONG_AGO = "2025-01-06T09:00:00Z"
_ORGANIZATION = "00000000-0000-4000-8000-0000000000aa"


def buildinfo(version: str, access_url: str, deployment_id: str) -> dict[str, Any]:
    """Return ``/buildinfo``."""
    return {
        "external_url": f"https://github.com/coder/coder/commit/{version.rpartition('+')[2]}",
        "version": version,
        "dashboard_url": access_url,
        "telemetry": False,
        "workspace_proxy": False,
        "agent_api_version": "1.0",
        "provisioner_api_version": "1.0",
        "upgrade_message": "",
        "deployment_id": deployment_id,
    }


def entitlements(*, licensed: bool, enabled: bool) -> dict[str, Any]:
    """Return ``/entitlements``; the bridge's gate is open exactly when ``enabled`` is told."""
    feature = {
        "entitlement": "entitled" if licensed else "not_entitled",
        "enabled": licensed and enabled,
    }
    return {
        "features": {"aibridge": feature},
        "warnings": [],
        "errors": [],
        "has_license": licensed,
        "trial": False,
        "require_telemetry": False,
        "refreshed_at": _LONG_AGO,
    }


def me(person: Person) -> dict[str, Any]:
    """Return ``/users/me``; the implied role "member" is not listed."""
    optional = {"name": person.name, "avatar_url": person.avatar_url}
    roles = [] if person.role == "member" else [person.role]
    return {
        "id": person.id,
        "username": person.username,
        **{key: value for key, value in optional.items() if value},
        "email": person.email,
        "created_at": _LONG_AGO,
        "updated_at": _LONG_AGO,
        "last_seen_at": _LONG_AGO,
        "status": person.status,
        "login_type": "password",
        "organization_ids": [_ORGANIZATION],
        "roles": [{"name": role, "display_name": role.capitalize()} for role in roles],
        "has_ai_seat": True,
    }
