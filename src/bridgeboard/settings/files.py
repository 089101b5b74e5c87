"""Finds and reads the settings file and the files it names."""

import os
import tomllib
from pathlib import Path
from typing import Any, Final

import platformdirs

from bridgeboard import operator_files
from bridgeboard.operator_files import UnreadableTextError


class SettingsError(ValueError):
    """A setting is wrong; the message names it and says what to do. It never holds a secret."""


SETTINGS_VARIABLE: Final = "BRIDGEBOARD_SETTINGS"


def _cwd() -> Path:
    try:
        return Path.cwd()
    except OSError:  # the folder is gone
        return Path()


_STARTED_IN: Final = _cwd()


def meant(path: str) -> Path:
    """A path as it was meant where the program was started: serving moves elsewhere."""
    return _STARTED_IN / Path(path).expanduser()


def settings_file() -> Path:
    """Where the settings file is looked for; it need not exist unless it was named."""
    named = os.environ.get(SETTINGS_VARIABLE)
    if named and not meant(named).is_file():
        raise SettingsError(f"{SETTINGS_VARIABLE} names {named}, which is not a file.")
    if named:
        return meant(named)
    return platformdirs.user_config_path("bridgeboard") / "bridgeboard.toml"


def table(path: Path) -> dict[str, Any]:
    """What a TOML file says. Raises SettingsError."""
    try:
        return tomllib.loads(operator_files.read(path))
    except UnreadableTextError as error:
        raise SettingsError(f"{path} {str(error).rstrip('.')}.") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
