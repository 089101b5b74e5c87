"""Where the settings file is, and the files that it names."""

import os
from pathlib import Path
from typing import Final

import platformdirs

from bridgeboard.settings.errors import SettingsError

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
    told = os.environ.get(SETTINGS_VARIABLE)
    if told and not meant(told).is_file():
        raise SettingsError(f"{SETTINGS_VARIABLE} names {told}, which is not a file.")
    if told:
        return meant(told)
    return platformdirs.user_config_path("bridgeboard") / "bridgeboard.toml"
