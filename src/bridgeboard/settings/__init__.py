"""Environment and one TOML file → frozen Settings. Nothing else reads the environment.

An environment variable wins over the file; the file is ``bridgeboard.toml`` in the
platform's configuration folder, or whatever ``BRIDGEBOARD_SETTINGS`` names.
"""

import os
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr, ValidationError

from bridgeboard.access import SHORTEST_KEY
from bridgeboard.settings import secrets, sources
from bridgeboard.settings.demo import DemoSettings
from bridgeboard.settings.in_force import Settings
from bridgeboard.settings.origins import Origin, origins, shown, unsecret
from bridgeboard.settings.sources import SETTINGS_VARIABLE, SettingsError, settings_file
from bridgeboard.settings.tables import Login, Proxy

__all__ = [
    "SETTINGS_VARIABLE",
    "DemoSettings",
    "Login",
    "Origin",
    "Proxy",
    "Settings",
    "SettingsError",
    "believe_no_header_of_a_peer",
    "current",
    "install",
    "origins",
    "read",
    "settings_file",
    "shown",
    "table_variables",
    "unsecret",
    "variable",
    "variables",
]

_installed: Settings | None = None


def install(settings: Settings) -> None:
    """Make these the settings of this process; the command line does so before it serves."""
    global _installed  # noqa: PLW0603 - one process serves one deployment
    _installed = settings


def current() -> Settings:
    """The installed settings, else those of environment and file. Raises SettingsError."""
    return _installed or read()


def read(**overrides: Any) -> Settings:
    """Environment and file, with ``overrides`` (None = not given) on top. Raises SettingsError."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        secrets.refuse_readable(settings_file(), sources.secret_names(Settings))
        return _with_files(_with_token(Settings(**given))).with_given(given)
    except ValidationError as error:
        raise SettingsError(_explained(error)) from None
    except OSError as error:
        raise SettingsError(f"{settings_file()} cannot be read: {error.strerror}") from None


def believe_no_header_of_a_peer() -> None:
    """Have uvicorn take the address that is really connected for the peer's.

    By itself it believes whatever any process of this machine says in a header, and whoever can
    say so could pass for a trusted proxy.
    """
    os.environ["FORWARDED_ALLOW_IPS"] = ""


def variables() -> dict[str, str]:
    """Environment variable → field name, for the documentation and its test."""
    return sources.variables(Settings)


def variable(name: str) -> str:
    """What an environment variable holds that another file of the operator names; else empty."""
    return os.environ.get(name, "")


def table_variables() -> dict[str, str]:
    """Environment variable → ``table.field``, likewise."""
    return sources.table_variables(Settings)


def _with_token(settings: Settings) -> Settings:
    """The same, with a token that stands elsewhere; one that is given outright comes first."""
    if settings.token.get_secret_value():
        return settings
    if settings.token_file:
        token = secrets.from_file("token_file", settings.token_file)
    elif settings.keyring:
        token = secrets.from_keyring(settings.url)
    else:
        return settings
    return settings.model_copy(update={"token": SecretStr(token)})


def _with_files(settings: Settings) -> Settings:
    """The same, with those secrets of no table that stand in files."""
    read = {
        name: SecretStr(secrets.from_file(f"{name}_file", path))
        for name in ("audit_key", "state_url", "mirror_password", "store_password")
        if (path := getattr(settings, f"{name}_file"))
        and not getattr(settings, name).get_secret_value()
    }
    key = read.get("audit_key")
    if key and len(key.get_secret_value()) < SHORTEST_KEY:
        raise SettingsError(
            f"audit_key_file names {settings.audit_key_file}, which holds fewer than {SHORTEST_KEY}"
            " characters: make one with: openssl rand -hex 32"
        )
    whole = settings.model_copy(update=read)
    if whole.state_url.get_secret_value():
        secrets.check_state_url(whole.state_url.get_secret_value())
    return whole


def _explained(error: ValidationError) -> str:
    """One line for each thing that is wrong, which names the setting and never its value."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = problem["loc"]
        name = _spoken(place)
        if problem["type"] == "extra_forbidden":
            lines.append(f"{name}: no such setting. Known are: {', '.join(_known(place))}.")
        else:
            fault = problem["msg"].removeprefix("Value error, ").removesuffix(".")
            lines.append(f"{name}: {fault}." if name else f"{fault}.")
    return "\n".join(lines)


def _known(place: Sequence[Any]) -> list[str]:
    if len(place) > 1:
        return sorted(sources.tables(Settings)[str(place[0])].model_fields)
    return sorted(
        [*sources.variables(Settings).values(), *sources.tables(Settings), "roles", "leads"]
    )


def _spoken(place: Sequence[Any]) -> str:
    """A place such as ("login", "client_id") with its environment variable."""
    names = sources.variables(Settings)
    nested = {name: variable for variable, name in sources.table_variables(Settings).items()}
    path = ".".join(map(str, place))
    if path in names:
        return f"{names[path]} ({path})"
    return f"{path} ({nested[path]})" if path in nested else path
