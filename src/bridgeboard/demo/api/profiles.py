"""What a server version is like: where the profiles differ (api-contract section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

Profile: TypeAlias = Literal["v2.34", "v2.35", "newer"]


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
    "newer": Era(
        version="v2.36.0+e2b71f9",
        prefixes=(_NEW_PREFIX, _OLD_PREFIX),
        product="AI Gateway",
        tells_errors=True,
        tells_network_calls=True,
        knows_budgets=True,
        lists_providers=True,
    ),
}
