"""Every setting, with its variable, default, meaning and validation."""

from typing import Annotated, Any, ClassVar, Final, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    AliasGenerator,
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from bridgeboard.access import SHORTEST_KEY
from bridgeboard.settings import addresses, clickhouse_address, tables
from bridgeboard.settings.sources import Environment, File, meant, settings_file
from bridgeboard.settings.tables import Login, Proxy, Words
from bridgeboard.settings.variables import aliases

RANDOM: Final = "make one with: openssl rand -hex 32"
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)


class Fields(BaseSettings):
    """All that can be configured. The first alias of a field is its environment variable.

    Values that make no sense are a :class:`SettingsError` of :func:`bridgeboard.settings.read`.
    """

    demo: ClassVar[bool] = False
    _given: frozenset[str] = PrivateAttr(frozenset())

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        case_sensitive=True,
        env_ignore_empty=True,
        alias_generator=AliasGenerator(validation_alias=aliases),
    )

    url: str = Field(
        default="",
        description="Address of the Coder deployment, for example `https://coder.example.com`.",
    )
    token: SecretStr = Field(
        default=SecretStr(""), description="API token of an owner or auditor of that deployment."
    )
    token_file: str = Field(
        default="", description="A file that holds the token instead, such as a mounted secret."
    )
    keyring: bool = Field(
        default=False,
        description="Whether the platform's keyring holds the token: `keyring set bridgeboard "
        'URL`. Needs `pip install "bridgeboard[keyring]"`.',
    )
    timeout_seconds: float = Field(
        default=60.0,
        gt=0,
        le=3600,
        description="How long one answer of the deployment may take. Its session list is slow at "
        "scale.",
    )
    host: Annotated[str, AfterValidator(addresses.listening)] = Field(
        default="127.0.0.1", description="Address that the dashboard listens on."
    )
    port: int = Field(
        default=8501, ge=1, le=65_535, description="Port that the dashboard listens on."
    )
    allow_remote: bool = Field(
        default=False,
        description="Let a demo company be looked at from other machines by whoever reaches the "
        "port. For a deployment configure `[login]` or `[proxy]` instead.",
    )
    allowed_hosts: Annotated[str, AfterValidator(addresses.allowed)] = Field(
        default="",
        description="Names, separated by commas, under which browsers reach the dashboard beside "
        "`localhost`: those of a reverse proxy that passes its own on. Where that one ends TLS "
        "and neither `[login]` nor `[proxy]` is configured, the whole address, such as "
        "`https://ai.example.com`. `*` permits every name.",
    )
    base_path: Annotated[str, AfterValidator(addresses.base_path)] = Field(
        default="",
        description="Path under which a reverse proxy shows the dashboard, for example "
        "`/bridgeboard`. The proxy may pass it on or strip it.",
    )
    data_folder: str = Field(
        default="",
        description="Folder of the local store, one file per deployment. Empty is the platform's "
        "data folder.",
    )
    text: Literal["all", "none"] = Field(
        default="all",
        description="Whether prompts, thinking and tool inputs are kept (`all`) or never (`none`).",
    )
    text_days: int = Field(
        default=60,
        ge=0,
        le=36_500,
        description="Days after which stored text is deleted; 60 is the server's own default. 0 "
        "keeps it.",
    )
    search_text: bool = Field(
        default=False,
        description="Whether readers may search all prompts for words, and so see what people "
        "wrote.",
    )
    rows_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days after which stored numbers are deleted. 0 keeps them, also when the "
        "server does not.",
    )
    sync_seconds: int = Field(
        default=60,
        ge=0,
        le=86_400,
        description="Seconds between two syncs while the dashboard runs. 0 switches background "
        "syncs off.",
    )
    overlap_hours: float = Field(
        default=24.0,
        ge=0,
        le=8_760,
        description="Hours that every sync reads again: a request is listed only after it has "
        "ended.",
    )
    store_memory_mb: int = Field(
        default=512,
        ge=128,
        le=1_048_576,
        description="Memory that the store may use, in megabytes.",
    )
    backup_at: Annotated[str, AfterValidator(tables.time_or_off)] = Field(
        default="02:30",
        description="Time of day, by the clock of the machine, at which `serve` makes a backup "
        "every night. `off` makes none.",
    )
    backup_folder: str = Field(
        default="",
        description="Folder of these backups, for this account only. Empty is `backups` in the "
        "data folder.",
    )
    backups_kept: int = Field(
        default=7,
        ge=1,
        le=1000,
        description="How many of these backups are kept. Older ones are deleted.",
    )
    publish_folder: str = Field(
        default="",
        description="Folder into which the process that syncs puts copies of the store, at most "
        "one a minute, for dashboards on the same machine that only read (docs/deployment.md). "
        "Empty publishes none.",
    )
    replica_folder: str = Field(
        default="",
        description="That folder, for a dashboard that only reads: a replica. It needs no "
        "deployment and no token, and publishes nothing itself. Empty is a dashboard with a store "
        "of its own.",
    )
    prices_file: str = Field(
        default="",
        description="A `prices.toml` with prices, discounts and vendors of your own "
        "(docs/costs.md).",
    )
    teams_file: str = Field(
        default="",
        description="A CSV or TOML file that says who is in which team, and when (docs/store.md).",
    )
    budgets_file: str = Field(
        default="",
        description="A `budgets.toml` with what may be spent, by whom and over which period "
        "(docs/costs.md).",
    )
    teams_from: Literal["groups", "login", "none"] = Field(
        default="groups",
        description="Where teams come from without a teams file: Coder's `groups`, the groups that "
        "`[login]` or `[proxy]` tells of people (`login`), or `none` (docs/store.md).",
    )
    team_groups: str = Field(
        default="",
        description="Names of the groups that are teams, or ids of Coder's, separated by commas; "
        "of several the first one counts. Empty is all: then of Coder's the one that sets a "
        "person's budget counts, and of a login's none.",
    )
    alerts_file: str = Field(
        default="",
        description="An `alerts.toml` that says who is told of budgets, findings and syncs, by "
        "chat, e-mail, webhook or pager (docs/alerts.md). Empty tells nobody. Needs `pip install "
        '"bridgeboard[alerts]"`.',
    )

    login: Login = Field(default_factory=Login)
    proxy: Proxy = Field(default_factory=Proxy)
    roles: Words = Field(default_factory=dict)
    leads: Words = Field(default_factory=dict)
    default_role: Literal["", "self", "viewer", "analyst"] = Field(
        default="",
        description="What everybody is who comes in and has no role: `self`, `viewer` or "
        "`analyst`. Empty refuses them.",
    )
    week_start: Weekday = Field(
        default="monday",
        description="The day on which weeks begin: of charts, cohorts, the hours of the week, "
        "Week to date and Last week.",
    )
    names: Literal["real", "pseudonyms"] = Field(
        default="real",
        description="Whether people are shown by their names (`real`) or by `pseudonyms`.",
    )
    pseudonym_key: SecretStr = Field(
        default=SecretStr(""),
        description=f"What pseudonyms are made with, at least {SHORTEST_KEY} characters. Whoever "
        "has it can tell whose is whose; with another one everybody is called anew.",
    )
    floor: int = Field(
        default=5,
        ge=2,
        le=10_000,
        description="The fewest people of whom a total is shown to somebody who may see no person.",
    )
    state_url: SecretStr = Field(
        default=SecretStr(""),
        description="A PostgreSQL for views, notes, logins and the audit log, which several "
        "dashboards share: `postgresql://USER:PASSWORD@HOST/DATABASE`. Empty is `state.sqlite` "
        'in the data folder. Needs `pip install "bridgeboard[postgres]"`.',
    )
    state_url_file: str = Field(
        default="", description="A file that holds that address instead, such as a mounted secret."
    )
    audit_key: SecretStr = Field(
        default=SecretStr(""),
        description=f"What entries of the audit log are signed with, at least {SHORTEST_KEY} "
        "characters, the same on all dashboards that share `state_url`. Empty is a key in "
        "`audit.key` in the data folder.",
    )
    audit_key_file: str = Field(
        default="", description="A file that holds that key instead, such as a mounted secret."
    )
    audit_target: str = Field(
        default="",
        description="Where entries of the audit log are handed on: the absolute path of a file "
        "of JSON lines, or `syslog+tls://HOST:6514`, `syslog+tcp://HOST:601`, "
        "`syslog+udp://HOST:514`.",
    )
    mirror: Annotated[str, AfterValidator(clickhouse_address.checked)] = Field(
        default="",
        description="A ClickHouse to which the store is mirrored after each sync: "
        "`clickhouse://USER@HOST:8443/DATABASE`, several hosts with commas between them. Needs "
        '`pip install "bridgeboard[clickhouse]"` (docs/clickhouse.md).',
    )
    mirror_password: SecretStr = Field(
        default=SecretStr(""), description="The password of that user."
    )
    mirror_password_file: str = Field(
        default="", description="A file that holds it instead, such as a mounted secret."
    )
    store: Annotated[str, AfterValidator(clickhouse_address.checked)] = Field(
        default="",
        description="The ClickHouse that another process mirrors its store to, for a dashboard "
        "that only reads there: `clickhouse://USER@HOST:8443/DATABASE`, as `mirror`. It needs no "
        "deployment and no token. Empty is a dashboard with a store of its own.",
    )
    store_password: SecretStr = Field(
        default=SecretStr(""), description="The password of that user."
    )
    store_password_file: str = Field(
        default="", description="A file that holds it instead, such as a mounted secret."
    )

    @field_validator("roles", "leads", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tables.words(value)

    @field_validator("roles", mode="after")
    @classmethod
    def _known(cls, value: Words) -> Words:
        return tables.roles(value)

    @field_validator("pseudonym_key", "audit_key", mode="after")
    @classmethod
    def _long_enough(cls, key: SecretStr) -> SecretStr:
        if 0 < len(key.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"Give it at least {SHORTEST_KEY} characters: {RANDOM}")
        return key

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.login.configured and self.proxy.configured:
            raise ValueError(
                "[login] and [proxy] are both configured: keep the one that says who somebody is"
            )
        if self.login.configured:
            self.login.check_path(self.base_path)
        both = {folder for folder in (self.publish_folder, self.replica_folder) if folder}
        if len({meant(each).resolve() for each in both}) > 1:
            raise ValueError(
                "publish_folder and replica_folder name two folders: a replica reads from the one"
                " that another process publishes to, and publishes nothing itself"
            )
        if self.store and self.replica_folder:
            raise ValueError("store and replica_folder are both set: a dashboard reads one of them")
        if self.names == "pseudonyms" and not self.pseudonym_key.get_secret_value():
            raise ValueError(f"Pseudonyms need a pseudonym_key: {RANDOM}")
        teamless = tables.leads_without_teams(self.roles, self.leads)
        if teamless:
            raise ValueError(f"{teamless[0]} is a lead: name their teams under [leads]")
        return self

    @field_validator("url", mode="after")
    @classmethod
    def _without_blanks(cls, url: str) -> str:
        return url.strip().rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line first, then the environment, then the file."""
        file = File(settings_cls, settings_file())
        return init_settings, Environment(settings_cls), file
