"""The addresses by which browsers reach the dashboard: host names, origins, base path."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from bridgeboard.access import PAGES

_PORTS: Final = {"http": 80, "https": 443}
_BASE: Final = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+")
_OURS: Final = frozenset(PAGES) | {"enter", "oauth2callback", "healthz"}
"""Our own paths of one word: a base path that is called so could not be told from them."""
_FOLDERS: Final = frozenset({"static", "media", "component", "_stcore", "auth"})
"""What our longer paths begin with."""


def listening(text: str) -> str:
    """An address to listen on, without brackets. Raises ValueError for none."""
    if not text.strip():
        raise ValueError("Name an address to listen on, for example 127.0.0.1")
    return text.strip().strip("[]")


def listed(names: str) -> list[str]:
    """The words of a list with commas between them."""
    return [name.strip() for name in names.split(",") if name.strip()]


def origin(address: str) -> str:
    """An address of scheme, host and port alone, as browsers write it; empty for any other.

    The port of the scheme is left out, and letters are small.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    is_bare = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    if scheme not in _PORTS or not parts.hostname or not is_bare or not address.isprintable():
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{host}" if port in {None, _PORTS[scheme]} else f"{scheme}://{host}:{port}"


def origin_of(url: str) -> str:
    """The origin of a whole address, with a path or without; empty if it has none."""
    parts = urlsplit(url)
    return origin(f"{parts.scheme}://{parts.netloc}")


def host(name: str) -> str:
    """The host of a whole address; a name is its own."""
    return urlsplit(name).hostname or name


def allowed(text: str) -> str:
    """A list of names and whole addresses as it is; raises ValueError for any other word."""
    for address in listed(text):
        if "/" in address and not origin(address):
            raise ValueError(
                f"{address} is neither a name nor a whole address. "
                "Write ai.example.com or https://ai.example.com"
            )
    return text


def names(bound: str, given_names: str, whole: Iterable[str]) -> list[str]:
    """The host names that a browser may use; empty permits every name.

    Without such a list, a foreign site could point a name of its own at this machine and
    read the dashboard through the reader's browser.

    Args:
        bound: the address that is listened on.
        given_names: names and whole addresses, with commas between them.
        whole: further whole addresses.
    """
    given = [host(name) for name in listed(given_names)]
    if not (given or is_loopback(bound)):
        return []
    known = ["localhost", "127.0.0.1", "::1", bound, *map(host, whole)]
    return list(dict.fromkeys([*known, *given]))


def origins(given_names: str, redirect_url: str) -> frozenset[str]:
    """The origins of listed addresses that say how, and of the address that a login leads to."""
    addresses = [*listed(given_names), redirect_url]
    return frozenset(origin_of(each) for each in addresses if "://" in each)


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def base_path(text: str) -> str:
    """A base path as all of us write it: one slash before it, none behind it; empty for none.

    Raises ValueError for what is none, and for one that is a path of our own.
    """
    path = text.strip().strip("/")
    if not path:
        return ""
    if not _BASE.fullmatch(f"/{path}"):
        raise ValueError("Write a path of letters, digits, '.', '_', '~' and '-': /bridgeboard")
    if path in _OURS or path.partition("/")[0] in _FOLDERS:
        raise ValueError(f"/{path} is a path of the dashboard itself: choose another")
    return f"/{path}"
