"""The names and addresses by which browsers reach the dashboard."""

from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}


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
