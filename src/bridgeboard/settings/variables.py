"""The environment variable of each setting."""

from typing import Final

from pydantic import AliasChoices

_VARIABLES: Final = {
    "url": "CODER_URL",
    "token": "CODER_SESSION_TOKEN",
    "token_file": "CODER_SESSION_TOKEN_FILE",
    "data_folder": "BRIDGEBOARD_DATA",
    "prices_file": "BRIDGEBOARD_PRICES",
    "teams_file": "BRIDGEBOARD_TEAMS",
    "budgets_file": "BRIDGEBOARD_BUDGETS",
    "alerts_file": "BRIDGEBOARD_ALERTS",
}
"""Settings whose environment variables are not called ``BRIDGEBOARD_`` and their names."""
_TABLES: Final = frozenset({"login", "proxy", "roles", "leads"})


def aliases(name: str) -> str | AliasChoices:
    """The environment variable of a setting and its name in the file; of a table the name alone."""
    if name in _TABLES:
        return name
    return AliasChoices(_VARIABLES.get(name, f"BRIDGEBOARD_{name.upper()}"), name)
