"""Environment and one TOML file → frozen Settings. Nothing else reads the environment.

An environment variable wins over the file; the file is ``bridgeboard.toml`` in the
platform's configuration folder, or whatever ``BRIDGEBOARD_SETTINGS`` names.
"""

import ipaddress
import os
import stat
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import platformdirs
from pydantic import AliasChoices, Field, PrivateAttr, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

SETTINGS_VARIABLE = "BRIDGEBOARD_SETTINGS"


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what to do. It never holds the token."""


def _named(variable: str, name: str, default: Any, description: str, **limits: Any) -> Any:
    return Field(
        default=default,
        description=description,
        validation_alias=AliasChoices(variable, name),
        **limits,
    )


class Settings(BaseSettings):
    """All that can be configured. The first alias of a field is its environment variable.

    Raises :class:`SettingsError` (through :func:`read`) for values that make no sense.
    """

    demo: ClassVar[bool] = False

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        case_sensitive=True,
        env_ignore_empty=True,
    )

    url: str = _named(
        "CODER_URL",
        "url",
        "",
        "Address of the Coder deployment, for example `https://coder.example.com`.",
    )
    token: SecretStr = _named(
        "CODER_SESSION_TOKEN",
        "token",
        SecretStr(""),
        "API token of an owner or auditor of that deployment.",
    )
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = _named(
        "BRIDGEBOARD_TIMEOUT_SECONDS",
        "timeout_seconds",
        60.0,
        "How long one answer of the deployment may take. Its session list is slow at scale.",
    )
    host: str = _named(
        "BRIDGEBOARD_HOST", "host", "127.0.0.1", "Address that the dashboard listens on."
    )
    port: Annotated[int, Field(ge=1, le=65_535)] = _named(
        "BRIDGEBOARD_PORT", "port", 8501, "Port that the dashboard listens on."
    )
    allow_remote: bool = _named(
        "BRIDGEBOARD_ALLOW_REMOTE",
        "allow_remote",
        False,  # noqa: FBT003 - the default of a field, named by its place
        "Permit a `host` that other machines can reach. There is no login yet: "
        "whoever reaches the port sees everything the token sees.",
    )

    allowed_hosts: str = _named(
        "BRIDGEBOARD_ALLOWED_HOSTS",
        "allowed_hosts",
        "",
        "Names, separated by commas, under which browsers reach the dashboard beside `localhost`: "
        "those of a reverse proxy that passes its own on. `*` permits every name.",
    )

    data_folder: str = _named(
        "BRIDGEBOARD_DATA",
        "data_folder",
        "",
        "Folder of the local store, one file per deployment. Empty is the platform's data folder.",
    )
    text: Literal["all", "none"] = _named(
        "BRIDGEBOARD_TEXT",
        "text",
        "all",
        "Whether prompts, thinking and tool inputs are kept (`all`) or never (`none`).",
    )
    text_days: Annotated[int, Field(ge=0, le=36_500)] = _named(
        "BRIDGEBOARD_TEXT_DAYS",
        "text_days",
        60,
        "Days after which stored text is deleted; 60 is the server's own default. 0 keeps it.",
    )
    search_text: bool = _named(
        "BRIDGEBOARD_SEARCH_TEXT",
        "search_text",
        False,  # noqa: FBT003 - the default of a field, named by its place
        "Whether readers may search all prompts for words, and so see what people wrote.",
    )
    rows_days: Annotated[int, Field(ge=0, le=36_500)] = _named(
        "BRIDGEBOARD_ROWS_DAYS",
        "rows_days",
        0,
        "Days after which stored numbers are deleted. 0 keeps them, also when the server does not.",
    )
    sync_seconds: Annotated[int, Field(ge=0, le=86_400)] = _named(
        "BRIDGEBOARD_SYNC_SECONDS",
        "sync_seconds",
        60,
        "Seconds between two syncs while the dashboard runs. 0 switches background syncs off.",
    )
    overlap_hours: Annotated[float, Field(ge=0, le=8_760)] = _named(
        "BRIDGEBOARD_OVERLAP_HOURS",
        "overlap_hours",
        24.0,
        "Hours that every sync reads again: a request is listed only after it has ended.",
    )
    store_memory_mb: Annotated[int, Field(ge=128, le=1_048_576)] = _named(
        "BRIDGEBOARD_STORE_MEMORY_MB",
        "store_memory_mb",
        512,
        "Memory that the store may use, in megabytes.",
    )
    prices_file: str = _named(
        "BRIDGEBOARD_PRICES",
        "prices_file",
        "",
        "A `prices.toml` with prices, discounts and vendors of your own (docs/costs.md).",
    )
    teams_file: str = _named(
        "BRIDGEBOARD_TEAMS",
        "teams_file",
        "",
        "A CSV or TOML file that says who is in which team, and when (docs/store.md).",
    )

    @field_validator("host", mode="after")
    @classmethod
    def _without_brackets(cls, host: str) -> str:
        if not host.strip():
            raise ValueError("Name an address to listen on, for example 127.0.0.1")
        return host.strip().strip("[]")

    @field_validator("url", mode="after")
    @classmethod
    def _without_blanks(cls, url: str) -> str:
        return url.strip().rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, settings_file())

    @property
    def configured(self) -> bool:
        """Whether a deployment and a token are given at all."""
        return bool(self.url and self.token.get_secret_value())

    @property
    def stands_at(self) -> datetime | None:
        """The moment at which a demo company stands still; None where time goes on."""
        return None

    @property
    def folder(self) -> Path:
        """Where stores are kept."""
        named = Path(self.data_folder).expanduser() if self.data_folder else None
        return named or platformdirs.user_data_path("bridgeboard")

    @property
    def names(self) -> list[str]:
        """The host names that a browser may use; empty permits every name.

        Without such a list, a foreign site could point a name of its own at this machine and
        read the dashboard through the reader's browser.
        """
        given = [name.strip() for name in self.allowed_hosts.split(",") if name.strip()]
        if not (given or self.loopback):
            return []
        return list(dict.fromkeys(["localhost", "127.0.0.1", "::1", self.host, *given]))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach ``host``."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


class DemoSettings(Settings):
    """Settings that point at the demo company's server instead of a deployment."""

    demo: ClassVar[bool] = True
    _stands_at: datetime | None = PrivateAttr(None)

    @classmethod
    def of(
        cls, settings: Settings, url: str, token: str, stands_at: datetime | None = None
    ) -> Self:
        """The same settings, but for the deployment and its token, and its text is nobody's."""
        given = {**dict(settings), "url": url, "token": SecretStr(token), "search_text": True}
        made = cls.model_construct(**given)
        made._stands_at = stands_at  # noqa: SLF001 - our own
        return made

    @property
    def stands_at(self) -> datetime | None:
        """The moment at which the company stands still; None where it lives on."""
        return self._stands_at


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
        _refuse_a_readable_token(settings_file())
        return Settings(**given)
    except ValidationError as error:
        raise SettingsError(_explained(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{settings_file()} is not valid TOML: {error}") from None
    except OSError as error:
        raise SettingsError(f"{settings_file()} cannot be read: {error.strerror}") from None


def settings_file() -> Path:
    """Where the settings file is looked for; it need not exist unless it was named."""
    named = os.environ.get(SETTINGS_VARIABLE)
    if named and not Path(named).is_file():
        raise SettingsError(f"{SETTINGS_VARIABLE} names {named}, which is not a file.")
    if named:
        return Path(named)
    return platformdirs.user_config_path("bridgeboard") / "bridgeboard.toml"


def variables() -> dict[str, str]:
    """Environment variable → field name, for the documentation and its test."""
    return {
        str(field.validation_alias.choices[0]): name
        for name, field in Settings.model_fields.items()
        if isinstance(field.validation_alias, AliasChoices)
    }


def _refuse_a_readable_token(path: Path) -> None:
    if not path.is_file() or os.name == "nt":
        return
    open_to_others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    token_names = {"token", "CODER_SESSION_TOKEN"}
    if open_to_others and token_names & tomllib.loads(path.read_text("utf-8")).keys():
        raise SettingsError(
            f"{path} holds a token and other users may read it. Run: chmod 600 {path}"
        )


def _explained(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = _spoken(str(problem["loc"][0]))
        if problem["type"] == "extra_forbidden":
            known = ", ".join(sorted(variables().values()))
            lines.append(f"{name}: no such setting. Known are: {known}.")
        else:
            lines.append(f"{name}: {problem['msg']}.")
    return "\n".join(lines)


def _spoken(alias: str) -> str:
    both = {variable: f"{name} ({variable})" for variable, name in variables().items()}
    return both.get(alias, alias)
