"""Server versions (api-contract 6), and the endpoints around the bridge (api-contract 1.8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import NAMESPACE_URL, uuid5

from bridgeboard.demo.records import Person, Provider

Profile: TypeAlias = Literal["v2.34", "v2.35", "v2.36-pre", "newer"]


@dataclass(frozen=True, slots=True)
class Era:
    """One generation of servers; ``product`` is the name its error texts use."""

    version: str
    prefixes: tuple[str, ...]
    product: str
    has_interceptions: bool = False
    threads_tell_firewall: bool = True
    tells_errors: bool = False
    tells_network_calls: bool = False
    knows_budgets: bool = False
    lists_providers: bool = False
    needs_experiment: bool = True


_OLD_PREFIX, _NEW_PREFIX = "/api/v2/aibridge", "/api/v2/ai-gateway"

ERAS: Mapping[Profile, Era] = {
    "v2.34": Era(
        version="v2.34.1+1d9ccb7",
        prefixes=(_OLD_PREFIX,),
        product="AI Bridge",
        has_interceptions=True,
        threads_tell_firewall=False,
    ),
    "v2.35": Era(
        version="v2.35.1+6c40e8a",
        prefixes=(_NEW_PREFIX, _OLD_PREFIX),
        product="AI Gateway",
    ),
    "v2.36-pre": Era(
        version="v2.36.0-devel+f963381",
        prefixes=(_NEW_PREFIX, _OLD_PREFIX),
        product="AI Gateway",
        tells_errors=True,
        tells_network_calls=True,
        knows_budgets=True,
    ),
    "newer": Era(
        version="v2.36.0+e2b71f9",
        prefixes=(_NEW_PREFIX, _OLD_PREFIX),
        product="AI Gateway",
        tells_errors=True,
        tells_network_calls=True,
        knows_budgets=True,
        lists_providers=True,
        needs_experiment=False,
    ),
}


LONG_AGO = "2025-01-06T09:00:00Z"


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
    """Return ``/entitlements``; the bridge's gate is open exactly when it says ``enabled``."""
    feature = {
        "entitlement": "entitled" if licensed else "not_entitled",
        "enabled": licensed and enabled,
    }
    return {
        "features": {
            "aibridge": feature,
            "template_rbac": feature | {"enabled": licensed},
        },
        "warnings": [],
        "errors": [],
        "has_license": licensed,
        "trial": False,
        "require_telemetry": False,
        "refreshed_at": LONG_AGO,
    }


def user(person: Person, changed_at: str = LONG_AGO) -> dict[str, Any]:
    """What every answer tells of a user."""
    optional = {"name": person.name, "avatar_url": person.avatar_url}
    return {
        "id": person.id,
        "username": person.username,
        **{key: value for key, value in optional.items() if value},
        "email": person.email,
        "created_at": changed_at,
        "updated_at": changed_at,
        "last_seen_at": LONG_AGO,
        "status": person.status,
        "login_type": "password",
    }


def me(person: Person, organization_ids: list[str]) -> dict[str, Any]:
    """Return ``/users/me``; the implied role "member" is not listed."""
    roles = [] if person.role == "member" else [person.role]
    return {
        **user(person),
        "organization_ids": organization_ids,
        "roles": [{"name": role, "display_name": role.capitalize()} for role in roles],
        "has_ai_seat": True,
    }


def providers(instances: Iterable[Provider], *, icons: bool) -> list[dict[str, Any]]:
    """Return ``/ai/providers``: what is configured, credentials of addresses included."""
    return [
        {
            "id": str(uuid5(NAMESPACE_URL, each.name)),
            "type": each.type,
            "name": each.name,
            "display_name": each.display_name or each.name,
            **({"icon": ""} if icons else {}),
            "enabled": each.enabled,
            "base_url": each.base_url,
            "api_keys": [
                {
                    "id": str(uuid5(NAMESPACE_URL, key)),
                    "masked": _masked(key),
                    "created_at": LONG_AGO,
                }
                for key in each.api_keys
            ],
            "settings": {"_type": "bedrock", "_version": 1} if each.type == "bedrock" else None,
            "created_at": LONG_AGO,
            "updated_at": LONG_AGO,
        }
        for each in sorted(instances, key=lambda each: each.name)
        if not each.deleted
    ]


def _masked(key: str) -> str:
    shown = next((n for length, n in ((20, 4), (10, 2), (5, 1)) if len(key) >= length), 0)
    return f"{key[:shown]}...{key[len(key) - shown :]}"


def all_providers(instances: Iterable[Provider]) -> list[dict[str, Any]]:
    """Return ``/ai-gateway/providers``: names and types, deleted ones included."""
    return [
        {
            "name": each.name,
            "type": each.type,
            "display_name": each.display_name or each.name,
            "icon": "",
        }
        for each in sorted(instances, key=lambda each: each.name)
    ]
