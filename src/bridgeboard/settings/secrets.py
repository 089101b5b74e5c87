"""Reads secrets from files or the keyring, and checks the address of a PostgreSQL."""

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from bridgeboard import operator_files
from bridgeboard.operator_files import UnreadableTextError
from bridgeboard.settings.sources import SettingsError, meant, table

KEYRING: Final = "bridgeboard"
"""The service under which the keyring holds the token; its account is the deployment's address."""
_LARGEST: Final = 65_536
_SCHEMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


def from_file(name: str, path: str) -> str:
    """The secret in a file, without the blanks around it. Raises SettingsError."""
    place = meant(path)
    try:
        text = operator_files.read(place, largest=_LARGEST).strip()
    except UnreadableTextError as error:
        raise SettingsError(f"{name} names {place}, which {str(error).rstrip('.')}.") from None
    if not text:
        raise SettingsError(f"{name} names {place}, which is empty. Put the secret into it.")
    if not text.isprintable():
        raise SettingsError(
            f"{name} names {place}, which holds several lines or control characters. Put nothing "
            "but the secret into it, on one line."
        )
    return text


def with_files(values: object, *names: str) -> object:
    """A table of settings in which ``x_file`` was read where ``x`` is not given itself."""
    if not isinstance(values, dict):
        return values
    read = {
        name: from_file(f"{name}_file", path)
        for name in names
        if isinstance(path := values.get(f"{name}_file"), str) and path and not values.get(name)
    }
    return values | read


def from_keyring(url: str) -> str:
    """The token that the platform's keyring holds for a deployment. Raises SettingsError."""
    try:
        import keyring  # noqa: PLC0415 - an optional package
    except ImportError:
        raise SettingsError(
            "keyring = true needs a package that is not installed. "
            'Run: pip install "bridgeboard[keyring]"'
        ) from None
    try:
        token = keyring.get_password(KEYRING, url)
    except Exception as error:  # noqa: BLE001 - each platform's keyring has errors of its own
        raise SettingsError(
            f"The platform's keyring cannot be read ({type(error).__name__}). Unlock it, or give "
            "the token by CODER_SESSION_TOKEN or token_file."
        ) from None
    if not token:
        raise SettingsError(
            f"The platform's keyring holds no token. Run: keyring set {KEYRING} {url or 'URL'}"
        )
    return str(token)


def refuse_readable(path: Path, names: Mapping[str, Iterable[str]]) -> None:
    """Raise SettingsError for a settings file that holds a secret and is open to others.

    ``names`` are those of secrets, by their table (``sources.secret_names``).
    """
    if not path.is_file() or os.name == "nt":
        return
    open_to_others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if open_to_others and (secret := _name_of(table(path), names)):
        raise SettingsError(
            f"{path} holds a secret ({secret}) and other users may read it. Run: chmod 600 {path}"
        )


def _name_of(contents: dict[str, Any], secrets: Mapping[str, Iterable[str]]) -> str:
    """The name of a secret in the file; empty if it holds none."""
    for place, names in secrets.items():
        part = contents.get(place, {}) if place else contents
        for name in sorted(part.keys() & names) if isinstance(part, dict) else ():
            return f"{place}.{name}" if place else name
    return ""


def check_state_url(url: str) -> None:
    """Raise SettingsError unless it is an address of a PostgreSQL; its text is not repeated."""
    parts = _parts(url)
    if parts is None or parts.scheme not in _SCHEMES or not parts.path.strip("/"):
        raise SettingsError(
            "state_url is no address of a PostgreSQL: write"
            " postgresql://USER:PASSWORD@HOST/DATABASE, with other characters than letters and"
            " digits of the password as %XX."
        )


def state_host(url: str) -> str:
    """The host of a PostgreSQL's address; empty for a socket of this machine."""
    parts = _parts(url)
    return (parts.hostname or "") if parts else ""


def passwords(url: str) -> set[str]:
    """The password in it, as it is written and as it is meant; empty without one."""
    parts = _parts(url)
    if parts is None:
        return set()
    words = [parts.password or "", *parse_qs(parts.query).get("password", ())]
    return {form for word in words for form in (word, unquote(word)) if form}


def _parts(url: str) -> SplitResult | None:
    """The parts of an address; None where it is not plain which part is the password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - it raises
    except ValueError:
        return None
    # The last "@" ends the password here, and the first one where it is connected.
    return None if url.count("@") != parts.netloc.count("@") or url.count("@") > 1 else parts
