"""Where each setting in force comes from, and whether a restart would change it; no secrets."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

from pydantic import SecretStr

from bridgeboard.settings import secrets as stored_secrets
from bridgeboard.settings import sources
from bridgeboard.settings.in_force import Settings
from bridgeboard.settings.sources import Environment, File, settings_file

NOT_SET: Final = "not set"
_DEMO: Final = frozenset(
    {
        *("url", "token", "timeout_seconds", "search_text", "data_folder", "state_url"),
        *("teams_file", "budgets_file"),
    }
)
"""What a demo company sets itself."""
_MEANINGS: Final = {
    "roles": "Whose this role is: groups, e-mail addresses, or usernames as `user:alice`.",
    "leads": "Which teams somebody leads, or everybody of a group.",
}
_USER: Final = re.compile(r"(?<=://)[^\s'\"<>]*@")


@dataclass(frozen=True)
class Origin:
    """One setting as it is in force.

    Attributes:
        name: as in the file, and ``table.field`` for what stands in a table.
        value: in words; of a secret only whether it is set.
        set_by: ``environment NAME``, ``command line``, ``file``, the setting that says where a
            secret is, ``demo company``, or ``default``.
        changed: whether environment and file say something else by now.
        meaning: what the setting is for, in Markdown.
    """

    name: str
    value: str
    set_by: str
    changed: bool
    meaning: str


def origins(in_force: Settings, now: Settings | None) -> tuple[Origin, ...]:
    """Every setting, in the order of their model; each role and each lead is one.

    ``now`` is what environment and file say at this moment (``read``); None where they cannot be
    read, and then nothing is known to have changed.
    """
    mine, theirs = dict(_values(in_force)), dict(_values(now)) if now else {}
    variables = {path: variable for variable, path in _environment().items()}
    file = _file() if now else frozenset()
    tables = list(Settings.model_fields)
    rows = []
    for path in sorted({**mine, **theirs}, key=lambda path: tables.index(path.partition(".")[0])):
        changed = now is not None and mine.get(path) != theirs.get(path)
        if in_force.demo and path in _DEMO and (changed or now is None):
            set_by, changed = "demo company", False
        elif path in in_force.given:
            set_by, changed = "command line", False
        elif path in variables:
            set_by = f"environment {variables[path]}"
        else:
            set_by = _elsewhere(path, in_force, mine, file)
        value = _host(mine) if path == "state_url" else shown(mine.get(path))
        rows.append(Origin(path, value, set_by, changed, _meaning(path)))
    return tuple(rows)


def shown(value: Any) -> str:
    """A value in words, as the file has it; never a secret, nor a password in an address."""
    match value:
        case SecretStr():
            return "set" if value.get_secret_value() else NOT_SET
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case tuple():
            return ", ".join(map(_alone, value)) or NOT_SET
        case str():
            return _without_user(value) or NOT_SET
        case _:
            return NOT_SET if value is None else str(value)


def unsecret(text: str, settings: Settings) -> str:
    """A text without the secrets of these settings, and without passwords in addresses."""
    values = [value for _, value in _values(settings)]
    secrets = {one.get_secret_value() for one in values if isinstance(one, SecretStr)} - {""}
    secrets |= stored_secrets.passwords(settings.state_url.get_secret_value())
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "…")
    for one in values:
        if isinstance(one, str) and one:
            text = text.replace(one, _without_user(one))
    return _USER.sub("…@", text)


def _host(values: Mapping[str, Any]) -> str:
    """The host of the state's address, of which everything else may be a secret."""
    address: SecretStr | None = values.get("state_url")
    host = stored_secrets.state_host(address.get_secret_value()) if address else ""
    return f"{shown(address)}: {host}" if host else shown(address)


def _environment() -> dict[str, str]:
    """Environment variable → path, of the variables that are set."""
    values = Environment(Settings)()
    inside = {
        f"{name}.{field}" for name in sources.tables(Settings) for field in values.get(name, ())
    }
    plain = sources.variables(Settings).items()
    nested = sources.table_variables(Settings).items()
    return {variable: path for variable, path in plain if variable in values} | {
        variable: path for variable, path in nested if path in inside
    }


def _file() -> frozenset[str]:
    """The paths of what the file says now; it may call a field by its variable's name too."""
    known = sources.variables(Settings)
    entries = File(Settings, settings_file())().items()
    tables = {
        f"{name}.{field}" for name, table in entries if isinstance(table, dict) for field in table
    }
    return frozenset({known.get(name, name) for name, _ in entries} | tables)


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Path → value, what stands in tables one by one; None for a table that is empty."""
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name in sources.tables(Settings):
            yield from ((f"{name}.{field}", each) for field, each in value)
        elif isinstance(value, dict) and value:
            yield from ((f"{name}.{key}", each) for key, each in value.items())
        else:
            yield name, None if isinstance(value, dict) else value


def _elsewhere(
    path: str, settings: Settings, values: Mapping[str, Any], file: frozenset[str]
) -> str:
    """Who set what neither the environment nor the command line did."""
    table, _, field = path.partition(".")
    value = values.get(path)
    if isinstance(value, SecretStr) and value.get_secret_value() and path not in file:
        if values.get(f"{path}_file"):
            return f"{path}_file"
        if path == "token" and settings.keyring:
            return "keyring"
    if table in sources.tables(Settings):
        known = field in getattr(settings, table).model_fields_set
    else:
        known = table in settings.model_fields_set and value is not None
    return "file" if known else "default"


def _alone(word: object) -> str:
    """A network of one address is that address."""
    if isinstance(word, (IPv4Network, IPv6Network)) and word.num_addresses == 1:
        return str(word.network_address)
    return str(word)


def _without_user(address: str) -> str:
    """An address without the name and the password that it may begin with."""
    user, _, rest = address.rpartition("@")
    if ":" not in user:
        return address
    scheme, mark, _ = user.rpartition("://")
    return f"{scheme}{mark}…@{rest}"


def _meaning(path: str) -> str:
    table, _, field = path.partition(".")
    if table in _MEANINGS:
        return _MEANINGS[table]
    model = sources.tables(Settings)[table] if field else Settings
    return model.model_fields[field or table].description or ""
