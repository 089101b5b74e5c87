"""Tables of the settings file: roles, leads, login and proxy."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bridgeboard.access import Claims, Headers, Role
from bridgeboard.settings.secrets import with_files

Words = dict[str, tuple[str, ...]]
"""A role → whose it is; or who leads → which teams."""


def words(contents: Any) -> Any:
    """A table of lists of words; one word alone is a list of one. Raises ValueError."""
    if not isinstance(contents, Mapping):
        raise ValueError('Write a table of lists, for example admin = ["platform-admins"]')  # noqa: TRY004 - pydantic's way
    return {str(name).strip(): _as_words(str(name), value) for name, value in contents.items()}


def roles(table: Words) -> Words:
    """The table of roles if each is one. Raises ValueError."""
    for name in table:
        if name not in set(Role):
            known = ", ".join(Role)
            raise ValueError(f"{name!r} is no role. Known are: {known}")
    return table


def leads_without_teams(roles: Words, leads: Words) -> list[str]:
    """Who has the role of a lead and no team."""
    known = {who.lower() for who in leads}
    return [who for who in roles.get(Role.LEAD, ()) if who.lower() not in known]


def time_or_off(text: str) -> str:
    """A time of day or ``off`` as it is. Raises ValueError for anything else."""
    if text != "off" and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise ValueError("Write a time of day as 02:30, or off")
    return text


def _as_words(name: str, value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not words:
        raise ValueError(f'{name!r} needs a list of words, for example ["platform-admins"]')
    if not all(isinstance(word, str) and word.strip() for word in words):
        raise ValueError(f"{name!r} lists something that is no word")
    return tuple(word.strip() for word in words)


SHORTEST_COOKIE_SECRET: Final = 32
CALLBACK: Final = "/oauth2callback"
"""The path to which the provider sends browsers back; it is Streamlit's."""
_NEEDED: Final = ("metadata_url", "client_id", "client_secret", "redirect_url", "cookie_secret")
_EMAIL_AS_USERNAME: Final = (
    'Whether the username is what stands before the "@" of the e-mail address where nothing else '
    "tells it. Only where no two people of the company can have the same."
)


class Table(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True
    )


class Login(Table):
    """``[login]``: an OpenID Connect provider. All or nothing of it is configured."""

    metadata_url: str = Field(
        default="",
        description="The provider's metadata, for example "
        "`https://login.example.com/.well-known/openid-configuration`.",
    )
    client_id: str = Field(default="", description="What the provider knows this dashboard by.")
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="The secret that goes with it."
    )
    client_secret_file: str = Field(default="", description="A file that holds it instead.")
    redirect_url: str = Field(
        default="",
        description="Where the provider sends browsers back to: this dashboard's address as they "
        f"know it, then `{CALLBACK}`.",
    )
    cookie_secret: SecretStr = Field(
        default=SecretStr(""),
        description=f"At least {SHORTEST_COOKIE_SECRET} random characters that sign the login's "
        "cookies. A new one ends all logins.",
    )
    cookie_secret_file: str = Field(default="", description="A file that holds them instead.")
    scope: str = Field(
        default="openid profile email", description="What the provider is asked for."
    )
    hours: float = Field(
        default=10.0,
        gt=0,
        le=24 * 30,
        description="Hours after which people have to log in again. Behind a `[proxy]`: after "
        "which an open page asks it anew who its reader is.",
    )
    username_claim: str = Field(
        default=Claims.username,
        description="The claim that holds the username at the Coder deployment. Whoever can "
        "change it themselves can see as *self* what is not theirs.",
    )
    groups_claim: str = Field(default=Claims.groups, description="The claim that lists groups.")
    email_as_username: bool = Field(default=Claims.local_part, description=_EMAIL_AS_USERNAME)

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: Any) -> Any:
        return with_files(values, "client_secret", "cookie_secret")

    @field_validator("metadata_url", "redirect_url", mode="after")
    @classmethod
    def _private(cls, url: str) -> str:
        parts = urlsplit(url)
        local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if url and (parts.scheme not in {"https", "http"} or not parts.hostname):
            raise ValueError("Give a whole address, for example https://login.example.com/")
        if parts.scheme == "http" and not local:
            raise ValueError("Use https: whoever listens could come in as somebody else")
        return url

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in _NEEDED if not _given(getattr(self, name))]
        if len(missing) == len(_NEEDED):
            return self
        if missing:
            raise ValueError(f"Set {', '.join(missing)} too: all of them make a login")
        if not self.redirect_url.endswith(CALLBACK):
            raise ValueError(f"Let redirect_url end in {CALLBACK}")
        if len(self.cookie_secret.get_secret_value()) < SHORTEST_COOKIE_SECRET:
            raise ValueError(
                f"Give cookie_secret at least {SHORTEST_COOKIE_SECRET} random characters. "
                "Make some with: openssl rand -hex 32"
            )
        return self

    def check_path(self, base_path: str) -> None:
        """Raise ValueError unless browsers come back from the provider to a path of ours."""
        path, expected = urlsplit(self.redirect_url).path, f"{base_path}{CALLBACK}"
        if path != expected:
            raise ValueError(
                f"login.redirect_url leads to {path}: let it end in {expected}, or set base_path "
                "to what stands before it"
            )

    @property
    def configured(self) -> bool:
        """Whether there is a login at all."""
        return bool(self.metadata_url)

    @property
    def claims(self) -> Claims:
        """Which claims tell who somebody is."""
        return Claims(self.username_claim, self.groups_claim, self.email_as_username)


class Proxy(Table):
    """``[proxy]``: an authenticating proxy in front, which says in headers who somebody is."""

    addresses: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="Addresses or networks of the proxies that are believed, for example "
        "`10.0.0.5` or `10.1.0.0/24`; between commas in the environment. "
        "Nobody else is.",
    )
    user_header: str = Field(
        default=Headers.user, description="The header that holds what the proxy knows somebody by."
    )
    email_header: str = Field(
        default=Headers.email, description="The one that holds their address."
    )
    groups_header: str = Field(
        default=Headers.groups, description="The one that lists their groups, between commas."
    )
    username_header: str = Field(
        default=Headers.username,
        description="The one that holds their username at the Coder deployment.",
    )
    email_as_username: bool = Field(default=Headers.local_part, description=_EMAIL_AS_USERNAME)

    @field_validator("addresses", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        words = value.split(",") if isinstance(value, str) else value
        if not isinstance(words, (list, tuple)):
            return words
        return tuple(_network(each) for each in words if each != "")

    @property
    def configured(self) -> bool:
        """Whether a proxy is believed at all."""
        return bool(self.addresses)

    @property
    def headers(self) -> Headers:
        """Which headers tell who somebody is."""
        return Headers(
            self.user_header,
            self.email_header,
            self.groups_header,
            self.username_header,
            self.email_as_username,
        )

    def trusts(self, address: str) -> bool:
        """Whether what comes from this address is believed; never for what is no address."""
        try:
            peer = ip_address(address)
        except ValueError:
            return False
        if isinstance(peer, IPv6Address) and peer.ipv4_mapped:
            peer = peer.ipv4_mapped
        return any(peer in network for network in self.addresses)


def _network(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    text = value.strip() if isinstance(value, str) else repr(value)
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(
            f"{text} is no address and no network ({error}). Write 10.0.0.5 or 10.1.0.0/24"
        ) from None
    if not network.prefixlen:
        raise ValueError(f"{text} is everybody. Name the addresses of your proxies alone")
    return network


def _given(value: str | SecretStr) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
