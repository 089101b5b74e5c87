"""The address of a ClickHouse: hosts, user, database, and whether it is spoken to in TLS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

TLS_PORT: Final = 8443
_PLAIN_PORTS: Final = frozenset({80, 8123})
_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?")
_DATABASE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST: Final = 65_535
_FORM: Final = "Write clickhouse://USER@HOST:8443/DATABASE"


@dataclass(frozen=True)
class ClickHouseAddress:
    """The parts of an address.

    Attributes:
        hosts: names and ports of the hosts of one server, in the order in which they are asked.
        user: its account.
        database: its database.
        is_secure: whether it speaks TLS.
        ca_file: certificates that are trusted; None is those of the system.
    """

    hosts: tuple[tuple[str, int], ...]
    user: str
    database: str
    is_secure: bool
    ca_file: str | None


def checked(text: str) -> str:
    """An address as it is, or nothing; raises ValueError for what is none."""
    if text.strip():
        parsed(text)
    return text.strip()


def parsed(text: str) -> ClickHouseAddress:
    """The parts of an address. Raises ValueError, which repeats nothing of it."""
    scheme, mark, rest = text.strip().partition("://")
    if scheme.lower() != "clickhouse" or not mark:
        raise ValueError(_FORM)
    # Several hosts are no address to urlsplit, so they are taken out.
    before, _, path = rest.partition("/")
    user, has_user, hosts = before.rpartition("@")
    if ":" in user:
        raise ValueError(
            "Give the password by a setting of its own, such as mirror_password_file or"
            " store_password_file, not in the address"
        )
    if not has_user or not user or "@" in user or "?" in before or "#" in rest:
        raise ValueError(_FORM)
    parts = urlsplit(f"//x/{path}")
    database = parts.path.strip("/")
    if not _DATABASE.fullmatch(database):
        raise ValueError(f"{_FORM}, with a database of letters, digits and _")
    options = _options(parts.query)
    named = [_host(host) for host in hosts.split(",")]
    plain = options.get("secure") == "false" or (
        "secure" not in options and all(port in _PLAIN_PORTS for _, port in named)
    )
    return ClickHouseAddress(tuple(named), unquote(user), database, not plain, options.get("ca"))


def _host(text: str) -> tuple[str, int]:
    match = _HOST.fullmatch(text.strip())
    if match is None or not 0 < int(match["port"] or TLS_PORT) <= _MOST:
        raise ValueError("Name each host as HOST or HOST:PORT, with commas between several")
    return match["name"].strip("[]"), int(match["port"] or TLS_PORT)


def _options(query: str) -> Mapping[str, str]:
    options = dict(parse_qsl(query, keep_blank_values=True))
    if options.keys() - {"secure", "ca"} or options.get("secure", "true") not in {"true", "false"}:
        raise ValueError("Behind ? may stand secure=true, secure=false and ca=FILE, nothing else")
    return options
